"""Rating: one pure function from events and price versions to lines; used wherever a price is shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal
from uuid import UUID

from billing.domain.meters import Meter

# Wide enough that nothing but the one rounding of a line ever rounds.
_EXACT = Context(prec=50)
# ISO 4217 currencies whose smallest unit is not a hundredth.
_MINOR_DIGITS = {"JPY": 0, "KRW": 0, "ISK": 0, "CLP": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """The prices that hold from `effective_from` (included) until those of the next version."""

    version: int
    currency: str
    effective_from: datetime
    vm_migrated: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """One event to be priced."""

    event_id: UUID
    meter: Meter
    quantity: Decimal
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A priced event; without a price for its moment `amount` is None and a person must publish one."""

    event_id: UUID
    quantity: Decimal
    unit_price: Decimal | None
    amount: Decimal | None
    currency: str
    version: int | None


@dataclass(frozen=True, slots=True)
class Total:
    """What the lines of one currency come to."""

    currency: str
    amount: Decimal


def rate(usage: Iterable[Usage], prices: Sequence[Price]) -> tuple[Line, ...]:
    """Return a line for each event, in order of time, each rounded once; the order given does not matter."""
    ordered = sorted(usage, key=lambda event: (event.occurred_at, event.event_id))
    return tuple(_line(event, price_at(prices, event.occurred_at)) for event in ordered)


def price_at(prices: Sequence[Price], at: datetime) -> Price | None:
    """Return the prices that hold at `at`: the latest that began by then."""
    begun = [price for price in prices if price.effective_from <= at]
    return max(begun, key=lambda price: price.effective_from, default=None)


def totals(lines: Iterable[Line]) -> tuple[Total, ...]:
    """Return the sums by currency; currencies are never added up."""
    sums: dict[str, Decimal] = {}
    for line in lines:
        if line.amount is not None:
            sums[line.currency] = _EXACT.add(sums.get(line.currency, Decimal(0)), line.amount)
    return tuple(Total(currency, amount) for currency, amount in sorted(sums.items()))


def minor_unit(currency: str) -> Decimal:
    """Return the currency's smallest unit, such as 0.01."""
    return Decimal(1).scaleb(-_MINOR_DIGITS.get(currency, 2))


def _line(event: Usage, price: Price | None) -> Line:
    if price is None:
        return Line(
            event_id=event.event_id,
            quantity=event.quantity,
            unit_price=None,
            amount=None,
            currency="",
            version=None,
        )
    exact = _EXACT.multiply(event.quantity, _unit_price(event.meter, price))
    return Line(
        event_id=event.event_id,
        quantity=event.quantity,
        unit_price=_unit_price(event.meter, price),
        amount=exact.quantize(minor_unit(price.currency), rounding=ROUND_HALF_UP, context=_EXACT),
        currency=price.currency,
        version=price.version,
    )


def _unit_price(meter: Meter, price: Price) -> Decimal:
    match meter:
        case Meter.VM_MIGRATED:
            return price.vm_migrated
