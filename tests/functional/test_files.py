"""Lists as files: every row, in words that a spreadsheet only shows."""

import csv
import io
from datetime import timedelta

import pytest

from agents.models import Agent, Site
from migrations_app.models import MigrationGroup
from portal.lib.tenancy import tenant_context
from tests.cast import NOON, Cast, group_of, plan_of
from tests.functional.pages import signed_in
from tests.sessions import committed
from tests.staff import staff_create

pytestmark = committed
SPREADSHEET = "=HYPERLINK(1)"
MANY = 60


@pytest.fixture
def crowd(cast: Cast) -> Cast:
    """Acme with more sites, agents and groups than a page shows, one of each with a name like a formula."""
    group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, "db"))
    with tenant_context(cast.acme.tenant.id):
        one = MigrationGroup.objects.get()
        for at in range(MANY):
            name = f"more {at:02}" if at else SPREADSHEET
            MigrationGroup(tenant=one.tenant, offer=one.offer, name=name, created_at=NOON).save()
            Site(tenant=one.tenant, name=name).save()
            Agent(tenant=one.tenant, site=cast.acme.site, name=name, last_seen_at=NOON).save()
    return cast


def rows_of(name: str, address: str) -> list[dict[str, str]]:
    """Return the rows of the file that this person gets."""
    answer = signed_in(name).get(address)
    assert answer["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


@pytest.mark.parametrize(("file", "column"), [("groups", "group"), ("sites", "site"), ("agents", "agent")])
def test_a_file_has_every_row_and_no_formula(crowd: Cast, file: str, column: str) -> None:
    rows = rows_of("alice", f"/t/{crowd.acme.tenant.id}/{file}/csv")

    names = [row[column] for row in rows]
    assert len(names) > MANY
    assert f"'{SPREADSHEET}" in names
    assert len({row["id"] for row in rows}) == len(rows)


def test_a_file_of_groups_is_what_the_page_was_narrowed_to(crowd: Cast) -> None:
    rows = rows_of("alice", f"/t/{crowd.acme.tenant.id}/groups/csv?q=more&sort=name")

    names = [row["group"] for row in rows]
    assert len(names) == MANY - 1
    assert names == sorted(names)


def test_the_provider_has_all_tenants_groups_and_a_tenant_has_not(crowd: Cast) -> None:
    staff_create()

    rows = rows_of("petra", "/provider/groups/csv")

    assert {row["tenant"] for row in rows} == {"Acme"}
    assert signed_in("alice").get("/provider/groups/csv").status_code == 404
    assert signed_in("charlie").get(f"/t/{crowd.acme.tenant.id}/groups/csv").status_code == 404


def test_a_file_says_what_an_agent_can_and_since_when_it_is_silent(crowd: Cast) -> None:
    with tenant_context(crowd.acme.tenant.id):
        Agent.objects.filter(name="more 01").update(last_seen_at=NOON - timedelta(hours=1))

    rows = rows_of("alice", f"/t/{crowd.acme.tenant.id}/agents/csv")

    [silent] = [row for row in rows if row["agent"] == "more 01"]
    assert silent["last_heard_utc"] == f"{NOON - timedelta(hours=1):%Y-%m-%d %H:%M:%S}"
    assert silent["health"] == "unreachable"


@pytest.mark.parametrize("file", ["tenants", "prices", "usage"])
def test_the_provider_s_lists_are_files_as_well(crowd: Cast, file: str) -> None:
    staff_create()
    price = {"tenant": str(crowd.acme.tenant.id), "price": "49.5", "currency": "EUR", "from": ""}
    signed_in("petra").post("/provider/prices/", price)

    rows = rows_of("petra", f"/provider/{file}/csv")

    assert [row["tenant"] for row in rows] == {"tenants": ["Acme", "Globex"], "prices": ["Acme"]}.get(
        file, []
    )


def test_a_file_of_tenants_is_only_read(crowd: Cast) -> None:
    staff_create()

    answer = signed_in("petra").post(
        "/provider/tenants/csv", {"name": "Zephyr", "owner_email": "z@zephyr.test"}
    )

    assert answer.status_code == 405
