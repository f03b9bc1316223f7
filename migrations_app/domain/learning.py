"""What the latest command teaches about its unit. An agent's words are read with suspicion."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

import msgspec

from agents.domain.delivery import CommandPhase
from agents.domain.protocol import (
    Created,
    Failed,
    Failure,
    FreezeDone,
    FreezeProgress,
    Landing,
    Step,
    SyncDone,
    Validated,
    Verified,
)
from migrations_app.domain.facts import Facts, Trouble
from migrations_app.domain.lifecycle import Phase, TierGate
from migrations_app.domain.snapshot import CommandView, RoundView, UnitView

MOST_BYTES = 2**62
MOID_LENGTH = 64
WORDS_MAX = 500

_ANSWERS: Mapping[str, type[msgspec.Struct]] = {
    Step.VALIDATE: Validated,
    Step.CREATE_MACHINE: Created,
    Step.OPEN_LANDING: Landing,
    Step.SYNC: SyncDone,
    Step.FREEZE: FreezeDone,
    Step.VERIFY_SOURCE: Verified,
    Step.VERIFY_DESTINATION: Verified,
}


def learned(unit: UnitView, now: datetime) -> UnitView:
    """Return the unit with what its latest command has told; the same again teaches nothing new."""
    command = unit.command
    if command is None:
        return unit
    if command.phase is CommandPhase.SUCCEEDED and is_readable(command):
        return _from_success(replace(unit, facts=_with(unit.facts, trouble=None)), command, now)
    if is_frozen(command):
        unit = replace(unit, frozen_at=unit.frozen_at or now)
    if command.is_open and now < command.deadline:
        return unit
    trouble = _trouble(command, unit.facts, now)
    broken = command.step == Step.VERIFY_DESTINATION and trouble.code == Failure.VIEW_BROKEN
    return replace(unit, facts=_with(unit.facts, trouble=trouble, view_broken=broken))


def is_readable(command: CommandView) -> bool:
    """Return whether the answer of a command that succeeded can be used."""
    return command.step not in _ANSWERS or _answer(command) is not None


def is_frozen(command: CommandView) -> bool:
    """Return whether the source's agent has said that the machine is frozen: the one evidence."""
    if command.step != Step.FREEZE:
        return False
    if command.phase is CommandPhase.SUCCEEDED:
        return True
    try:
        return msgspec.convert(command.progress, FreezeProgress).frozen
    except msgspec.ValidationError:
        return False


def _answer(command: CommandView) -> msgspec.Struct | None:
    try:
        answer: msgspec.Struct = msgspec.convert(command.result, _ANSWERS[command.step], strict=False)
    except msgspec.ValidationError:
        return None
    numbers = [value for value in msgspec.structs.asdict(answer).values() if isinstance(value, int | float)]
    sane = all(0 <= number <= MOST_BYTES for number in numbers)
    return answer if sane and not (isinstance(answer, Created) and _is_odd(answer.machine)) else None


def _is_odd(moid: str) -> bool:
    return not 0 < len(moid) <= MOID_LENGTH


def _from_success(unit: UnitView, command: CommandView, now: datetime) -> UnitView:
    if command.step in _ANSWERS:
        return _LESSONS[command.step](unit, _answer(command), now)
    runs = command.step == Step.CHECK_RUNNING
    counts = command.step == Step.POWER_ON and unit.phase is Phase.SWITCHING and unit.gate is TierGate.NONE
    return replace(unit, started_at=unit.started_at or now) if runs or counts else unit


def _with(facts: Facts, **changes: object) -> Facts:
    changed: Facts = msgspec.structs.replace(facts, **changes)
    return changed


def _validated(unit: UnitView, answer: Validated, _now: datetime) -> UnitView:
    return replace(unit, facts=_with(unit.facts, validated=answer))


def _created(unit: UnitView, answer: Created, _now: datetime) -> UnitView:
    return replace(unit, destination_machine_moid=answer.machine)


def _landed(unit: UnitView, answer: Landing, _now: datetime) -> UnitView:
    return replace(unit, facts=_with(unit.facts, landing=answer))


def _synced(unit: UnitView, answer: SyncDone, _now: datetime) -> UnitView:
    command = unit.latest[Step.SYNC]
    ended = RoundView(
        number=command.round,
        planned=answer.planned,
        content=answer.content,
        wire=answer.wire,
        remaining=answer.remaining_bytes,
        seconds=answer.seconds,
    )
    return _with_round(unit, ended)


def _transferred(unit: UnitView, answer: FreezeDone, now: datetime) -> UnitView:
    if unit.facts.transfer is not None:
        return unit
    last = RoundView(
        number=unit.facts.rounds + 1,
        planned=answer.planned,
        content=answer.content,
        wire=answer.wire,
        remaining=0,
        seconds=answer.freeze_to_verified_s,
        final=True,
    )
    unit = replace(unit, facts=_with(unit.facts, transfer=answer), frozen_at=unit.frozen_at or now)
    return _with_round(unit, last)


def _with_round(unit: UnitView, ended: RoundView) -> UnitView:
    if unit.facts.rounds >= ended.number:
        return unit
    facts = _with(unit.facts, rounds=ended.number)
    return replace(unit, facts=facts, rounds=(*unit.rounds, ended))


def _hashed_source(unit: UnitView, answer: Verified, _now: datetime) -> UnitView:
    return replace(unit, facts=_with(unit.facts, source=answer))


def _hashed_destination(unit: UnitView, answer: Verified, _now: datetime) -> UnitView:
    return replace(unit, facts=_with(unit.facts, destination=answer, view_broken=False))


_LESSONS: Mapping[str, Callable[..., UnitView]] = {
    Step.VALIDATE: _validated,
    Step.CREATE_MACHINE: _created,
    Step.OPEN_LANDING: _landed,
    Step.SYNC: _synced,
    Step.FREEZE: _transferred,
    Step.VERIFY_SOURCE: _hashed_source,
    Step.VERIFY_DESTINATION: _hashed_destination,
}


def _trouble(command: CommandView, facts: Facts, now: datetime) -> Trouble:
    """Return what went wrong with a command that ended otherwise than well."""
    said = facts.trouble
    at = said.at if said and said.step == command.step and said.at else now
    if command.phase is CommandPhase.FAILED:
        return _reported(command, at)
    if command.phase is CommandPhase.SUCCEEDED:
        what, code = "The agent's answer cannot be read.", "answer_unreadable"
    else:
        what, code = f"The agent did not finish {command.step} by its deadline.", "deadline_passed"
    return Trouble(step=command.step, code=code, what=what, at=at)


def _reported(command: CommandView, at: datetime) -> Trouble:
    try:
        failed = msgspec.convert(command.result, Failed)
    except msgspec.ValidationError:
        what = str(command.result.get("what") or "The agent gave no reason.")[:WORDS_MAX]
        return Trouble(step=command.step, code=Failure.INTERNAL, what=what, at=at)
    return Trouble(
        step=command.step,
        code=failed.code,
        what=failed.what[:WORDS_MAX],
        why=failed.why[:WORDS_MAX],
        remedy=failed.remedy[:WORDS_MAX],
        retry=failed.retry,
        at=at,
    )
