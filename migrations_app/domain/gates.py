"""The places where a unit waits for people, the clock and its boot tier."""

from dataclasses import replace
from datetime import datetime, timedelta

from migrations_app.domain.decision import Go, Outcome, UnitDecision
from migrations_app.domain.holds import LOOK_AGAIN, holds_end, holds_of, no_room, silences, tier_opens
from migrations_app.domain.itinerary import stop_after
from migrations_app.domain.lifecycle import Condition, Desired, Phase, Side
from migrations_app.domain.snapshot import Snapshot, UnitView
from migrations_app.domain.stops import Gate, Work
from migrations_app.domain.ways import STOPS

POWERED_OFF = "poweredOff"
# While a unit is ready a round runs now and then, so that the last one under the freeze stays small.
RESYNC_EVERY = timedelta(minutes=5)
# A round older than this is repeated right before the guest is told to shut down.
FRESH = timedelta(seconds=2)


def at_gate(unit: UnitView, gate: Gate, group: Snapshot, now: datetime) -> Outcome:
    """Return whether the unit goes on through `gate`, or why not and until when."""
    if unit.phase is Phase.READY:
        return _ready(unit, gate, group, now)
    if group.desired not in gate.opens_on:
        return UnitDecision(unit)
    following = stop_after(gate, unit)
    if unit.phase is Phase.PLANNED and isinstance(following, Work):
        holds = holds_of(unit, following, group, now) | no_room(unit, group)
        if holds:
            return UnitDecision(unit, conditions=holds, wake_at=holds_end(holds, now))
    return Go(unit, following, "the group may go on")


def _ready(unit: UnitView, gate: Gate, group: Snapshot, now: datetime) -> Outcome:
    sync = STOPS["sync"]
    age = now - unit.phase_since
    holds, wake_at = _cutover_holds(unit, gate, group, now)
    if holds is None or holds:
        if age >= RESYNC_EVERY and _may_sync(unit, group, now):
            return Go(unit, sync, "another round, to keep the last one small")
        return UnitDecision(
            unit, conditions=holds or frozenset(), wake_at=_earliest(unit, group, wake_at, now)
        )
    if age >= FRESH:
        return Go(unit, sync, "a fresh round before the cut-over")
    # Whether to start it again is decided by what it was before anybody touched it.
    leaving = replace(unit, was_powered_on=unit.machine.power != POWERED_OFF)
    return Go(leaving, stop_after(gate, leaving), "the cut-over has begun")


def _cutover_holds(
    unit: UnitView, gate: Gate, group: Snapshot, now: datetime
) -> tuple[frozenset[Condition] | None, datetime | None]:
    """Return what keeps the unit from being cut over (None: nobody asked for it) and when that may change."""
    if group.desired not in gate.opens_on:
        return (frozenset({Condition.PAUSED}) if group.paused else None), None
    if group.paused:
        return frozenset({Condition.PAUSED}), None
    if group.cutover_at is not None and now < group.cutover_at:
        return frozenset({Condition.BEFORE_CUTOVER_TIME}), group.cutover_at
    opens, at = tier_opens(unit, group)
    if not opens or (at is not None and now < at):
        return frozenset({Condition.WAITING_FOR_TIER}), at
    # Every side must be there, or the guest would be down for as long as the missing one is away.
    holds = silences(unit, frozenset(Side), now) | no_room(unit, group)
    return holds, now + LOOK_AGAIN if holds else None


def _may_sync(unit: UnitView, group: Snapshot, now: datetime) -> bool:
    sync = STOPS["sync"]
    return isinstance(sync, Work) and not holds_of(unit, sync, group, now) | no_room(unit, group)


def _earliest(unit: UnitView, group: Snapshot, wake_at: datetime | None, now: datetime) -> datetime | None:
    if group.paused or group.desired is Desired.ROLL_BACK:
        return wake_at
    resync = max(unit.phase_since + RESYNC_EVERY, now + LOOK_AGAIN)
    return min(wake_at, resync) if wake_at else resync
