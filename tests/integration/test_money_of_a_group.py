"""What a group costs: one line per committed machine, and nothing for anything else."""

from collections.abc import Callable

import pytest

from agents.domain.protocol import Failure, Step
from agents.models import Command
from billing.models import MeterEvent
from migrations_app.models import MigrationGroup, MigrationUnit
from migrations_app.services import (
    commit_request,
    cutover_request,
    group_start,
    rollback_request,
    unit_retry,
)
from portal.lib.barrier import EXIT_CODE
from portal.lib.roles import WORKER
from portal.lib.tenancy import tenant_context
from tests.cast import NOON, Cast, group_of, plan_of
from tests.journey import Journey
from tests.scripted_agent import Outcome, failing, obliging
from tests.sessions import at_once, committed, dies_at, login

pytestmark = committed


def cut_over(
    cast: Cast, *names: str, script: Callable[[Command], Outcome] = obliging, name: str = "First wave"
) -> Journey:
    """Return a group of Alice's that has been cut over."""
    group = group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, *names, name=name))
    journey = Journey(cast.acme, group, script=script)
    with tenant_context(group.tenant_id):
        group_start(group=group, actor=cast.alice, now=NOON)
    journey.travel(10)
    with tenant_context(group.tenant_id):
        cutover_request(group=group, at=journey.now, actor=cast.alice, now=journey.now)
    journey.travel()
    return journey


def commit(cast: Cast, journey: Journey) -> None:
    """Ask for the commit."""
    with tenant_context(journey.group.tenant_id):
        commit_request(group=journey.group, actor=cast.alice, now=journey.now)


def billed(cast: Cast) -> list[str]:
    """Return the names of the machines on Acme's usage."""
    with tenant_context(cast.acme.tenant.id):
        return sorted(event.payload["name"] for event in MeterEvent.objects.all())


def test_before_the_commit_nothing_is_billed(cast: Cast) -> None:
    cut_over(cast)

    assert billed(cast) == []


def test_each_committed_machine_is_billed_once(cast: Cast) -> None:
    journey = cut_over(cast, "db01", "web01")
    commit(cast, journey)

    journey.travel()

    assert billed(cast) == ["db01", "web01"]


def test_the_event_is_written_with_the_phase(cast: Cast) -> None:
    journey = cut_over(cast)
    commit(cast, journey)

    journey.reconcile()

    assert journey.phase == "committed"
    assert billed(cast) == ["db01"]


@pytest.mark.parametrize("barrier", ["reconcile.moved", "reconcile.inserted", "reconcile.applied"])
def test_a_worker_that_dies_before_the_commit_bills_nothing(cast: Cast, barrier: str) -> None:
    journey = cut_over(cast)
    commit(cast, journey)

    assert dies_at(barrier, journey.reconcile) == EXIT_CODE

    assert (journey.phase, billed(cast)) == ("awaiting_commit", [])


def test_a_worker_that_dies_after_the_commit_has_billed_once(cast: Cast) -> None:
    journey = cut_over(cast)
    commit(cast, journey)
    dies_at("reconcile.committed", journey.reconcile)

    journey.travel()

    assert (journey.phase, billed(cast)) == ("committed", ["db01"])


def test_two_workers_at_the_commit_bill_once(cast: Cast) -> None:
    journey = cut_over(cast)
    commit(cast, journey)

    with login(WORKER):
        at_once(journey.reconcile_here, journey.reconcile_here)
    journey.travel()

    assert billed(cast) == ["db01"]


def test_a_rolled_back_machine_costs_nothing(cast: Cast) -> None:
    journey = cut_over(cast)
    with tenant_context(journey.group.tenant_id):
        rollback_request(group=journey.group, actor=cast.alice, now=journey.now)

    journey.travel()

    assert (journey.phase, billed(cast)) == ("rolled_back", [])


def test_a_failed_machine_costs_nothing(cast: Cast) -> None:
    script = failing(Step.SWITCH, Failure.ENGINE_GONE, retry=False)

    journey = cut_over(cast, script=script)

    assert (journey.phase, billed(cast)) == ("failed", [])


def test_a_retried_machine_is_billed_once(cast: Cast) -> None:
    journey = cut_over(cast, script=failing(Step.SWITCH, Failure.ENGINE_GONE, times=1, retry=False))
    with tenant_context(journey.group.tenant_id):
        unit_retry(unit=MigrationUnit.objects.get(), actor=cast.alice, now=journey.now)
    journey.travel()
    commit(cast, journey)

    journey.travel()

    assert billed(cast) == ["db01"]


def test_a_machine_that_is_moved_again_soon_is_not_billed_again(cast: Cast) -> None:
    first = cut_over(cast)
    commit(cast, first)
    first.travel()
    second = cut_over(cast, name="Once more")
    commit(cast, second)

    second.travel()

    assert (second.phase, billed(cast)) == ("committed", ["db01"])
    with tenant_context(cast.acme.tenant.id):
        assert MigrationGroup.objects.count() == 2
