"""Calls about money: periods, totals, the organisation's own prices, and the provider's file."""

import csv
import io
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.test import Client

from billing.domain.meters import Meter
from billing.services import UsageFact, price_publish, usage_record
from portal.lib.roles import WORKER
from portal.lib.tenancy import tenant_context
from tenants.domain.roles import Actor, Role
from tenants.models import Membership
from tests.cast import NOON, Cast, House
from tests.functional.pages import signed_in
from tests.sessions import committed, login
from tests.staff import staff_create

pytestmark = committed
DAY = timedelta(days=1)
USAGE, PROVIDER = "/api/v1/usage/", "/api/v1/provider/usage/"


def used(house: House, *names: str) -> None:
    """Let machines of the house have been moved, a day apart from noon on."""
    for days, name in enumerate(names):
        _used(house, name, days)


def _used(house: House, name: str, days: int) -> None:
    fact = UsageFact(
        tenant_id=house.tenant.id,
        meter=Meter.VM_MIGRATED,
        site_id=house.site.id,
        moid=name,
        name=name,
        destination_id=house.offer.site_id,
        destination_name="Cloud",
        cause=uuid4(),
        occurred_at=NOON + days * DAY,
    )
    with login(WORKER), tenant_context(fact.tenant_id):
        usage_record(fact=fact, now=fact.occurred_at)


def priced(house: House, amount: str, *, days: int = 0, currency: str = "EUR") -> None:
    """Let a price hold for the house from so many days after noon on."""
    petra = Actor(user_id=house_owner(house), tenant_id=uuid4(), role=Role.PROVIDER_ADMIN)
    price_publish(
        actor=petra,
        tenant_id=house.tenant.id,
        currency=currency,
        vm_migrated_price=Decimal(amount),
        effective_from=NOON + days * DAY,
        now=NOON - DAY,
    )


def house_owner(house: House) -> int:
    """Return somebody who may stand in the book as the publisher."""
    with tenant_context(house.tenant.id):
        return Membership.objects.filter(tenant=house.tenant).values_list("user_id", flat=True)[0]


def machines(client: Client, asked: str) -> list[str]:
    """Return the machines of the usage that is listed."""
    return [row["machine"] for row in client.get(asked).json()["results"]]


def rows(client: Client, asked: str) -> list[dict[str, str]]:
    """Return the rows of a file."""
    return list(csv.DictReader(io.StringIO(client.get(asked).content.decode())))


def test_a_period_takes_its_beginning_and_leaves_its_end(cast: Cast) -> None:
    used(cast.acme, "db01", "db02", "db03")
    period = "?since=2026-03-03T12:00:00Z&before=2026-03-04T12:00:00Z"

    assert machines(signed_in("alice"), f"{USAGE}{period}") == ["db02"]
    assert [row["machine"] for row in rows(signed_in("alice"), f"/api/v1/usage.csv{period}")] == ["db02"]


@pytest.mark.parametrize("wrong", ["?since=yesterday", "?before=2026-13-01T00:00:00Z"])
def test_a_moment_that_is_none_is_refused(cast: Cast, wrong: str) -> None:
    answer = signed_in("alice").get(f"{USAGE}{wrong}")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_the_totals_are_of_the_whole_period_by_currency(cast: Cast) -> None:
    priced(cast.acme, "49.995")
    priced(cast.acme, "10", days=2, currency="USD")
    used(cast.acme, "db01", "db02", "db03")

    told = signed_in("alice").get(USAGE).json()["totals"]

    assert told == [{"currency": "EUR", "amount": "100.00"}, {"currency": "USD", "amount": "10.00"}]


def test_an_organisation_cannot_ask_for_another_s_usage(cast: Cast) -> None:
    used(cast.acme, "db01")

    assert machines(signed_in("charlie"), f"{USAGE}?tenant={cast.acme.tenant.id}") == []


def test_an_organisation_sees_its_own_prices_alone(cast: Cast) -> None:
    priced(cast.acme, "49")
    priced(cast.globex, "7")

    told = signed_in("charlie").get("/api/v1/usage/prices/").json()["results"]

    assert [row["vm_migrated_price"] for row in told] == ["7.0000000000"]


def test_who_may_not_see_money_sees_no_price(cast: Cast) -> None:
    assert signed_in("bob").get("/api/v1/usage/prices/").status_code == 403


def test_the_provider_s_file_has_all_tenants_or_one(cast: Cast) -> None:
    staff_create()
    used(cast.acme, "db01")
    used(cast.globex, "app01")

    all_of_them = rows(signed_in("frank"), "/api/v1/provider/usage.csv")
    one = rows(signed_in("frank"), f"/api/v1/provider/usage.csv?tenant={cast.globex.tenant.id}")

    assert {row["tenant"] for row in all_of_them} == {"Acme", "Globex"}
    assert [row["machine"] for row in one] == ["app01"]


def test_the_provider_s_list_can_be_of_one_tenant(cast: Cast) -> None:
    staff_create()
    used(cast.acme, "db01")
    used(cast.globex, "app01")

    assert machines(signed_in("frank"), f"{PROVIDER}?tenant={cast.globex.tenant.id}") == ["app01"]


def test_a_machine_s_name_runs_nothing_in_a_spreadsheet(cast: Cast) -> None:
    used(cast.acme, '=HYPERLINK("http://evil.test")')

    (row,) = rows(signed_in("alice"), "/api/v1/usage.csv")

    assert row["machine"] == """'=HYPERLINK("http://evil.test")"""


@pytest.mark.parametrize("cursor", ["-1", "x", "²", "99999999999999", ""])
def test_a_cursor_that_is_none_begins_at_the_first_page(cast: Cast, cursor: str) -> None:
    used(cast.acme, "db01")

    assert machines(signed_in("alice"), f"{USAGE}?cursor={cursor}") == ["db01"]
