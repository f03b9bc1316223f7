"""What needs somebody: told once, the worst first, with a page that the reader may open."""

import pytest
from django.utils import timezone

from agents.domain.protocol import Failure, Step
from agents.domain.site import SiteState
from agents.models import Agent, Site
from portal.lib.tenancy import tenant_context
from portal.pages.attention import SHOWN, agents_silent, sites_wrong, units_asking
from tests.bench.crowd import crowd_create
from tests.cast import NOON, Cast
from tests.functional.pages import signed_in, text
from tests.functional.test_groups_pages import travelled
from tests.scripted_agent import failing
from tests.sessions import committed
from tests.staff import staff_create

pytestmark = committed
BROKEN = failing(Step.SYNC, Failure.DESTINATION_FULL, retry=False)


@pytest.fixture
def broken(cast: Cast) -> Cast:
    """Acme with two machines of a group that failed."""
    travelled(cast, "db01", "web01", to="ready", script=BROKEN)
    return cast


def test_machines_of_a_group_that_failed_are_one_thing_to_do(broken: Cast) -> None:
    said = text(signed_in("alice").get(f"/t/{broken.acme.tenant.id}/"))

    assert said.count("2 machines of First wave stopped") >= 1
    assert "both disks are kept as they were" in said
    assert "Review failure" in said


def test_a_group_that_waits_for_its_commit_is_one_thing_to_do(cast: Cast) -> None:
    travelled(cast, "db01", "web01", to="awaiting_commit")

    said = text(signed_in("alice").get(f"/t/{cast.acme.tenant.id}/"))

    assert said.count("First wave awaits your commit") >= 1
    assert "db01 awaits" not in said


def test_the_provider_is_told_whose_commit_it_is(cast: Cast) -> None:
    travelled(cast, to="awaiting_commit")
    staff_create()

    said = text(signed_in("petra").get("/provider/"))

    assert "First wave awaits its tenant's commit" in said


def test_every_page_that_the_provider_is_sent_to_is_there(broken: Cast) -> None:
    staff_create()
    with tenant_context(broken.globex.tenant.id):
        Site.objects.filter(id=broken.globex.site.id).update(state=SiteState.HUNG, state_since=NOON)
    petra = signed_in("petra")

    items = petra.get("/provider/").context["items"]

    assert {item.verb for item in items} == {"Open"}
    assert {petra.get(item.address).status_code for item in items} == {200}


def test_the_provider_looks_at_a_group_and_may_ask_for_nothing(broken: Cast) -> None:
    staff_create()
    petra = signed_in("petra")
    (row,) = petra.get("/provider/groups/?view=list").context["rows"]

    answer = petra.get(f"/provider/groups/{row.id}/")
    main = answer.content.decode().partition("<main")[2]

    assert "2 machines stopped in syncing" in text(answer)
    assert "Acme" in text(answer)
    assert "<form" not in main


def test_the_tenants_with_something_wrong_are_the_first_on_the_provider_s_home(broken: Cast) -> None:
    staff_create()
    with tenant_context(broken.globex.tenant.id):
        Agent.objects.update(last_seen_at=timezone.now())

    tenants = signed_in("petra").get("/provider/").context["tenants"]

    assert (tenants[0]["name"], tenants[0]["failed"]) == ("Acme", 2)


def test_what_is_more_than_the_list_shows_is_counted(cast: Cast) -> None:
    crowd_create(cast, range(200), tell=lambda _: None)
    with tenant_context(cast.acme.tenant.id):
        groups = set(units_asking().values_list("group_id", flat=True))
        others = [sites_wrong().count(), agents_silent(timezone.now()).count()]

    home = signed_in("alice").get(f"/t/{cast.acme.tenant.id}/").context

    assert len(groups) > SHOWN
    assert len(home["items"]) == SHOWN
    assert home["count"] == len(groups) + sum(others)


def test_one_tenant_never_sees_what_another_has_to_do(broken: Cast) -> None:
    said = text(signed_in("charlie").get(f"/t/{broken.globex.tenant.id}/"))

    assert "First wave" not in said
