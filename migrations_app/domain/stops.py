"""What a way is made of: places to rest, gates that people open, and work for an agent."""

from dataclasses import dataclass
from datetime import timedelta

from agents.domain.protocol import Step as Order
from migrations_app.domain.lifecycle import Desired, Phase, Side
from migrations_app.domain.snapshot import UnitView
from portal.lib.itinerary import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop(Step[UnitView]):
    """A step of a unit, in its phase; by itself a place to rest."""

    phase: Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate(Stop):
    """A stop that waits for people: it opens when the group's intent is one of `opens_on`."""

    opens_on: frozenset[Desired]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work(Stop):
    """A stop with a command for one side; `remedy` is for the person who finds it failed.

    `needs` are the other sides that must be there to begin. `patient` work is tried until it succeeds, and
    so is `fence` work, with the destination unknown meanwhile; `spare` work is left behind after its
    attempts, and `passable` work passed by. A detour comes back to the stop named `then`; after a transfer
    has failed the next attempt begins at `reopens`, and a person's retry at `again`.
    """

    order: Order
    side: Side
    limit: timedelta
    remedy: str
    needs: frozenset[Side] = frozenset()
    repeats: bool = False
    patient: bool = False
    fence: bool = False
    spare: bool = False
    passable: bool = False
    then: str = ""
    reopens: str = ""
    again: str = ""


Way = tuple[Stop, ...]
