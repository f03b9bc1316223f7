"""Lists page by page: each row once, in order, there and back, whatever an address says."""

import base64
import json

import pytest
from django.test import Client

from agents.domain.site import SiteState
from agents.models import Agent, Site
from portal.lib.tenancy import tenant_context
from tenants.services import tenant_create
from tests.cast import NOON, Cast, group_of, plan_of
from tests.functional.pages import signed_in, text
from tests.staff import Staff, staff_create

SOME_ID = "3a030ec2-74d2-475a-b616-67b56095274a"
LISTS = ("machines/", "sites/", "agents/", "commands/", "groups/?view=list", "usage/")


@pytest.fixture
def alice(cast: Cast) -> Client:
    """Alice of Acme."""
    return signed_in("alice")


def home(cast: Cast, page: str) -> str:
    """Return a page of Acme."""
    return f"/t/{cast.acme.tenant.id}/{page}"


def sites(cast: Cast, number: int, **state: object) -> None:
    """Give Acme more sites."""
    with tenant_context(cast.acme.tenant.id):
        Site.objects.bulk_create(
            Site(tenant=cast.acme.tenant, name=f"Site {at:03}", host="", username="", **state)
            for at in range(number)
        )


def forged(*content: object) -> str:
    """Return a cursor that is well-formed and fits no column."""
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


@pytest.mark.parametrize("page", LISTS)
@pytest.mark.parametrize(
    "cursor",
    [
        "50",
        "%%%",
        forged(0, {"a": 1}, SOME_ID),
        forged(0, None, SOME_ID),
        forged(1, [], "x"),
        forged(0, "\0", SOME_ID),
        forged(0, "\ud800", SOME_ID),
        forged(0, "0001-01-01T00:00:00+23:00", SOME_ID),
        forged(1, "9999-12-31T23:59:59-23:00", SOME_ID),
        base64.urlsafe_b64encode(b"[" * 1100).decode(),
    ],
)
def test_a_forged_cursor_is_the_first_page(cast: Cast, alice: Client, page: str, cursor: str) -> None:
    path, _, query = page.partition("?")

    answer = alice.get(home(cast, path), {"cursor": cursor, "view": query.partition("=")[2]})

    assert answer.status_code == 200


@pytest.mark.parametrize("key", [float("inf"), 10**30, -1])
def test_a_forged_number_is_the_first_page(cast: Cast, alice: Client, key: float) -> None:
    answer = alice.get(home(cast, "machines/"), {"sort": "cpus", "cursor": forged(0, key, SOME_ID)})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "call", ["machines", "sites", "agents", "commands", "groups", "usage", "destinations"]
)
def test_a_forged_cursor_of_the_api_is_the_first_page(cast: Cast, alice: Client, call: str) -> None:
    answer = alice.get(f"/api/v1/{call}/", {"cursor": forged(0, {"no": "value"}, SOME_ID)})

    assert answer.status_code == 200


def test_sites_that_need_somebody_come_first_on_the_first_page(cast: Cast, alice: Client) -> None:
    sites(cast, 60, state=SiteState.CONNECTED)
    with tenant_context(cast.acme.tenant.id):
        Site.objects.filter(name="Site 059").update(state=SiteState.HUNG, state_since=NOON)

    answer = alice.get(home(cast, "sites/"))

    assert answer.context["sites"][0]["row"].name == "Site 059"
    assert "1 of 62 sites needs attention" in text(answer)


def test_every_site_is_on_one_page(cast: Cast, alice: Client) -> None:
    sites(cast, 60)
    first = alice.get(home(cast, "sites/"))
    second = alice.get(home(cast, "sites/"), {"cursor": first.context["page"].next})

    shown = [site["row"].name for answer in (first, second) for site in answer.context["sites"]]

    assert len(shown) == len(set(shown)) == 62


def test_many_silent_agents_are_counted_and_the_worst_told(cast: Cast, alice: Client) -> None:
    with tenant_context(cast.acme.tenant.id):
        Agent.objects.bulk_create(
            Agent(tenant=cast.acme.tenant, site=cast.acme.site, name=f"host-{at:02}", last_seen_at=NOON)
            for at in range(20)
        )

    said = text(alice.get(home(cast, "agents/")))

    assert "24 of 24 agents are silent" in said
    assert said.count("has been silent since") == 3
    assert "21 more are silent; the list begins with them." in said


def test_the_api_lists_each_row_once(cast: Cast, alice: Client) -> None:
    sites(cast, 7)

    names, following = [], "/api/v1/sites/?limit=4"
    first = alice.get(following).json()
    second = alice.get(first["next"]).json()
    third = alice.get(second["next"]).json()
    names = [row["name"] for page in (first, second, third) for row in page["results"]]

    assert names == sorted(names)
    assert len(set(names)) == 9
    assert third["next"] is None


@pytest.mark.parametrize(("asked", "given"), [("3", 3), ("0", 1), ("-1", 9), ("many", 9), ("9" * 30, 9)])
def test_the_api_takes_a_limit_that_makes_sense(cast: Cast, alice: Client, asked: str, given: int) -> None:
    sites(cast, 7)

    assert len(alice.get("/api/v1/sites/", {"limit": asked}).json()["results"]) == given


def test_the_board_is_short_and_the_list_has_all(cast: Cast, alice: Client) -> None:
    for number in range(25):
        group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, f"vm-{number}", name=f"Wave {number:02}"))

    board = text(alice.get(home(cast, "groups/?view=board")))
    listed = text(alice.get(home(cast, "groups/?view=list")))

    assert "20 of 25 are shown" in board
    assert "25 of 25" in listed


@pytest.fixture
def petra(cast: Cast) -> tuple[Client, Staff]:
    """Petra, who runs the provider."""
    staff = staff_create()
    return signed_in("petra"), staff


def test_tenants_are_found_by_name(petra: tuple[Client, Staff]) -> None:
    client, _ = petra

    said = text(client.get("/provider/tenants/", {"q": "glob"}))

    assert "Globex" in said
    assert "1 of 1" in said


def test_a_name_that_no_tenant_has_says_so(petra: tuple[Client, Staff]) -> None:
    client, _ = petra

    assert "No tenant has “zzz” in its name." in text(client.get("/provider/tenants/", {"q": "zzz"}))


def test_tenants_follow_each_other_page_by_page(petra: tuple[Client, Staff]) -> None:
    client, staff = petra
    for number in range(55):
        tenant_create(name=f"Tenant {number:02}", owner_id=staff.petra.pk)

    first = client.get("/provider/tenants/")
    second = client.get("/provider/tenants/", {"cursor": first.context["page"].next})

    names = [tenant["name"] for answer in (first, second) for tenant in answer.context["tenants"]]
    assert names == sorted(names)
    assert len(names) == 57
