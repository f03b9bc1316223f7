"""Groups whose machines do not all fare alike: tiers, policies, one that goes back, a fence that fails."""

import pytest

from agents.domain.protocol import Failure, Step
from migrations_app.domain.lifecycle import Desired, Phase, ShutdownPolicy
from migrations_app.models import MigrationGroup, MigrationUnit, Transition
from migrations_app.services import (
    Plan,
    cutover_request,
    destination_declared_off,
    group_cancel,
    group_start,
    rollback_request,
    unit_rollback,
    unverified_accept,
)
from portal.lib.tenancy import tenant_context
from tests.cast import NOON, Cast, group_of, plan_of
from tests.journey import Journey
from tests.scripted_agent import failing
from tests.sessions import at_once, committed

pytestmark = committed


def started(cast: Cast, plan: Plan) -> MigrationGroup:
    """Return a started group of Alice's."""
    group = group_of(cast.acme, cast.alice, plan=plan)
    with tenant_context(group.tenant_id):
        group_start(group=group, actor=cast.alice, now=NOON)
    return group


def cut_over(cast: Cast, journey: Journey) -> None:
    """Let the group get ready and ask for the cut-over."""
    journey.travel(8)
    with tenant_context(journey.group.tenant_id):
        cutover_request(group=journey.group, at=journey.now, actor=cast.alice, now=journey.now)


def phases(journey: Journey) -> dict[str, str]:
    """Return where each machine stands."""
    with tenant_context(journey.group.tenant_id):
        return dict(MigrationUnit.objects.values_list("name", "phase"))


def conditions(journey: Journey) -> list[str]:
    """Return why the only unit rests."""
    with tenant_context(journey.group.tenant_id):
        return list(MigrationUnit.objects.get().conditions)


def frozen_after_started(journey: Journey, first: str, then: str) -> bool:
    """Return whether `then` was quiesced when `first` already ran at the destination."""
    with tenant_context(journey.group.tenant_id):
        quiesced = Transition.objects.get(unit__name=then, to_phase=Phase.QUIESCING).at
        running = MigrationUnit.objects.get(name=first).started_at
    return running is not None and running <= quiesced


def test_a_later_tier_is_shut_down_only_when_the_earlier_runs(cast: Cast) -> None:
    group = started(cast, plan_of(cast.acme, "db01", "web01", places={"web01": 2}))
    journey = Journey(cast.acme, group)

    cut_over(cast, journey)
    journey.travel(20)

    assert set(phases(journey).values()) == {"awaiting_commit"}
    assert frozen_after_started(journey, "db01", "web01")


def test_one_machine_goes_back_alone_and_the_other_arrives(cast: Cast) -> None:
    journey = Journey(cast.acme, started(cast, plan_of(cast.acme, "db01", "web01")))
    journey.travel(8)
    with tenant_context(journey.group.tenant_id):
        unit = MigrationUnit.objects.get(name="db01")
        unit_rollback(unit=unit, actor=cast.alice, now=journey.now)
    journey.travel(5)

    cut_over(cast, journey)
    journey.travel(12)

    assert phases(journey) == {"db01": "rolled_back", "web01": "awaiting_commit"}


def test_a_stubborn_guest_sends_the_whole_group_back_where_the_policy_says_so(cast: Cast) -> None:
    plan = plan_of(cast.acme, "db01", "web01", policy=ShutdownPolicy.ABORT, places={"web01": 2})
    script = failing(Step.FREEZE, Failure.GUEST_STILL_RUNNING)
    journey = Journey(cast.acme, started(cast, plan), script=script)

    cut_over(cast, journey)
    journey.travel(20)

    assert set(phases(journey).values()) == {"rolled_back"}
    with tenant_context(journey.group.tenant_id):
        assert MigrationGroup.objects.get().desired == Desired.ROLL_BACK


def test_a_fence_that_fails_waits_for_a_person_who_may_vouch(cast: Cast) -> None:
    script = failing(Step.FENCE_DESTINATION, Failure.GUEST_STILL_RUNNING)
    journey = Journey(cast.acme, started(cast, plan_of(cast.acme)), script=script)
    cut_over(cast, journey)
    journey.travel(12)
    with tenant_context(journey.group.tenant_id):
        rollback_request(group=journey.group, actor=cast.alice, now=journey.now)
    journey.travel(8)
    waiting = conditions(journey)

    with tenant_context(journey.group.tenant_id):
        unit = MigrationUnit.objects.get()
        destination_declared_off(unit=unit, actor=cast.alice, confirmation="db01", now=journey.now)
    journey.travel(6)

    assert waiting == ["destination_unknown"]
    assert journey.phase == "rolled_back"


def test_a_broken_view_waits_for_a_person_who_may_accept_it(cast: Cast) -> None:
    script = failing(Step.VERIFY_DESTINATION, Failure.VIEW_BROKEN, retry=False)
    journey = Journey(cast.acme, started(cast, plan_of(cast.acme)), script=script)
    cut_over(cast, journey)
    journey.travel(12)
    waiting = conditions(journey)

    with tenant_context(journey.group.tenant_id):
        unit = MigrationUnit.objects.get()
        unverified_accept(unit=unit, actor=cast.alice, confirmation="db01", now=journey.now)
    journey.travel(2)

    assert waiting == ["unverified"]
    assert journey.phase == "awaiting_commit"


def test_a_cancelled_draft_gives_no_command(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        group_cancel(group=group, actor=cast.alice, now=NOON)
    journey = Journey(cast.acme, group)

    journey.travel(3)

    assert (journey.phase, journey.steps) == ("cancelled", [])


def test_a_machine_is_free_for_another_group_when_its_group_is_closed(cast: Cast) -> None:
    journey = Journey(cast.acme, started(cast, plan_of(cast.acme)))
    journey.travel(8)
    with tenant_context(journey.group.tenant_id):
        rollback_request(group=journey.group, actor=cast.alice, now=journey.now)
    journey.travel(6)

    second = Journey(cast.acme, started(cast, plan_of(cast.acme, name="Once more")))
    second.travel(8)

    assert second.phase == "ready"


@pytest.mark.parametrize("hops", [1, 3])
def test_two_reconciles_at_once_give_each_command_once(cast: Cast, hops: int) -> None:
    journey = Journey(cast.acme, started(cast, plan_of(cast.acme, "db01", "web01")))

    for _ in range(hops):
        at_once(journey.reconcile_here, journey.reconcile_here)
        journey.poll()

    assert set(journey.effects.values()) == {1}


def test_conditions_keep_the_time_since_when_they_hold(cast: Cast) -> None:
    script = failing(Step.VERIFY_DESTINATION, Failure.VIEW_BROKEN, retry=False)
    journey = Journey(cast.acme, started(cast, plan_of(cast.acme)), script=script)
    cut_over(cast, journey)
    journey.travel(12)
    with tenant_context(journey.group.tenant_id):
        first = MigrationUnit.objects.get().conditions["unverified"]

    journey.travel(3)

    with tenant_context(journey.group.tenant_id):
        assert MigrationUnit.objects.get().conditions["unverified"] == first
