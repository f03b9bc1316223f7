"""Pages of migration groups: planning, lists, one group, its cut-over, and who may ask for what."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents.domain.protocol import Failure, Step
from agents.models import Agent
from migrations_app.domain.lifecycle import Desired
from migrations_app.models import MigrationGroup, MigrationUnit
from migrations_app.services import cutover_request, group_start
from portal.lib.tenancy import tenant_context
from tests.cast import NOON, Cast, group_of, machine_of, plan_of
from tests.functional.pages import signed_in, text
from tests.journey import Journey
from tests.scripted_agent import failing
from tests.sessions import committed
from tests.staff import staff_create

pytestmark = committed
NAME = "First wave"


@pytest.fixture
def group(cast: Cast) -> MigrationGroup:
    """Acme's group of db01."""
    return group_of(cast.acme, cast.alice)


def page_of(group: MigrationGroup, more: str = "") -> str:
    """Return the address of a group's page."""
    return f"/t/{group.tenant_id}/groups/{group.id}/{more}"


def desired(group: MigrationGroup) -> str:
    """Return what people want of the group now."""
    with tenant_context(group.tenant_id):
        return MigrationGroup.objects.get(id=group.id).desired


def travelled(cast: Cast, *names: str, to: str, **script: Any) -> Journey:
    """Return a group that was started, or cut over."""
    group = group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, *names))
    journey = Journey(cast.acme, group, **script)
    with tenant_context(group.tenant_id):
        group_start(group=group, actor=cast.alice, now=NOON)
    journey.travel(10)
    if to == "awaiting_commit":
        with tenant_context(group.tenant_id):
            cutover_request(group=group, at=journey.now, actor=cast.alice, now=journey.now)
        journey.travel()
    return journey


def agents_answer(group: MigrationGroup) -> None:
    """Let every agent have been heard just now."""
    with tenant_context(group.tenant_id):
        Agent.objects.update(last_seen_at=timezone.now())


def form(cast: Cast, **typed: object) -> dict[str, object]:
    """Return the planning form as filled in."""
    usual = {"name": NAME, "offer": cast.acme.offer.id, "datastore": "ds-9", "network-net-1": "net-9"}
    return {**usual, "machine": [str(machine_of(cast.acme, "db01").id)], "keep_mac": "yes", **typed}


def test_a_group_is_planned_by_the_form(cast: Cast) -> None:
    address = f"/t/{cast.acme.tenant.id}/groups/new"

    answer = signed_in("alice").post(address, form(cast), follow=True)

    assert answer.redirect_chain[-1][0].startswith(f"/t/{cast.acme.tenant.id}/groups/")
    assert "First wave Planned" in text(answer)
    assert "db01" in text(answer)


def test_a_machine_s_boot_tier_is_kept_from_the_form(cast: Cast) -> None:
    web = machine_of(cast.acme, "web01")
    chosen = [str(machine_of(cast.acme, "db01").id), str(web.id)]

    signed_in("alice").post(
        f"/t/{cast.acme.tenant.id}/groups/new", form(cast, machine=chosen, **{f"tier-{web.id}": "2"})
    )

    with tenant_context(cast.acme.tenant.id):
        tiers = dict(MigrationUnit.objects.values_list("machine__name", "tier"))
    assert tiers == {"db01": 1, "web01": 2}


def test_a_refused_plan_is_told_with_all_that_was_typed(cast: Cast) -> None:
    web = machine_of(cast.acme, "web01")
    typed = form(cast, machine=[], policy="abort", **{f"tier-{web.id}": "3"})

    answer = signed_in("alice").post(f"/t/{cast.acme.tenant.id}/groups/new", typed)

    content = answer.content.decode()
    assert 'value="First wave"' in content
    assert 'value="3" aria-label="Tier of web01"' in content
    assert '<option value="abort" selected>' in content


@pytest.mark.parametrize(
    "wrong",
    [
        {"offer": "no"},
        {"machine": ["no"]},
        {"datastore": "ds-1"},
        {"name": ""},
        {"name": "x" * 201},
        {"network-nowhere": "net-9"},
    ],
)
def test_a_plan_that_is_wrong_makes_no_group(cast: Cast, wrong: dict[str, object]) -> None:
    answer = signed_in("alice").post(f"/t/{cast.acme.tenant.id}/groups/new", form(cast, **wrong))

    assert answer.status_code == 200
    with tenant_context(cast.acme.tenant.id):
        assert not MigrationGroup.objects.exists()


@pytest.mark.parametrize("tier", ["1000000000", "100", "0", "x"])
def test_a_boot_tier_is_from_1_to_99_on_the_form_as_well(cast: Cast, tier: str) -> None:
    typed = form(cast, **{f"tier-{machine_of(cast.acme, 'db01').id}": tier})

    answer = signed_in("alice").post(f"/t/{cast.acme.tenant.id}/groups/new", typed)

    assert "A boot tier is a" in text(answer)
    with tenant_context(cast.acme.tenant.id):
        assert not MigrationGroup.objects.exists()


def test_a_name_that_is_taken_is_told_with_all_that_was_typed(cast: Cast, group: MigrationGroup) -> None:
    typed = form(cast, policy="abort", rate="17")

    answer = signed_in("alice").post(f"/t/{cast.acme.tenant.id}/groups/new", typed)

    assert "There is a group named First wave already." in text(answer)
    content = answer.content.decode()
    assert all(kept in content for kept in ('value="First wave"', 'value="17"', 'value="abort" selected'))
    assert f'value="{machine_of(cast.acme, "db01").id}" checked' in content


def test_another_tenant_s_machine_is_never_planned(cast: Cast) -> None:
    theirs = machine_of(cast.globex, "secret")

    answer = signed_in("alice").post(
        f"/t/{cast.acme.tenant.id}/groups/new", form(cast, machine=[str(theirs.id)])
    )

    assert "secret" not in text(answer)
    with tenant_context(cast.acme.tenant.id):
        assert not MigrationGroup.objects.exists()


def test_before_the_first_group_the_page_says_what_it_is_for(cast: Cast) -> None:
    said = text(signed_in("alice").get(f"/t/{cast.acme.tenant.id}/groups/"))

    assert "Plan the first group" in said
    assert "the source machine is never deleted" in said


@pytest.mark.parametrize("view", ["board", "list"])
def test_the_filter_finds_groups_by_name(cast: Cast, view: str) -> None:
    group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, "db01", name="Databases"))
    group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, "web01", name="Front"))

    said = text(signed_in("bob").get(f"/t/{cast.acme.tenant.id}/groups/?view={view}&q=data"))

    assert "Databases" in said
    assert "Front" not in said


def test_starting_is_one_click(cast: Cast, group: MigrationGroup) -> None:
    agents_answer(group)

    answer = signed_in("alice").post(page_of(group, "ask/start"), follow=True)

    assert answer.redirect_chain == [(page_of(group), 302)]
    assert desired(group) == Desired.SYNC


def test_what_would_fail_is_told_before_the_start(cast: Cast, group: MigrationGroup) -> None:
    alice = signed_in("alice")

    before = text(alice.get(page_of(group)))
    answer = alice.post(page_of(group, "ask/start"), follow=True)

    assert "Before it can start" in before
    assert "agent" in text(answer)
    assert desired(group) == Desired.HOLD


def test_pausing_and_resuming_are_one_click_each(cast: Cast) -> None:
    group = travelled(cast, to="ready").group
    alice = signed_in("alice")

    paused = text(alice.post(page_of(group, "ask/pause"), follow=True))
    resumed = text(alice.post(page_of(group, "ask/resume"), follow=True))

    assert "Paused" in paused
    assert "Paused" not in resumed


@pytest.mark.parametrize("ask", ["start", "cancel", "pause", "resume", "withdraw"])
def test_who_only_views_asks_for_nothing(cast: Cast, group: MigrationGroup, ask: str) -> None:
    assert signed_in("bob").post(page_of(group, f"ask/{ask}")).status_code == 403
    assert desired(group) == Desired.HOLD


def test_who_only_views_is_shown_no_button(cast: Cast) -> None:
    group = travelled(cast, to="awaiting_commit").group

    main = signed_in("bob").get(page_of(group)).content.decode().partition("<main")[2]

    assert "<form" not in main


def test_a_group_on_its_way_shows_its_machines_their_phase_and_what_is_left(cast: Cast) -> None:
    group = travelled(cast, "db01", "web01", to="ready").group

    said = text(signed_in("bob").get(page_of(group)))

    assert "db01" in said
    assert "web01" in said
    assert "Ready" in said
    assert "Cloud" in said


def test_the_cut_over_page_says_what_happens_and_what_it_costs_to_go_back(cast: Cast) -> None:
    group = travelled(cast, to="ready").group
    agents_answer(group)

    said = text(signed_in("alice").get(page_of(group, "cutover")))

    assert "Ready to cut over First wave" in said
    assert "Until you commit you can roll back; that is free." in said


def test_a_check_that_does_not_pass_for_several_machines_is_told_once(cast: Cast) -> None:
    group = travelled(cast, "db01", "web01", to="ready").group

    said = text(signed_in("alice").get(page_of(group, "cutover")))

    assert "4 checks of First wave do not pass" in said
    assert said.count("PRE-17") == 1
    assert "2 machines: db01, web01" in said


def test_the_cut_over_wants_the_group_s_name(cast: Cast) -> None:
    group = travelled(cast, to="ready").group
    alice = signed_in("alice")

    wrong = alice.post(page_of(group, "cutover"), {"confirmation": "first"}, follow=True)
    assert desired(group) == Desired.SYNC
    alice.post(page_of(group, "cutover"), {"confirmation": NAME})

    assert "What was typed is not the group's name." in text(wrong)
    assert desired(group) == Desired.CUT_OVER


def test_a_time_that_cannot_be_read_schedules_nothing(cast: Cast) -> None:
    group = travelled(cast, to="ready").group

    answer = signed_in("alice").post(
        page_of(group, "cutover"), {"confirmation": NAME, "at": "2026-02-31T25:00"}, follow=True
    )

    assert "The time is not one that can be read." in text(answer)
    assert desired(group) == Desired.SYNC


def test_the_decision_is_shown_with_its_consequence_and_both_ways_out(cast: Cast) -> None:
    group = travelled(cast, to="awaiting_commit").group

    said = text(signed_in("alice").get(page_of(group)))

    assert "We never commit for you." in said
    assert "Commit all machines" in said
    assert "Roll back all machines" in said


@pytest.mark.parametrize(("ask", "wanted"), [("commit", Desired.COMMIT), ("rollback", Desired.ROLL_BACK)])
def test_a_decision_wants_the_group_s_name(cast: Cast, ask: str, wanted: str) -> None:
    group = travelled(cast, to="awaiting_commit").group
    alice = signed_in("alice")

    alice.post(page_of(group, f"confirm/{ask}"), {"confirmation": "no"})
    assert desired(group) == Desired.CUT_OVER
    alice.post(page_of(group, f"confirm/{ask}"), {"confirmation": NAME})

    assert desired(group) == wanted


def test_a_failed_machine_says_what_happened_and_offers_the_ways_out(cast: Cast) -> None:
    journey = travelled(cast, to="ready", script=failing(Step.SYNC, Failure.DESTINATION_FULL, retry=False))

    said = text(signed_in("alice").get(page_of(journey.group)))

    assert "db01 stopped in" in said
    assert "Nothing was lost" in said
    assert "Try again" in said


def test_machines_that_failed_alike_are_told_together(cast: Cast) -> None:
    script = failing(Step.SYNC, Failure.DESTINATION_FULL, retry=False)
    journey = travelled(cast, "db01", "web01", to="ready", script=script)

    said = text(signed_in("alice").get(page_of(journey.group)))

    assert "2 machines stopped in syncing" in said
    assert said.count("Nothing was lost") == 1
    assert said.count("Try again") == 2


def test_the_boot_order_is_changed_on_the_group_s_page(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, "db01", "web01"))
    with tenant_context(group.tenant_id):
        units = {unit.machine.name: unit.id for unit in group.units.select_related("machine")}

    signed_in("alice").post(page_of(group, "order"), {f"tier-{units['web01']}": "2"})

    with tenant_context(group.tenant_id):
        assert dict(group.units.values_list("machine__name", "tier")) == {"db01": 1, "web01": 2}


def test_a_machine_s_page_tells_its_phases_and_the_commands_on_our_behalf(cast: Cast) -> None:
    journey = travelled(cast, to="ready")
    with tenant_context(journey.group.tenant_id):
        unit = MigrationUnit.objects.get(group=journey.group)

    said = text(signed_in("bob").get(page_of(journey.group, f"machines/{unit.id}/")))

    assert "Validating" in said
    assert "Create machine" in said
    assert "Open landing" in said


def test_the_provider_sees_the_groups_of_all_tenants(cast: Cast) -> None:
    group_of(cast.acme, cast.alice)
    group_of(cast.globex, cast.charlie, plan=plan_of(cast.globex, "theirs", name="Their wave"))
    staff_create()

    said = text(signed_in("petra").get("/provider/groups/"))

    assert "First wave" in said
    assert "Their wave" in said


def test_a_larger_group_asks_no_more_of_the_database(cast: Cast) -> None:
    alice, counts = signed_in("alice"), set()
    for size in (1, 12):
        names = [f"of-{size}-{number}" for number in range(size)]
        group = group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, *names, name=f"Of {size}"))
        counts.add(queries(alice, page_of(group)))

    assert len(counts) == 1


def queries(client: Client, address: str) -> int:
    """Return how often an answer asks the database, once the session has been seen."""
    client.get(address)
    with CaptureQueriesContext(connection) as asked:
        client.get(address)
    return len(asked)
