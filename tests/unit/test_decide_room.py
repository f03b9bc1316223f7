"""A policy's limit on machines that move at once: they wait, and nothing that runs is held."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agents.domain.protocol import Failure
from migrations_app.domain.decide import decide
from migrations_app.domain.gates import RESYNC_EVERY
from migrations_app.domain.holds import LOOK_AGAIN
from migrations_app.domain.lifecycle import Condition, Desired, Phase
from tests.unit.stories import conditions, world_at
from tests.unit.world import NOON, World, group_new, unit_new


def full(world: World) -> World:
    """Let all places be taken, by other groups."""
    world.group = replace(world.group, room=0)
    return world


def test_a_machine_waits_for_a_place_to_begin() -> None:
    world = full(World())
    world.want(Desired.SYNC)

    world.reconcile()

    assert world.unit.phase is Phase.PLANNED
    assert conditions(world) == {Condition.OVER_QUOTA}
    assert world.decided is not None
    assert world.decided.wake_at == NOON + LOOK_AGAIN


def test_it_begins_when_there_is_a_place() -> None:
    world = full(World())
    world.want(Desired.SYNC)
    world.reconcile()

    world.group = replace(world.group, room=1)
    world.reconcile()

    assert world.unit.phase is Phase.VALIDATING
    assert conditions(world) == set()


def test_of_a_group_as_many_begin_as_there_are_places() -> None:
    units = [unit_new(name) for name in ("a", "b", "c")]
    group = replace(group_new(*units), desired=Desired.SYNC, room=2)

    decided = decide(group, NOON)

    assert sorted(one.after.phase for one in decided.units) == [
        Phase.PLANNED,
        Phase.VALIDATING,
        Phase.VALIDATING,
    ]


def test_a_cut_over_waits_for_a_place_and_the_guest_runs_on() -> None:
    world = full(world_at(Phase.READY, Desired.SYNC))
    world.want(Desired.CUT_OVER)

    world.reconcile()

    assert world.unit.phase is Phase.READY
    assert conditions(world) == {Condition.OVER_QUOTA}


def test_a_machine_keeps_its_place_from_its_last_round_into_the_cut_over() -> None:
    world = world_at(Phase.READY, Desired.SYNC)
    world.wait(timedelta(minutes=1))
    world.want(Desired.CUT_OVER)
    world.reconcile()
    phases = [world.unit.phase]

    full(world).succeed()

    assert [*phases, world.unit.phase] == [Phase.SYNCING, Phase.QUIESCING]


@pytest.mark.parametrize("phase", [Phase.SYNCING, Phase.QUIESCING, Phase.SWITCHING, Phase.VERIFYING])
def test_what_is_on_the_move_is_never_held(phase: Phase) -> None:
    world = full(world_at(phase))

    world.settle()

    assert world.unit.phase is Phase.AWAITING_COMMIT


def test_the_way_back_and_the_commit_wait_for_no_place() -> None:
    back, commit = full(world_at(Phase.AWAITING_COMMIT)), full(world_at(Phase.AWAITING_COMMIT))
    back.want(Desired.ROLL_BACK)
    commit.want(Desired.COMMIT)

    back.settle()
    commit.settle()

    assert (back.unit.phase, commit.unit.phase) == (Phase.ROLLED_BACK, Phase.COMMITTED)


def test_a_ready_machine_makes_room_and_skips_its_round_while_all_places_are_taken() -> None:
    world = full(world_at(Phase.READY, Desired.SYNC))
    world.wait(RESYNC_EVERY)

    world.reconcile()

    assert world.unit.phase is Phase.READY


@pytest.mark.parametrize(
    ("phase", "after"), [(Phase.SYNCING, Phase.FAILED), (Phase.SWITCHING, Phase.SWITCHING)]
)
def test_a_retry_waits_for_a_place_only_where_the_guest_runs(phase: Phase, after: Phase) -> None:
    world = world_at(phase)
    world.reconcile()
    world.fail(Failure.INTERNAL, retry=False)
    assert world.unit.phase is Phase.FAILED
    full(world).retry()

    world.reconcile()

    assert world.unit.phase is after
