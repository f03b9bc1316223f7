"""The way back: the destination is fenced before the source may start, or a person vouches for it."""

from dataclasses import replace

from agents.domain.protocol import Failure
from migrations_app.domain.lifecycle import Condition, Desired, Phase, ShutdownPolicy, Side
from tests.unit.stories import world_at
from tests.unit.world import World

BACK = [
    "power_off",
    "fence_destination",
    "release_source",
    "power_on",
    "release_destination",
    "remove_machine",
]


def going_back(phase: Phase) -> World:
    """Return a world whose unit had come to `phase` and is wanted back."""
    world = world_at(phase, Desired.SYNC if phase is Phase.READY else Desired.CUT_OVER)
    world.drafts.clear()
    world.want(Desired.ROLL_BACK)
    world.reconcile()
    return world


def waiting_for_policy(policy: ShutdownPolicy) -> World:
    """Return a world whose guest did not end by its deadline."""
    world = World()
    world.group = replace(world.group, shutdown_policy=policy)
    world.want(Desired.CUT_OVER)
    world.until(Phase.QUIESCING)
    world.succeed()
    world.fail(Failure.GUEST_STILL_RUNNING)
    return world


def test_after_the_cutover_the_destination_is_fenced_before_the_source_is_released() -> None:
    world = going_back(Phase.AWAITING_COMMIT)

    world.settle()

    assert world.steps == BACK
    assert world.unit.phase is Phase.ROLLED_BACK


def test_from_the_shutdown_on_the_destination_counts_as_dangerous() -> None:
    world = going_back(Phase.QUIESCING)

    world.settle()

    assert world.steps == BACK


def test_before_the_shutdown_nothing_is_fenced_and_nobody_started() -> None:
    world = going_back(Phase.READY)

    world.settle()

    assert world.steps == ["release_source", "release_destination", "remove_machine"]


def test_before_anything_was_changed_there_is_nothing_to_undo() -> None:
    world = going_back(Phase.VALIDATING)

    assert world.steps == []
    assert world.unit.phase is Phase.CANCELLED


def test_a_planned_unit_is_cancelled() -> None:
    world = World()
    world.want(Desired.ROLL_BACK)

    world.reconcile()

    assert world.unit.phase is Phase.CANCELLED


def test_the_way_back_has_a_generation_of_its_own() -> None:
    world = going_back(Phase.SWITCHING)

    assert world.unit.generation == 2
    assert world.unit.command is not None
    assert world.unit.command.seq == 1


def test_a_machine_that_was_off_stays_off() -> None:
    world = world_at(Phase.AWAITING_COMMIT)
    world.set(was_powered_on=False)
    world.drafts.clear()
    world.want(Desired.ROLL_BACK)

    world.settle()

    assert world.steps == [step for step in BACK if step != "power_on"]


def test_a_fence_that_cannot_be_confirmed_leaves_the_destination_unknown() -> None:
    world = going_back(Phase.AWAITING_COMMIT)
    world.succeed()

    world.fail(Failure.GUEST_STILL_RUNNING)

    assert world.unit.phase is Phase.ROLLING_BACK
    assert set(world.unit.conditions) == {Condition.DESTINATION_UNKNOWN}


def test_the_destination_is_told_to_power_off_again_before_the_fence_is_tried_again() -> None:
    world = going_back(Phase.AWAITING_COMMIT)
    world.succeed()
    world.fail(Failure.GUEST_STILL_RUNNING)

    world.succeed()

    assert world.steps == ["power_off", "fence_destination", "power_off", "fence_destination"]
    assert set(world.unit.conditions) == {Condition.DESTINATION_UNKNOWN}


def test_the_source_is_not_released_however_often_the_fence_fails() -> None:
    world = going_back(Phase.AWAITING_COMMIT)
    world.succeed()
    world.fail(Failure.GUEST_STILL_RUNNING, retry=False)
    world.succeed()
    world.fail(Failure.GUEST_STILL_RUNNING, retry=False)
    world.succeed()
    world.fail(Failure.GUEST_STILL_RUNNING, retry=False)

    assert world.unit.phase is Phase.ROLLING_BACK
    assert "release_source" not in world.steps


def test_a_silent_destination_is_unknown() -> None:
    world = world_at(Phase.AWAITING_COMMIT)
    world.silence(Side.DESTINATION_CONNECTOR)
    world.want(Desired.ROLL_BACK)

    world.reconcile()

    assert set(world.unit.conditions) == {
        Condition.CONNECTOR_UNREACHABLE,
        Condition.DESTINATION_UNKNOWN,
    }


def test_a_vcenter_that_refuses_does_not_keep_the_host_from_being_asked() -> None:
    world = going_back(Phase.AWAITING_COMMIT)

    world.fail(Failure.MACHINE_UNKNOWN, retry=False)

    assert world.steps == ["power_off", "fence_destination"]


def test_a_person_who_vouches_for_the_destination_lets_the_source_start() -> None:
    world = going_back(Phase.AWAITING_COMMIT)
    world.succeed()
    world.fail(Failure.GUEST_STILL_RUNNING)
    world.set(fence_waived=True)

    world.settle()

    assert world.unit.phase is Phase.ROLLED_BACK
    assert world.steps == ["power_off", "fence_destination", "power_off", "release_source", "power_on"]


def test_a_source_that_cannot_be_released_is_for_a_person() -> None:
    world = going_back(Phase.READY)

    world.fail(Failure.ENGINE_GONE, retry=False)

    assert world.unit.phase is Phase.FAILED
    assert world.unit.failed_in == Phase.ROLLING_BACK


def test_what_cannot_be_cleared_away_is_left_behind_and_named() -> None:
    world = going_back(Phase.READY)
    world.succeed()
    world.succeed()

    world.fail(Failure.VCENTER_REFUSED, retry=False)

    assert world.unit.phase is Phase.ROLLED_BACK
    assert world.unit.facts.left_behind == ("remove_machine: The disk is full.",)


def test_a_failed_unit_can_be_brought_back() -> None:
    world = world_at(Phase.SWITCHING)
    world.fail(Failure.ENGINE_GONE, retry=False)
    world.want(Desired.ROLL_BACK)

    world.settle()

    assert world.unit.phase is Phase.ROLLED_BACK


def test_a_committed_unit_rests_for_good() -> None:
    world = world_at(Phase.COMMITTED, Desired.COMMIT)
    world.set(wanted_generation=2)

    world.reconcile()

    assert world.unit.phase is Phase.COMMITTED


def test_a_guest_that_does_not_end_is_waited_for_and_told() -> None:
    world = waiting_for_policy(ShutdownPolicy.WAIT)

    assert set(world.unit.conditions) == {Condition.GUEST_STILL_RUNNING}
    assert world.steps[-2:] == ["freeze", "freeze"]


def test_a_guest_that_does_not_end_is_powered_off_where_the_policy_says_so() -> None:
    world = waiting_for_policy(ShutdownPolicy.HARD_OFF)

    world.succeed()

    assert world.steps[-3:] == ["freeze", "power_off", "freeze"]
    assert list(world.drafts.values())[-2].agent_id == world.unit.ends[Side.SOURCE_CONNECTOR].id


def test_a_guest_that_does_not_end_sends_the_group_back_where_the_policy_says_so() -> None:
    world = waiting_for_policy(ShutdownPolicy.ABORT)

    world.settle()

    assert world.unit.phase is Phase.ROLLED_BACK


def test_a_guest_that_cannot_be_asked_is_waited_for_all_the_same() -> None:
    world = world_at(Phase.QUIESCING)

    world.fail(Failure.VCENTER_REFUSED, retry=False)

    assert world.steps[-2:] == ["shut_down", "freeze"]
