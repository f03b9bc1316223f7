"""Where a whole group stands, and what may be asked of it: from the phases of its units."""

from collections.abc import Collection
from enum import StrEnum

from migrations_app.domain.lifecycle import CLOSED, IN_CUTOVER, Condition, Desired, Phase

# What only a person can end.
FOR_A_PERSON = frozenset(
    {
        Condition.GUEST_STILL_RUNNING,
        Condition.DESTINATION_UNKNOWN,
        Condition.UNVERIFIED,
        Condition.NOT_CONVERGING,
    }
)


class Standing(StrEnum):
    """A group's place on the board."""

    DRAFT = "draft"
    SYNCING = "syncing"
    READY = "ready"
    CUTTING_OVER = "cutting_over"
    AWAITING_COMMIT = "awaiting_commit"
    COMMITTED = "committed"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    CANCELLED = "cancelled"


class Ask(StrEnum):
    """Something that a person may ask of a group."""

    EDIT = "edit"
    START = "start"
    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    CUT_OVER = "cut_over"
    WITHDRAW = "withdraw"
    COMMIT = "commit"
    ROLL_BACK = "roll_back"


_CROSSING = IN_CUTOVER | {Phase.VERIFYING}


def standing_of(desired: Desired, phases: Collection[Phase]) -> Standing:
    """Return where the group stands; FAILED units hold it where it is and are counted beside it."""
    open_ = {phase for phase in phases if phase not in CLOSED}
    if not open_:
        return _closed(set(phases))
    if desired is Desired.HOLD:
        return Standing.DRAFT
    if desired is Desired.ROLL_BACK or Phase.ROLLING_BACK in open_:
        return Standing.ROLLING_BACK
    if open_ <= {Phase.AWAITING_COMMIT}:
        return Standing.AWAITING_COMMIT
    if desired in (Desired.CUT_OVER, Desired.COMMIT) or open_ & _CROSSING:
        return Standing.CUTTING_OVER
    return Standing.READY if open_ <= {Phase.READY} else Standing.SYNCING


def _closed(phases: set[Phase]) -> Standing:
    if Phase.COMMITTED in phases:
        return Standing.COMMITTED
    return Standing.ROLLED_BACK if Phase.ROLLED_BACK in phases else Standing.CANCELLED


def asks_of(desired: Desired, phases: Collection[Phase], *, paused: bool, ready: bool) -> frozenset[Ask]:
    """Return what a person with every right could ask now; `ready`: every open machine has been ready."""
    standing = standing_of(desired, phases)
    if standing is Standing.DRAFT:
        return frozenset({Ask.EDIT, Ask.START, Ask.CANCEL})
    if not set(phases) - CLOSED:
        return frozenset()
    asks = {Ask.RESUME if paused else Ask.PAUSE}
    if desired is Desired.SYNC and ready:
        asks.add(Ask.CUT_OVER)
    if desired is Desired.CUT_OVER and not set(phases) & _CROSSING:
        asks.add(Ask.WITHDRAW)
    if desired is Desired.CUT_OVER and standing is Standing.AWAITING_COMMIT:
        asks = {Ask.COMMIT}
    if standing is Standing.ROLLING_BACK:
        asks = {Ask.ROLL_BACK} if Phase.FAILED in phases else set()
    elif desired is not Desired.COMMIT and Phase.COMMITTED not in phases:
        asks.add(Ask.ROLL_BACK)
    return frozenset(asks)
