"""Prices are published by the provider, hold from a moment on, and never change."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.db import ProgrammingError

from billing.models import PriceBookVersion
from billing.selectors import UsageFilter, prices_page, usage_csv_rows, usage_page, usage_totals
from billing.services import PricePublishRefused, price_publish
from portal.lib.tenancy import provider_context, tenant_context
from tenants.domain.roles import Actor, RightMissing, Role
from tests.cast import NOON, Cast, House
from tests.integration.billing.test_usage import execute, fact_of, record
from tests.sessions import committed

pytestmark = committed

HOUR = timedelta(hours=1)


def frank(cast: Cast) -> Actor:
    """Return Frank, who keeps the provider's books."""
    return Actor(user_id=cast.alice.user_id, tenant_id=cast.acme.tenant.id, role=Role.PROVIDER_FINANCE)


def publish(
    cast: Cast,
    house: House,
    price: str,
    *,
    since: datetime = NOON,
    currency: str = "EUR",
    now: datetime = NOON,
) -> PriceBookVersion:
    """Publish a price for the house."""
    return price_publish(
        actor=frank(cast),
        tenant_id=house.tenant.id,
        currency=currency,
        vm_migrated_price=Decimal(price),
        effective_from=since,
        now=now,
    )


def amounts(house: House) -> list[Decimal | None]:
    """Return the amounts of the house's usage, newest first."""
    with tenant_context(house.tenant.id):
        return [row.amount for row in usage_page(of=UsageFilter()).rows]


def test_usage_is_listed_with_its_price(cast: Cast) -> None:
    publish(cast, cast.acme, "49.90")
    record(fact_of(cast.acme))

    with tenant_context(cast.acme.tenant.id):
        (row,) = usage_page(of=UsageFilter()).rows
    assert (row.machine, row.destination, row.amount, row.currency) == (
        "db01",
        "Cloud",
        Decimal("49.90"),
        "EUR",
    )


def test_a_later_price_leaves_earlier_usage_alone(cast: Cast) -> None:
    publish(cast, cast.acme, "49.90")
    publish(cast, cast.acme, "99", since=NOON + HOUR)
    record(fact_of(cast.acme, "vm-1"), fact_of(cast.acme, "vm-2", at=NOON + HOUR))

    assert amounts(cast.acme) == [Decimal("99.00"), Decimal("49.90")]


def test_usage_before_any_price_waits_for_one(cast: Cast) -> None:
    record(fact_of(cast.acme))

    assert amounts(cast.acme) == [None]


def test_the_first_price_may_hold_for_usage_that_is_already_there(cast: Cast) -> None:
    record(fact_of(cast.acme))
    publish(cast, cast.acme, "10", now=NOON + HOUR)

    assert amounts(cast.acme) == [Decimal("10.00")]


def test_a_known_price_cannot_be_changed_afterwards(cast: Cast) -> None:
    publish(cast, cast.acme, "49.90")

    with pytest.raises(PricePublishRefused, match="already known"):
        publish(cast, cast.acme, "1", since=NOON + HOUR, now=NOON + 2 * HOUR)


@pytest.mark.parametrize("price", ["-1", "NaN", "0.00000000001"])
def test_a_price_that_is_none_is_refused(cast: Cast, price: str) -> None:
    with pytest.raises(PricePublishRefused, match="zero or more"):
        publish(cast, cast.acme, price)


@pytest.mark.parametrize("currency", ["eur", "EURO", "E1R", ""])
def test_a_currency_that_is_none_is_refused(cast: Cast, currency: str) -> None:
    with pytest.raises(PricePublishRefused, match="three capital letters"):
        publish(cast, cast.acme, "1", currency=currency)


@pytest.mark.parametrize("days", [733, 65_000])
def test_a_price_that_would_begin_years_from_now_closes_no_book(cast: Cast, days: int) -> None:
    with pytest.raises(PricePublishRefused, match="more than two years ahead"):
        publish(cast, cast.acme, "1", since=NOON + timedelta(days=days))

    assert publish(cast, cast.acme, "2", since=NOON + timedelta(days=730)).number == 1


def test_a_tenant_cannot_set_its_own_price(cast: Cast) -> None:
    with pytest.raises(RightMissing):
        price_publish(
            actor=cast.alice,
            tenant_id=cast.acme.tenant.id,
            currency="EUR",
            vm_migrated_price=Decimal(0),
            effective_from=NOON,
            now=NOON,
        )


@pytest.mark.parametrize(
    "statement", ["UPDATE price_book_version SET vm_migrated_price = 0", "DELETE FROM price_book_version"]
)
def test_a_published_price_is_kept_by_the_database(cast: Cast, statement: str) -> None:
    publish(cast, cast.acme, "49.90")

    with pytest.raises(ProgrammingError, match="permission denied"):
        execute(cast.acme, statement)


def test_prices_are_listed_with_the_time_in_which_they_hold(cast: Cast) -> None:
    publish(cast, cast.acme, "49.90")
    publish(cast, cast.acme, "99", since=NOON + HOUR)

    with tenant_context(cast.acme.tenant.id):
        rows = prices_page(now=NOON).rows
    assert [(row.number, row.effective_to, row.holds_now) for row in rows] == [
        (2, None, False),
        (1, NOON + HOUR, True),
    ]


def test_a_tenant_sees_its_own_prices_only(cast: Cast) -> None:
    publish(cast, cast.globex, "10")

    with tenant_context(cast.acme.tenant.id):
        assert prices_page(now=NOON).rows == ()


def test_the_provider_sees_the_usage_of_all_tenants(cast: Cast) -> None:
    publish(cast, cast.acme, "10")
    publish(cast, cast.globex, "20", currency="USD")
    record(fact_of(cast.acme), fact_of(cast.globex))

    with provider_context():
        page = usage_page(of=UsageFilter())
        sums = [(total.currency, total.amount) for total in usage_totals(of=UsageFilter())]
    assert sorted(row.tenant_name for row in page.rows) == ["Acme", "Globex"]
    assert sums == [("EUR", Decimal("10.00")), ("USD", Decimal("20.00"))]


def test_a_period_takes_its_beginning_and_leaves_its_end(cast: Cast) -> None:
    record(fact_of(cast.acme, "vm-1"), fact_of(cast.acme, "vm-2", at=NOON + HOUR))

    with tenant_context(cast.acme.tenant.id):
        page = usage_page(of=UsageFilter(since=NOON, before=NOON + HOUR))
    assert page.count == 1


def test_the_csv_has_a_header_and_a_row_per_event(cast: Cast) -> None:
    publish(cast, cast.acme, "49.90")
    record(fact_of(cast.acme))

    with tenant_context(cast.acme.tenant.id):
        header, row = usage_csv_rows(of=UsageFilter())
    told = dict(zip(header, row, strict=True))
    assert (told["machine"], told["amount"], told["currency"], told["quantity"]) == (
        "db01",
        "49.90",
        "EUR",
        "1",
    )


def test_the_total_is_the_sum_of_the_lines(cast: Cast) -> None:
    publish(cast, cast.acme, "0.335")
    publish(cast, cast.acme, "1", since=NOON + HOUR)
    moments = [NOON, NOON, NOON + HOUR]
    record(*(fact_of(cast.acme, f"vm-{number}", at=at) for number, at in enumerate(moments)))

    with tenant_context(cast.acme.tenant.id):
        (total,) = usage_totals(of=UsageFilter())
        lines = [row.amount for row in usage_page(of=UsageFilter()).rows]
    assert total.amount == sum(amount for amount in lines if amount is not None) == Decimal("1.68")
