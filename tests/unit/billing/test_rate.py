"""Rating: one pure function, Decimal only, one rounding per line."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from billing.domain.meters import Meter
from billing.domain.rate import Line, Price, Total, Usage, minor_unit, price_at, rate, totals

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def price(amount: str, *, since: datetime = NOON, version: int = 1, currency: str = "EUR") -> Price:
    """Return a version of the prices."""
    return Price(version=version, currency=currency, effective_from=since, vm_migrated=Decimal(amount))


def usage(number: int = 1, *, at: datetime = NOON, quantity: str = "1") -> Usage:
    """Return an event."""
    return Usage(
        event_id=UUID(int=number), meter=Meter.VM_MIGRATED, quantity=Decimal(quantity), occurred_at=at
    )


def line_of(event: Usage, *prices: Price) -> Line:
    """Return the line of one event."""
    (line,) = rate([event], prices)
    return line


def test_a_machine_costs_its_price() -> None:
    line = line_of(usage(), price("49.90"))

    assert (line.amount, line.currency, line.version) == (Decimal("49.90"), "EUR", 1)


def test_a_price_holds_from_its_moment_on() -> None:
    assert line_of(usage(at=NOON), price("1", since=NOON)).amount == Decimal("1.00")


def test_before_its_moment_a_price_does_not_hold() -> None:
    assert line_of(usage(at=NOON - timedelta(microseconds=1)), price("1", since=NOON)).amount is None


def test_the_next_version_ends_the_one_before_at_its_moment() -> None:
    versions = price("1", since=NOON), price("2", since=NOON + HOUR, version=2)

    assert line_of(usage(at=NOON + HOUR - timedelta(microseconds=1)), *versions).version == 1
    assert line_of(usage(at=NOON + HOUR), *versions).version == 2


def test_usage_without_a_price_is_shown_without_an_amount() -> None:
    line = line_of(usage())

    assert (line.amount, line.unit_price, line.currency) == (None, None, "")


def test_a_line_is_rounded_once_and_half_up() -> None:
    assert line_of(usage(quantity="3"), price("0.335")).amount == Decimal("1.01")


def test_a_currency_without_cents_is_rounded_to_whole_units() -> None:
    assert line_of(usage(), price("1999.5", currency="JPY")).amount == Decimal(2000)


def test_a_currency_with_thousandths_keeps_them() -> None:
    assert line_of(usage(), price("1.2345", currency="KWD")).amount == Decimal("1.235")


def test_a_correction_takes_back_what_it_corrects() -> None:
    lines = rate([usage(1), usage(2, quantity="-1")], [price("49.90")])

    assert totals(lines) == (Total("EUR", Decimal("0.00")),)


def test_currencies_are_never_added_up() -> None:
    prices = [price("1"), price("2", since=NOON + HOUR, version=2, currency="USD")]

    lines = rate([usage(1), usage(2, at=NOON + HOUR)], prices)

    assert totals(lines) == (Total("EUR", Decimal("1.00")), Total("USD", Decimal("2.00")))


amounts = st.decimals(min_value=0, max_value=10**6, places=10, allow_nan=False)
moments = st.integers(0, 10**7).map(lambda seconds: NOON + timedelta(seconds=seconds))
events = st.lists(
    st.builds(usage, st.integers(1, 10**6), at=moments, quantity=st.integers(-5, 50).map(str)),
    unique_by=lambda event: event.event_id,
    max_size=20,
)
books = st.lists(moments, unique=True, max_size=5).flatmap(
    lambda starts: st.tuples(
        *(
            st.builds(price, amounts.map(str), since=st.just(start), version=st.just(i))
            for i, start in enumerate(starts)
        )
    )
)


@given(events, books, st.randoms(use_true_random=False))
def test_the_order_of_events_and_prices_does_not_matter(
    happened: list[Usage], book: tuple[Price, ...], chance: object
) -> None:
    shuffled, versions = list(happened), list(book)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    chance.shuffle(versions)  # type: ignore[attr-defined]

    assert rate(shuffled, versions) == rate(happened, book)


@given(events, books)
def test_every_event_has_exactly_one_line(happened: list[Usage], book: tuple[Price, ...]) -> None:
    lines = rate(happened, book)

    assert sorted(line.event_id for line in lines) == sorted(event.event_id for event in happened)


@given(events, books)
def test_a_line_is_its_quantity_times_its_price_to_the_cent(
    happened: list[Usage], book: tuple[Price, ...]
) -> None:
    priced = [line for line in rate(happened, book) if line.unit_price is not None]

    expected = [
        (line.quantity * line.unit_price).quantize(minor_unit(line.currency), ROUND_HALF_UP)
        for line in priced
        if line.unit_price is not None
    ]
    assert [line.amount for line in priced] == expected


@given(moments, books)
def test_the_price_at_a_moment_is_the_last_that_began(at: datetime, book: tuple[Price, ...]) -> None:
    held = price_at(book, at)

    later = [
        one
        for one in book
        if one.effective_from <= at and (held is None or one.effective_from > held.effective_from)
    ]
    assert later == []
