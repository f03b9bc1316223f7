"""What a decision says, and the two things it is made of: a move to a stop, and a command."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from agents.domain.delivery import CommandDraft, CommandKey, CommandPhase
from agents.domain.protocol import Step
from migrations_app.domain.bodies import body_of
from migrations_app.domain.lifecycle import IN_CUTOVER, Condition, Phase
from migrations_app.domain.snapshot import Snapshot, UnitView
from migrations_app.domain.stops import Stop, Work
from portal.lib import backoff

# Between attempts, where somebody waits for the machine.
CUTOVER_PAUSE = timedelta(seconds=5)
PATIENT_PAUSE = timedelta(minutes=1)

FAILED = Stop(name="failed", phase=Phase.FAILED)
CANCELLED = Stop(name="cancelled", phase=Phase.CANCELLED)


@dataclass(frozen=True, slots=True)
class PhaseMove:
    """A move of a unit; a higher `generation` than the unit's supersedes all its open commands."""

    to: Phase
    generation: int
    reason: str


@dataclass(frozen=True, slots=True)
class UnitDecision:
    """What to do about one unit, in this order: expire, move, keep what is new in `after`, command.

    `abort` is the reason for which the whole group must go back, or empty.
    """

    after: UnitView
    conditions: frozenset[Condition] = frozenset()
    expire: UUID | None = None
    moves: tuple[PhaseMove, ...] = ()
    command: CommandDraft | None = None
    wake_at: datetime | None = None
    abort: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about a group, and when to look at it again at the latest (None: when asked to)."""

    units: tuple[UnitDecision, ...]
    wake_at: datetime | None
    abort: str = ""


@dataclass(frozen=True, slots=True)
class Go:
    """The unit goes on to `stop`, and `conditions` with it.

    `standing` when its latest command is already the one of that stop.
    """

    unit: UnitView
    stop: Stop
    reason: str
    standing: bool = False
    conditions: frozenset[Condition] = frozenset()


Outcome = Go | UnitDecision


def moved(unit: UnitView, to: Phase, now: datetime) -> UnitView:
    """Return the unit in phase `to`, with what the phase brings."""
    unit = replace(unit, phase=to, phase_since=now, failed_in=unit.phase if to is Phase.FAILED else "")
    match to:
        case Phase.READY:
            return replace(unit, ready_at=unit.ready_at or now)
        case Phase.QUIESCING:
            return replace(unit, quiesced=True)
        case Phase.VERIFYING:
            return replace(unit, started_at=unit.started_at or now)
        case Phase.AWAITING_COMMIT:
            return replace(unit, verified_at=None if unit.facts.view_broken else now)
        case Phase.COMMITTED:
            return replace(unit, committed_at=now)
        case Phase.FAILED:
            return replace(unit, retry_wanted=False)
        case _:
            return unit


def issue(unit: UnitView, work: Work, group: Snapshot, now: datetime) -> UnitDecision:
    """Give the order of `work`: the next round after a success, the next attempt after anything else."""
    last = unit.latest.get(work.order)
    if last is None:
        round_, attempt = 1, 1
    elif last.phase is CommandPhase.SUCCEEDED and not _unread(unit, work):
        round_, attempt = last.round + 1, 1
    else:
        round_, attempt = last.round, last.attempt + 1
    due = now + _pause(unit, work, attempt)
    command = CommandDraft(
        key=CommandKey(unit.id, unit.generation, work.order, round_, attempt),
        agent_id=unit.ends[work.side].id or UUID(int=0),
        seq=unit.command.seq + 1 if unit.command else 1,
        deliver_after=due,
        deadline=due + work.limit,
        body=body_of(work, unit, group, round_),
    )
    if work.order is Step.CREATE_MACHINE:
        unit = replace(unit, facts=msgspec.structs.replace(unit.facts, touched=True))
    return UnitDecision(unit, command=command, wake_at=command.deadline)


def _unread(unit: UnitView, work: Work) -> bool:
    """Return whether the last answer could not be read, so that its success does not count."""
    trouble = unit.facts.trouble
    return trouble is not None and trouble.step == work.order


def _pause(unit: UnitView, work: Work, attempt: int) -> timedelta:
    pause = backoff.delay(attempt)
    if work.patient or work.fence:
        return min(pause, PATIENT_PAUSE)
    return min(pause, CUTOVER_PAUSE) if unit.phase in IN_CUTOVER else pause
