"""Plans: what may be chosen, and that nothing of a stranger's can be."""

from dataclasses import replace

import pytest

from agents.models import Network, Offer
from migrations_app.domain.lifecycle import Desired, TierGate
from migrations_app.models import MigrationGroup
from migrations_app.services import (
    GroupStarted,
    NameTaken,
    Plan,
    PlanInvalid,
    PlannedMachine,
    PlannedTier,
    group_create,
    group_start,
    group_update,
    tiers_update,
)
from portal.lib.tenancy import tenant_context
from tests.cast import NOON, Cast, group_of, machine_of, plan_of

pytestmark = pytest.mark.django_db


def refused(cast: Cast, plan: Plan) -> str:
    """Return why Alice's plan is refused."""
    with tenant_context(cast.acme.tenant.id), pytest.raises(PlanInvalid) as caught:
        group_create(actor=cast.alice, plan=plan, now=NOON)
    return caught.value.why


def test_a_plan_finds_the_agents_at_both_ends(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)

    with tenant_context(group.tenant_id):
        unit = group.units.get()
    house = cast.acme
    assert (unit.source_id, unit.source_connector_id) == (house.source.id, house.connector.id)
    assert unit.destination_agent_id == house.destination.id
    assert unit.destination_connector_id == house.destination_connector.id
    assert unit.destination_host_moid == "host-9"


def test_the_destination_s_hosts_take_turns(cast: Cast) -> None:
    with tenant_context(cast.acme.tenant.id):
        hosts = [*cast.acme.offer.hosts, {**cast.acme.offer.hosts[0], "moid": "host-10"}]
        Offer.objects.filter(id=cast.acme.offer.id).update(hosts=hosts)

    group = group_of(cast.acme, cast.alice, "db01", "web01")

    with tenant_context(group.tenant_id):
        assert set(group.units.values_list("destination_host_moid", flat=True)) == {"host-9", "host-10"}


def test_a_stranger_s_machine_cannot_be_planned(cast: Cast) -> None:
    theirs = machine_of(cast.globex, "crown-jewels")
    plan = replace(plan_of(cast.acme), machines=[PlannedMachine(theirs.id)])

    assert "does not have" in refused(cast, plan)


def test_a_stranger_s_offer_cannot_be_planned(cast: Cast) -> None:
    plan = replace(plan_of(cast.acme), offer_id=cast.globex.offer.id)

    assert "was not granted" in refused(cast, plan)


def test_a_datastore_that_is_not_offered_cannot_be_planned(cast: Cast) -> None:
    assert "datastore" in refused(cast, replace(plan_of(cast.acme), datastore_moid="ds-1"))


def test_a_network_that_is_not_offered_cannot_be_planned(cast: Cast) -> None:
    assert "network" in refused(cast, replace(plan_of(cast.acme), network_map={"net-1": "net-77"}))


@pytest.mark.parametrize("moid", ["", "\0", "\ud800", "n" * 65, "n" * 100_000, "net-nowhere"])
def test_what_is_no_network_of_the_organisation_is_not_mapped(cast: Cast, moid: str) -> None:
    plan = replace(plan_of(cast.acme), network_map={"net-1": "net-9", moid: "net-9"})

    assert "maps from" in refused(cast, plan)


def test_a_network_that_no_chosen_machine_is_in_may_be_mapped(cast: Cast) -> None:
    with tenant_context(cast.acme.tenant.id):
        Network.objects.create(
            tenant=cast.acme.tenant, site=cast.acme.site, moid="net-2", name="Lab", seen_at=NOON
        )
    plan = replace(plan_of(cast.acme), network_map={"net-1": "net-9", "net-2": "net-9"})

    assert group_of(cast.acme, cast.alice, plan=plan).network_map == plan.network_map


@pytest.mark.parametrize(("name", "why"), [("x" * 201, "200"), ("Wave\n1", "line break"), (" ", "no name")])
def test_a_group_has_a_name_that_shows_what_it_is(cast: Cast, name: str, why: str) -> None:
    assert why in refused(cast, replace(plan_of(cast.acme), name=name))


def test_an_empty_plan_is_refused(cast: Cast) -> None:
    assert refused(cast, replace(plan_of(cast.acme), machines=[])) == "It names no machine."


def test_a_machine_cannot_be_there_twice(cast: Cast) -> None:
    plan = plan_of(cast.acme)

    assert "twice" in refused(cast, replace(plan, machines=[*plan.machines, *plan.machines]))


def test_a_tier_cannot_be_there_twice(cast: Cast) -> None:
    plan = plan_of(cast.acme, tiers=(PlannedTier(number=1), PlannedTier(number=1)))

    assert "twice" in refused(cast, plan)


def test_a_shutdown_deadline_is_at_most_an_hour(cast: Cast) -> None:
    assert "3600" in refused(cast, replace(plan_of(cast.acme), shutdown_deadline_s=3601))


def test_a_name_is_taken_once(cast: Cast) -> None:
    group_of(cast.acme, cast.alice)

    with tenant_context(cast.acme.tenant.id), pytest.raises(NameTaken, match="First wave"):
        group_create(actor=cast.alice, plan=plan_of(cast.acme, "web01"), now=NOON)


def test_two_tenants_may_use_the_same_name(cast: Cast) -> None:
    group_of(cast.acme, cast.alice)

    assert group_of(cast.globex, cast.charlie).name == "First wave"


def test_a_plan_can_be_replaced_until_it_starts(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        group_update(
            group=group, actor=cast.alice, plan=plan_of(cast.acme, "web01", name="Second wave"), now=NOON
        )

        assert [unit.name for unit in group.units.all()] == ["web01"]
        assert MigrationGroup.objects.get().name == "Second wave"


def test_a_started_plan_cannot_be_replaced(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        group_start(group=group, actor=cast.alice, now=NOON)

        with pytest.raises(GroupStarted):
            group_update(group=group, actor=cast.alice, plan=plan_of(cast.acme), now=NOON)


def test_the_boot_order_can_be_changed_until_the_cutover(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        unit = group.units.get()
        tiers = [PlannedTier(number=2, delay_s=30, gate=TierGate.NONE)]

        tiers_update(group=group, actor=cast.alice, tiers=tiers, units={unit.id: 2})

        assert group.units.get().tier == 2
        assert group.tiers.get().delay_s == 30


def test_the_boot_order_stands_once_the_cutover_was_asked_for(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        MigrationGroup.objects.update(desired=Desired.CUT_OVER)

        with pytest.raises(GroupStarted):
            tiers_update(group=group, actor=cast.alice, tiers=[], units={})
