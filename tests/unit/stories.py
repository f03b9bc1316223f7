"""Units brought to a phase, and what can be seen of them there."""

from agents.domain.protocol import Step
from migrations_app.domain.lifecycle import Condition, Desired, Phase
from tests.unit.world import GOOD, World

ALL_THERE = [
    *("validate", "create_machine", "open_landing", "sync"),
    *("shut_down", "freeze", "switch", "power_on", "check_running"),
    *("verify_source", "verify_destination"),
]


def world_at(phase: Phase, desired: Desired = Desired.CUT_OVER) -> World:
    """Return a world whose unit has come to `phase` without trouble."""
    world = World()
    world.want(desired)
    world.until(phase)
    return world


def conditions(world: World) -> set[Condition]:
    """Return why the unit rests."""
    return set(world.unit.conditions)


def reason(world: World) -> str:
    """Return why the unit was moved last."""
    assert world.decided is not None
    return world.decided.moves[-1].reason


def left(remaining: int) -> dict[str, object]:
    """Return the answer of a round that left so many bytes behind."""
    return {**GOOD[Step.SYNC], "remaining_bytes": remaining}
