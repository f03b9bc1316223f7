"""Why a unit rests: pause, silence, the clock, the boot order, and rounds that do not shrink."""

from datetime import datetime, timedelta

from migrations_app.domain.lifecycle import CLOSED, IN_CUTOVER, WORKING, Condition, Phase, Side
from migrations_app.domain.snapshot import AgentView, Snapshot, UnitView
from migrations_app.domain.stops import Work

SILENCE = timedelta(seconds=60)
LOOK_AGAIN = timedelta(seconds=10)
# Rounds that leave nine tenths of what the one before the last left are not getting anywhere.
NO_LESS = 0.9
ROUNDS_TO_TELL = 3

# What a pause leaves alone: a machine that is down, one on its way back, one that has arrived.
_PAST_PAUSE = IN_CUTOVER | {Phase.ROLLING_BACK, Phase.COMMITTED, Phase.AWAITING_COMMIT}

_SILENT: dict[Side, Condition] = {
    Side.SOURCE: Condition.AGENT_UNREACHABLE,
    Side.DESTINATION: Condition.AGENT_UNREACHABLE,
    Side.SOURCE_CONNECTOR: Condition.CONNECTOR_UNREACHABLE,
    Side.DESTINATION_CONNECTOR: Condition.CONNECTOR_UNREACHABLE,
}


def holds_of(unit: UnitView, work: Work, group: Snapshot, now: datetime) -> frozenset[Condition]:
    """Return what keeps the unit from beginning `work` now."""
    holds = silences(unit, frozenset({work.side}) | work.needs, now)
    if work.fence and holds:
        holds |= {Condition.DESTINATION_UNKNOWN}
    if group.paused and unit.phase not in _PAST_PAUSE:
        holds |= {Condition.PAUSED}
    return holds


def no_room(unit: UnitView, group: Snapshot) -> frozenset[Condition]:
    """Return OVER_QUOTA where the unit would have to begin to move and no place is left.

    A unit on the move keeps its place: nothing that runs is held for a policy.
    """
    full = group.room is not None and group.room <= 0 and unit.phase not in WORKING
    return frozenset({Condition.OVER_QUOTA}) if full else frozenset()


def silences(unit: UnitView, sides: frozenset[Side], now: datetime) -> frozenset[Condition]:
    """Return the conditions for those of `sides` whose agent is silent, or is not there at all."""
    return frozenset(_SILENT[side] for side in sides if _is_silent(unit.ends[side], now))


def _is_silent(agent: AgentView, now: datetime) -> bool:
    return agent.last_seen_at is None or now - agent.last_seen_at > SILENCE


def holds_end(holds: frozenset[Condition], now: datetime) -> datetime | None:
    """Return when to look again; None while only a person can end it."""
    return None if Condition.PAUSED in holds else now + LOOK_AGAIN


def tier_opens(unit: UnitView, group: Snapshot) -> tuple[bool, datetime | None]:
    """Return whether every machine of lower tiers runs at the destination, and from when on it counts.

    A machine that was cancelled or brought back is no longer waited for; one that failed is: the order
    was chosen because the later ones need the earlier.
    """
    lower = [other for other in group.units if other.tier < unit.tier and not _is_out(other)]
    if any(other.started_at is None or other.phase is Phase.FAILED for other in lower):
        return False, None
    starts = [other.started_at + group.tier_of(other).delay for other in lower if other.started_at]
    return True, max(starts, default=None)


def _is_out(unit: UnitView) -> bool:
    return unit.phase in CLOSED - {Phase.COMMITTED}


def is_converging(unit: UnitView, budget_bytes: int) -> bool:
    """Return False when the last rounds all left too much behind and no longer less."""
    last = [ended.remaining for ended in unit.rounds if not ended.final][-ROUNDS_TO_TELL:]
    if len(last) < ROUNDS_TO_TELL or min(last) <= budget_bytes:
        return True
    return last[-1] < NO_LESS * last[0]
