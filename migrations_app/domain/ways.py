"""The two ways of a migration unit: forward to COMMITTED and back to ROLLED_BACK. See docs/protocol.md."""

from datetime import timedelta

from agents.domain.protocol import Step as Order
from migrations_app.domain.lifecycle import Desired, Phase, Side
from migrations_app.domain.snapshot import UnitView
from migrations_app.domain.stops import Gate, Stop, Way, Work

_BOTH_HOSTS = frozenset({Side.SOURCE, Side.DESTINATION})
_ALL_SIDES = frozenset(Side)
_ROLL_BACK = "Roll back: the source is whole and starts again."


def _never(_unit: UnitView) -> bool:
    """Return False: a detour is not on the usual way."""
    return False


def _was_on(unit: UnitView) -> bool:
    """Return whether the machine ran at its source, so that it must run again."""
    return unit.was_powered_on is not False


def _must_fence(unit: UnitView) -> bool:
    """Return whether the destination may have got as far as to write, and nobody vouches for it."""
    return unit.quiesced and not unit.fence_waived


def _clears_destination(unit: UnitView) -> bool:
    """Return whether the destination can be reached, or a person had to vouch for it."""
    return not unit.fence_waived


FORWARD: Way = (
    Gate(
        name="start",
        phase=Phase.PLANNED,
        opens_on=frozenset({Desired.SYNC, Desired.CUT_OVER, Desired.COMMIT}),
    ),
    Work(
        name="validate",
        phase=Phase.VALIDATING,
        order=Order.VALIDATE,
        side=Side.SOURCE,
        limit=timedelta(minutes=10),
        remedy="Correct what the check names, then retry.",
    ),
    Work(
        name="create_machine",
        phase=Phase.SYNCING,
        order=Order.CREATE_MACHINE,
        side=Side.DESTINATION_CONNECTOR,
        limit=timedelta(minutes=10),
        remedy="Look at the destination's vCenter, then retry; the source is untouched.",
    ),
    Work(
        name="open_landing",
        phase=Phase.SYNCING,
        order=Order.OPEN_LANDING,
        side=Side.DESTINATION,
        limit=timedelta(minutes=5),
        remedy="Look at the destination's host, then retry; the source is untouched.",
    ),
    Work(
        name="sync",
        phase=Phase.SYNCING,
        order=Order.SYNC,
        side=Side.SOURCE,
        needs=_BOTH_HOSTS,
        limit=timedelta(days=14),
        remedy="Look at the link and at the room at the destination, then retry; the source is untouched.",
        repeats=True,
        reopens="open_landing",
        again="open_landing",
    ),
    Gate(
        name="cut_over",
        phase=Phase.READY,
        opens_on=frozenset({Desired.CUT_OVER, Desired.COMMIT}),
    ),
    Work(
        name="shut_down",
        phase=Phase.QUIESCING,
        order=Order.SHUT_DOWN,
        side=Side.SOURCE_CONNECTOR,
        needs=_ALL_SIDES,
        limit=timedelta(minutes=2),
        remedy="Shut the guest down by hand, or roll back.",
        applies=_was_on,
        passable=True,
    ),
    Work(
        name="freeze",
        phase=Phase.QUIESCING,
        order=Order.FREEZE,
        side=Side.SOURCE,
        needs=_BOTH_HOSTS,
        limit=timedelta(hours=4),
        remedy="Shut the guest down or choose a harder shutdown policy; roll back to let it run on.",
    ),
    Work(
        name="hard_off",
        phase=Phase.QUIESCING,
        order=Order.POWER_OFF,
        side=Side.SOURCE_CONNECTOR,
        limit=timedelta(minutes=5),
        remedy="Power the source off by hand, then retry; or roll back.",
        applies=_never,
        then="freeze",
    ),
    Work(
        name="final_delta",
        phase=Phase.FINAL_DELTA,
        order=Order.FREEZE,
        side=Side.SOURCE,
        needs=_BOTH_HOSTS,
        limit=timedelta(hours=4),
        remedy=_ROLL_BACK,
        reopens="reopen_landing",
        again="reopen_landing",
    ),
    Work(
        name="reopen_landing",
        phase=Phase.FINAL_DELTA,
        order=Order.OPEN_LANDING,
        side=Side.DESTINATION,
        limit=timedelta(minutes=5),
        remedy=_ROLL_BACK,
        applies=_never,
        then="final_delta",
    ),
    Work(
        name="switch",
        phase=Phase.SWITCHING,
        order=Order.SWITCH,
        side=Side.DESTINATION,
        limit=timedelta(minutes=10),
        remedy="Look at the destination's host, then retry or roll back.",
    ),
    Work(
        name="power_on",
        phase=Phase.SWITCHING,
        order=Order.POWER_ON,
        side=Side.DESTINATION_CONNECTOR,
        limit=timedelta(minutes=5),
        remedy="Look at the new machine in the destination's vCenter, then retry or roll back.",
        applies=_was_on,
    ),
    Work(
        name="check_running",
        phase=Phase.SWITCHING,
        order=Order.CHECK_RUNNING,
        side=Side.DESTINATION,
        limit=timedelta(minutes=15),
        remedy="Look at the new machine's console, then retry or roll back.",
        applies=_was_on,
        again="power_on",
    ),
    Work(
        name="verify_source",
        phase=Phase.VERIFYING,
        order=Order.VERIFY_SOURCE,
        side=Side.SOURCE,
        limit=timedelta(hours=12),
        remedy="Retry, or roll back.",
    ),
    Work(
        name="verify_destination",
        phase=Phase.VERIFYING,
        order=Order.VERIFY_DESTINATION,
        side=Side.DESTINATION,
        limit=timedelta(hours=12),
        remedy="Retry, or roll back.",
        again="verify_source",
    ),
    Gate(name="commit", phase=Phase.AWAITING_COMMIT, opens_on=frozenset({Desired.COMMIT})),
    Work(
        name="commit_release_destination",
        phase=Phase.COMMITTED,
        order=Order.RELEASE_DESTINATION,
        side=Side.DESTINATION,
        limit=timedelta(minutes=10),
        remedy="The machine runs; look at the destination's agent.",
        patient=True,
    ),
    Work(
        name="commit_release_source",
        phase=Phase.COMMITTED,
        order=Order.RELEASE_SOURCE,
        side=Side.SOURCE,
        limit=timedelta(minutes=10),
        remedy="The machine runs at its destination; look at the source's agent.",
        patient=True,
    ),
    Stop(name="committed", phase=Phase.COMMITTED),
)

BACKWARD: Way = (
    Work(
        name="power_off",
        phase=Phase.ROLLING_BACK,
        order=Order.POWER_OFF,
        side=Side.DESTINATION_CONNECTOR,
        limit=timedelta(minutes=5),
        remedy="Make sure that the new machine is off at the destination before the source may start.",
        applies=_must_fence,
        fence=True,
        passable=True,  # what counts is the host's word, which comes next
    ),
    Work(
        name="fence_destination",
        phase=Phase.ROLLING_BACK,
        order=Order.FENCE_DESTINATION,
        side=Side.DESTINATION,
        limit=timedelta(minutes=5),
        remedy="Make sure that the new machine is off at the destination before the source may start.",
        applies=_must_fence,
        fence=True,
        reopens="power_off",
    ),
    Work(
        name="release_source",
        phase=Phase.ROLLING_BACK,
        order=Order.RELEASE_SOURCE,
        side=Side.SOURCE,
        limit=timedelta(minutes=10),
        remedy="The destination is fenced: look at the source's agent, then retry.",
    ),
    Work(
        name="source_power_on",
        phase=Phase.ROLLING_BACK,
        order=Order.POWER_ON,
        side=Side.SOURCE_CONNECTOR,
        limit=timedelta(minutes=5),
        remedy="The source is released: start it by hand, then retry.",
        applies=lambda unit: unit.quiesced and _was_on(unit),
    ),
    Work(
        name="release_destination",
        phase=Phase.ROLLING_BACK,
        order=Order.RELEASE_DESTINATION,
        side=Side.DESTINATION,
        limit=timedelta(minutes=10),
        remedy="The source is back; look at the destination's agent.",
        applies=_clears_destination,
        spare=True,
    ),
    Work(
        name="remove_machine",
        phase=Phase.ROLLING_BACK,
        order=Order.REMOVE_MACHINE,
        side=Side.DESTINATION_CONNECTOR,
        limit=timedelta(minutes=10),
        remedy="The source is back; remove the new machine at the destination by hand.",
        applies=_clears_destination,
        spare=True,
    ),
    Stop(name="rolled_back", phase=Phase.ROLLED_BACK),
)

STOPS = {stop.name: stop for stop in FORWARD + BACKWARD}
