"""One decision at a time from ready to the commit: what a unit is told to do."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agents.domain.delivery import ReportKind
from agents.domain.protocol import Failure, Step
from migrations_app.domain.gates import RESYNC_EVERY
from migrations_app.domain.lifecycle import Condition, Desired, Phase, Side
from tests.unit.stories import ALL_THERE, conditions, reason, world_at
from tests.unit.world import GOOD, ROOTS, World


def test_while_ready_a_round_runs_now_and_then() -> None:
    world = world_at(Phase.READY, Desired.SYNC)
    world.wait(RESYNC_EVERY)

    world.reconcile()

    assert world.unit.phase is Phase.SYNCING
    assert world.unit.command is not None
    assert world.unit.command.round == 2


def test_a_paused_group_runs_no_round_while_ready() -> None:
    world = world_at(Phase.READY, Desired.SYNC)
    world.pause(True)
    world.wait(RESYNC_EVERY)

    world.reconcile()

    assert world.unit.phase is Phase.READY
    assert conditions(world) == {Condition.PAUSED}


def test_a_ready_unit_waits_for_the_cutover_time() -> None:
    world = world_at(Phase.READY, Desired.SYNC)
    soon = world.now + timedelta(minutes=1)
    world.group = replace(world.group, desired=Desired.CUT_OVER, cutover_at=soon)

    world.reconcile()

    assert conditions(world) == {Condition.BEFORE_CUTOVER_TIME}
    assert world.decided is not None
    assert world.decided.wake_at == soon


def test_a_stale_unit_goes_a_fresh_round_before_the_guest_is_told() -> None:
    world = world_at(Phase.READY, Desired.SYNC)
    world.wait(timedelta(minutes=1))
    world.want(Desired.CUT_OVER)

    world.until(Phase.QUIESCING)

    assert world.steps == [*ALL_THERE[:4], "sync", "shut_down"]


def test_no_guest_is_told_to_shut_down_while_any_side_is_silent() -> None:
    world = world_at(Phase.READY, Desired.SYNC)
    world.want(Desired.CUT_OVER)
    world.silence(Side.DESTINATION_CONNECTOR)

    world.reconcile()

    assert world.unit.phase is Phase.READY
    assert conditions(world) == {Condition.CONNECTOR_UNREACHABLE}


def test_a_machine_that_was_off_is_neither_shut_down_nor_started() -> None:
    world = World()
    world.set(machine=replace(world.unit.machine, power="poweredOff"))
    world.want(Desired.CUT_OVER)

    world.until(Phase.AWAITING_COMMIT)

    assert world.steps == [*ALL_THERE[:4], "freeze", "switch", "verify_source", "verify_destination"]


def test_frozen_is_what_moves_a_unit_to_its_last_round() -> None:
    world = world_at(Phase.QUIESCING)
    world.succeed()

    world.report(ReportKind.PROGRESS, {"frozen": True})
    world.reconcile()

    assert world.unit.phase is Phase.FINAL_DELTA
    assert world.unit.frozen_at == world.now
    assert world.steps[-1] == "freeze"


def test_progress_without_frozen_is_no_evidence() -> None:
    world = world_at(Phase.QUIESCING)
    world.succeed()

    world.report(ReportKind.PROGRESS, {"frozen": False})
    world.reconcile()

    assert world.unit.phase is Phase.QUIESCING


def test_equal_roots_are_needed_for_the_commit() -> None:
    world = world_at(Phase.VERIFYING)
    world.succeed()

    world.succeed({**GOOD[Step.VERIFY_DESTINATION], "roots": {"0": "b" * 64}})

    assert world.unit.phase is Phase.FAILED
    assert "differ on disk 0 (digests_differ)" in reason(world)


def test_a_disk_that_one_side_did_not_hash_is_not_equal() -> None:
    world = world_at(Phase.VERIFYING)
    world.succeed({**GOOD[Step.VERIFY_SOURCE], "roots": {}})

    world.succeed({**GOOD[Step.VERIFY_DESTINATION], "roots": {}})

    assert world.unit.phase is Phase.FAILED


def test_a_retry_after_different_digests_hashes_both_sides_again() -> None:
    world = world_at(Phase.VERIFYING)
    world.succeed()
    world.succeed({**GOOD[Step.VERIFY_DESTINATION], "roots": {"0": "b" * 64}})
    world.retry()
    world.reconcile()

    world.succeed({**GOOD[Step.VERIFY_SOURCE], "roots": ROOTS})

    assert world.steps[-2:] == ["verify_source", "verify_destination"]
    assert world.unit.facts.destination is None


def world_frozen() -> World:
    """Return a world whose source is frozen, with its last round under way."""
    world = world_at(Phase.QUIESCING)
    world.succeed()
    world.report(ReportKind.PROGRESS, {"frozen": True})
    world.reconcile()
    assert world.unit.phase is Phase.FINAL_DELTA
    return world


@pytest.mark.parametrize("there", [{"0": "b" * 64}, {}, {"1": "a" * 64}])
def test_a_transfer_whose_digests_differ_is_never_switched_to(there: dict[str, str]) -> None:
    world = world_frozen()

    world.succeed({**GOOD[Step.FREEZE], "destination_roots": there})

    assert world.unit.phase is Phase.FAILED
    assert "differ on disk 0 (digests_differ)" in reason(world)
    assert "switch" not in world.steps


def test_a_retry_after_a_transfer_that_differed_carries_the_last_round_again() -> None:
    world = world_frozen()
    world.succeed({**GOOD[Step.FREEZE], "destination_roots": {}})
    world.retry()
    world.reconcile()
    world.succeed()

    world.succeed()

    assert world.steps[-3:] == ["open_landing", "freeze", "switch"]
    assert world.unit.phase is Phase.SWITCHING


def test_a_broken_view_waits_for_a_person_to_accept_it_unverified() -> None:
    world = world_at(Phase.VERIFYING)
    world.succeed()

    world.fail(Failure.VIEW_BROKEN, retry=False)

    assert world.unit.phase is Phase.VERIFYING
    assert conditions(world) == {Condition.UNVERIFIED}


def test_an_accepted_unit_may_be_committed_and_is_not_called_verified() -> None:
    world = world_at(Phase.VERIFYING)
    world.succeed()
    world.fail(Failure.VIEW_BROKEN, retry=False)
    world.set(unverified_accepted=True)

    world.reconcile()

    assert world.unit.phase is Phase.AWAITING_COMMIT
    assert world.unit.verified_at is None


def test_a_commit_releases_both_sides_destination_first() -> None:
    world = world_at(Phase.COMMITTED, Desired.COMMIT)

    world.settle()

    assert world.steps == [*ALL_THERE, "release_destination", "release_source"]
    assert world.unit.phase is Phase.COMMITTED


def test_a_commit_waits_for_no_agent() -> None:
    world = world_at(Phase.AWAITING_COMMIT)
    world.want(Desired.COMMIT)
    world.silence(Side.DESTINATION)

    world.reconcile()

    assert world.unit.phase is Phase.COMMITTED
    assert world.unit.committed_at == world.now


def test_a_release_after_the_commit_is_tried_until_it_succeeds() -> None:
    world = world_at(Phase.COMMITTED, Desired.COMMIT)

    world.fail(Failure.ENGINE_GONE)
    world.fail(Failure.ENGINE_GONE)
    world.fail(Failure.ENGINE_GONE)

    assert world.unit.phase is Phase.COMMITTED
    assert world.unit.command is not None
    assert world.unit.command.attempt == 4
