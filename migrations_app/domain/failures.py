"""What follows when a command ended otherwise than well."""

from dataclasses import replace
from datetime import datetime

import msgspec

from agents.domain.protocol import Failure, Step
from migrations_app.domain.decision import FAILED, Go, Outcome, UnitDecision, issue
from migrations_app.domain.facts import Trouble
from migrations_app.domain.holds import holds_end, holds_of
from migrations_app.domain.itinerary import stop_after
from migrations_app.domain.lifecycle import Condition, Phase, ShutdownPolicy
from migrations_app.domain.snapshot import CommandView, Snapshot, UnitView
from migrations_app.domain.stops import Work
from migrations_app.domain.ways import STOPS

MAX_ATTEMPTS = 3
_LINE_FAILED = frozenset({Failure.TRANSFER_FAILED, Failure.TRANSFER_REFUSED})


def after_failure(
    unit: UnitView, work: Work, command: CommandView, group: Snapshot, now: datetime
) -> Outcome:
    """Return the next attempt, another way round, or FAILED with the reason a person can act on."""
    trouble = unit.facts.trouble or Trouble(step=command.step, code="unknown", what="No reason is known.")
    if work.phase is Phase.QUIESCING and trouble.code == Failure.GUEST_STILL_RUNNING:
        return _guest_runs(unit, work, group, now)
    if unit.facts.view_broken and work.order is Step.VERIFY_DESTINATION:
        return _unverified(unit, work, trouble)
    if work.fence and not work.passable:
        unknown = frozenset({Condition.DESTINATION_UNKNOWN})
        return Go(unit, STOPS[work.reopens], f"not fenced: {trouble.what}", conditions=unknown)
    if work.patient or not _is_final(command, trouble):
        return _retry(unit, work, trouble, group, now)
    return _given_up(unit, work, command, trouble)


def _is_final(command: CommandView, trouble: Trouble) -> bool:
    """Return whether a person must look: the agent says so, or it was the third time in a row.

    Counted by threes, since attempts go on counting after a person's retry.
    """
    return not trouble.retry or command.attempt % MAX_ATTEMPTS == 0


def _guest_runs(unit: UnitView, work: Work, group: Snapshot, now: datetime) -> Outcome:
    still = frozenset({Condition.GUEST_STILL_RUNNING})
    match group.shutdown_policy:
        case ShutdownPolicy.HARD_OFF:
            return Go(unit, STOPS["hard_off"], "the guest did not end by its deadline", conditions=still)
        case ShutdownPolicy.ABORT:
            why = f"{unit.name} did not end by its deadline and the group's policy is to abort."
            return UnitDecision(unit, conditions=still, abort=why)
        case ShutdownPolicy.WAIT:
            return _again(unit, work, group, now, still)


def _unverified(unit: UnitView, work: Work, trouble: Trouble) -> Outcome:
    if unit.unverified_accepted:
        reason = f"a person accepted it unverified: {trouble.what}"
        return Go(unit, stop_after(work, unit), reason)
    return UnitDecision(unit, conditions=frozenset({Condition.UNVERIFIED}))


def _retry(unit: UnitView, work: Work, trouble: Trouble, group: Snapshot, now: datetime) -> Outcome:
    if work.reopens and trouble.code in _LINE_FAILED:
        # The receiver may be another process by now, at another port: ask it before the next attempt.
        return Go(unit, STOPS[work.reopens], f"{work.name} failed: {trouble.what}")
    return _again(unit, work, group, now, frozenset({Condition.RETRYING}))


def _again(
    unit: UnitView, work: Work, group: Snapshot, now: datetime, conditions: frozenset[Condition]
) -> UnitDecision:
    holds = holds_of(unit, work, group, now)
    if holds:
        return UnitDecision(unit, conditions=conditions | holds, wake_at=holds_end(holds, now))
    return replace(issue(unit, work, group, now), conditions=conditions)


def _given_up(unit: UnitView, work: Work, command: CommandView, trouble: Trouble) -> Go:
    if work.passable:
        kept = unit.conditions & {Condition.DESTINATION_UNKNOWN}
        return Go(unit, stop_after(work, unit), f"{work.name} failed: {trouble.what}", conditions=kept)
    if work.spare:
        left = (*unit.facts.left_behind, f"{work.order}: {trouble.what}")
        without = replace(unit, facts=msgspec.structs.replace(unit.facts, left_behind=left))
        return Go(without, stop_after(work, unit), f"{work.name} failed and is left behind: {trouble}")
    times = f"{command.attempt} times" if command.attempt > 1 else "and will not succeed by itself"
    return Go(unit, FAILED, f"{work.name} failed {times}: {trouble} {work.remedy}")
