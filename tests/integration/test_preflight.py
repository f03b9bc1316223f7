"""Pre-flight against the real inventory, agents and offer; and that it keeps a group from starting."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.domain.agent import AgentState
from agents.models import Agent, Offer, VirtualDisk, VirtualMachine
from migrations_app.domain.lifecycle import Desired, Phase
from migrations_app.models import MigrationGroup
from migrations_app.selectors import preflight
from migrations_app.services import PreflightFailed, group_start
from portal.lib.tenancy import tenant_context
from tests.cast import NOON, Cast, group_of, plan_of

pytestmark = pytest.mark.django_db


def codes(group: MigrationGroup) -> list[str]:
    """Return what pre-flight finds at noon."""
    group = MigrationGroup.objects.get(id=group.id)
    return [finding.code for finding in preflight(group=group, now=NOON)]


def test_a_sound_group_passes(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)

    with tenant_context(group.tenant_id):
        assert codes(group) == []


def test_a_datastore_that_has_filled_up_is_found(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        stores = [{**cast.acme.offer.datastores[0], "free_bytes": 1}]
        Offer.objects.filter(id=cast.acme.offer.id).update(datastores=stores)

        assert codes(group) == ["PRE-02"]


def test_a_name_that_is_taken_at_the_destination_is_found(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        Offer.objects.update(machine_names=["db01"])

        assert codes(group) == ["PRE-06"]


def test_a_machine_that_has_gone_is_found(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        VirtualMachine.objects.update(gone_at=NOON)

        assert codes(group) == ["PRE-04"]


def test_snapshots_are_found(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        VirtualMachine.objects.update(snapshots=1)

        assert codes(group) == ["PRE-09"]


def test_a_disk_of_another_kind_is_found(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        VirtualDisk.objects.update(kind="rdm")

        assert codes(group) == ["PRE-08"]


def test_a_silent_agent_of_the_provider_s_is_found(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        silent = NOON - timedelta(minutes=2)
        Agent.objects.filter(id=cast.acme.destination.id).update(last_seen_at=silent)

        assert codes(group) == ["PRE-15"]


def test_a_destination_without_an_address_has_no_path(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        Agent.objects.filter(id=cast.acme.destination.id).update(address="")

        assert codes(group) == ["PRE-16"]


def test_a_revoked_agent_is_no_agent(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        Agent.objects.filter(id=cast.acme.source.id).update(state=AgentState.REVOKED)

        assert codes(group) == ["PRE-11"]


def test_a_machine_that_is_under_way_elsewhere_is_found(cast: Cast) -> None:
    first = group_of(cast.acme, cast.alice)
    second = group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, name="Second wave"))
    with tenant_context(first.tenant_id):
        first.units.update(phase=Phase.SYNCING)

        assert codes(second) == ["PRE-05"]


def test_a_plan_of_the_same_machine_is_no_obstacle_until_it_starts(cast: Cast) -> None:
    group_of(cast.acme, cast.alice)
    second = group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, name="Second wave"))

    with tenant_context(second.tenant_id):
        assert codes(second) == []


def test_the_start_is_refused_with_what_was_found(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        VirtualMachine.objects.update(snapshots=1)

        with pytest.raises(PreflightFailed, match="db01 has snapshots") as refused:
            group_start(group=group, actor=cast.alice, now=NOON)

        group.refresh_from_db()
    assert group.desired == Desired.HOLD
    assert "consolidate" in refused.value.remedy


def test_the_start_looks_again_for_agents_that_came_after_the_plan(cast: Cast) -> None:
    with tenant_context(cast.acme.tenant.id):
        Agent.objects.filter(id=cast.acme.source.id).update(state=AgentState.REVOKED)
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        Agent.objects.filter(id=cast.acme.source.id).update(state=AgentState.ENROLLED)

        group_start(group=group, actor=cast.alice, now=NOON)

        assert group.units.get().source_id == cast.acme.source.id


def queries_of(group: MigrationGroup) -> int:
    """Return how many queries pre-flight makes."""
    with CaptureQueriesContext(connection) as captured:
        preflight(group=group, now=NOON)
    return len(captured)


def test_it_asks_the_same_number_of_questions_however_many_machines(cast: Cast) -> None:
    few = group_of(cast.acme, cast.alice, "a1")
    names = [f"b{number}" for number in range(20)]
    many = group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, *names, name="Large"))

    with tenant_context(few.tenant_id):
        assert queries_of(few) == queries_of(many)
