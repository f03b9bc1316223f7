"""What was used, with its price."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import OuterRef, QuerySet, Subquery

from billing.domain.chain import Link, first_break
from billing.domain.export import cell
from billing.domain.meters import Meter
from billing.domain.rate import Line, Total, Usage, rate, totals
from billing.models import MeterEvent, PriceBookVersion
from billing.selectors.prices import prices_by_tenant
from portal.lib.paging import page_of

CSV_HEADER = (
    "event_id",
    "tenant",
    "meter",
    "machine",
    "destination",
    "occurred_at",
    "quantity",
    "unit_price",
    "amount",
    "currency",
    "price_version",
    "dedupe_key",
)
_CHUNK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFilter:
    """Which usage: of one tenant, from `since` until `before`, that moment excluded; None is no limit."""

    tenant_id: UUID | None = None
    since: datetime | None = None
    before: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRow:
    """One event with its price; `amount` is None while no price holds for its moment."""

    event_id: UUID
    number: int
    tenant_id: UUID
    tenant_name: str
    meter: str
    machine: str
    destination: str
    unit_id: str
    occurred_at: datetime
    quantity: Decimal
    unit_price: Decimal | None
    amount: Decimal | None
    currency: str
    version: int | None
    dedupe_key: str


@dataclass(frozen=True, slots=True)
class UsagePage:
    """A page of usage, newest first, how much there is, and the cursors of the pages beside it."""

    rows: tuple[UsageRow, ...]
    count: int
    next: str = ""
    previous: str = ""


def usage_page(*, of: UsageFilter, cursor: str = "", limit: int = 50) -> UsagePage:
    """Return one page of usage; three queries."""
    events = _events(of)
    page = page_of(events, sort="-occurred_at", cursor=cursor, limit=limit)
    return UsagePage(_priced(page.rows), events.count(), page.next, page.previous)


def usage_totals(*, of: UsageFilter) -> tuple[Total, ...]:
    """Return what the usage comes to, by currency: the sum of rounded lines, as an invoice has it."""
    bounds = {"tenant": of.tenant_id, "since": of.since, "before": of.before}
    with connection.cursor() as cursor:
        cursor.execute(_ALIKE, bounds)
        return totals(_lines([_Alike(*row) for row in cursor.fetchall()]))


# Events that cost the same, by the version that holds for them: one look into the index for each version is
# half of what looking a version up for each event costs, even with as many versions as events. The bounds are
# made in the inner query, or the planner uses but one of them. Unpriced events are left out.
_ALIKE = """
    SELECT held.tenant_id, held.number, alike.meter, alike.quantity, alike.times, alike.first
    FROM (
        SELECT tenant_id, number, greatest(effective_from, %(since)s::timestamptz) AS begins,
               coalesce(
                   least(
                       lead(effective_from) OVER (PARTITION BY tenant_id ORDER BY effective_from),
                       %(before)s::timestamptz
                   ),
                   'infinity'
               ) AS ends
        FROM price_book_version
        WHERE %(tenant)s::uuid IS NULL OR tenant_id = %(tenant)s::uuid
    ) AS held
    CROSS JOIN LATERAL (
        SELECT meter, quantity, count(*) AS times, min(occurred_at) AS first
        FROM meter_event
        WHERE tenant_id = held.tenant_id AND occurred_at >= held.begins AND occurred_at < held.ends
        GROUP BY meter, quantity
    ) AS alike
"""


@dataclass(frozen=True, slots=True)
class _Alike:
    tenant_id: UUID
    version: int
    meter: str
    quantity: Decimal
    times: int
    first: datetime


def _lines(groups: Sequence[_Alike]) -> Iterator[Line]:
    """Yield a line for each group of events that cost the same, as often as there are events in it.

    One of them is rated and its rounded amount multiplied: the same sum, without reading every event.
    """
    prices = prices_by_tenant((group.tenant_id, group.version) for group in groups)
    held = {(tenant, price.version): price for tenant, found in prices.items() for price in found}
    for number, group in enumerate(groups):
        one = Usage(
            event_id=UUID(int=number),
            meter=Meter(group.meter),
            quantity=group.quantity,
            occurred_at=group.first,
        )
        (line,) = rate([one], [held[group.tenant_id, group.version]])
        if line.amount is not None:
            yield replace(line, amount=line.amount * group.times)


def usage_csv_rows(*, of: UsageFilter) -> Iterator[list[str]]:
    """Yield the header and then the cells of each event, guarded against spreadsheet formulas."""
    yield list(CSV_HEADER)
    # One statement from one moment: pages by count would tell a line twice when another is added meanwhile.
    events = _events(of).iterator(chunk_size=_CHUNK)
    while chunk := list(islice(events, _CHUNK)):
        for row in _priced(chunk):
            yield _cells(row)


def chain_break(*, tenant_id: UUID) -> int | None:
    """Return the number of the tenant's first event that does not fit its chain, or None."""
    events = MeterEvent.objects.filter(tenant_id=tenant_id).order_by("number")
    return first_break((_link(event), event.previous_hash, event.hash) for event in events.iterator())


def _events(of: UsageFilter) -> QuerySet[Any]:
    """Return the events, newest first, each with the number of the version that prices it."""
    holding = PriceBookVersion.objects.filter(
        tenant_id=OuterRef("tenant_id"), effective_from__lte=OuterRef("occurred_at")
    ).order_by("-effective_from")
    priced = MeterEvent.objects.annotate(version=Subquery(holding.values("number")[:1]))
    events = priced.select_related("tenant", "identity").order_by("-occurred_at", "-number", "id")
    if of.tenant_id is not None:
        events = events.filter(tenant_id=of.tenant_id)
    if of.since is not None:
        events = events.filter(occurred_at__gte=of.since)
    if of.before is not None:
        events = events.filter(occurred_at__lt=of.before)
    return events


def _rated(events: Sequence[MeterEvent]) -> dict[UUID, Line]:
    prices = prices_by_tenant((event.tenant_id, getattr(event, "version", None)) for event in events)
    by_tenant: dict[UUID, list[Usage]] = {}
    for event in events:
        by_tenant.setdefault(event.tenant_id, []).append(
            Usage(
                event_id=event.id,
                meter=Meter(event.meter),
                quantity=event.quantity,
                occurred_at=event.occurred_at,
            )
        )
    lines = [line for tenant, usage in by_tenant.items() for line in rate(usage, prices.get(tenant, []))]
    return {line.event_id: line for line in lines}


def _priced(events: Sequence[MeterEvent]) -> tuple[UsageRow, ...]:
    lines = _rated(events)
    return tuple(_row(event, lines[event.id]) for event in events)


def _row(event: MeterEvent, line: Line) -> UsageRow:
    return UsageRow(
        event_id=event.id,
        number=event.number,
        tenant_id=event.tenant_id,
        tenant_name=event.tenant.name,
        meter=event.meter,
        machine=str(event.payload.get("name", event.identity.name)),
        destination=str(event.payload.get("destination_name", "")),
        unit_id=str(event.payload.get("cause", "")),
        occurred_at=event.occurred_at,
        quantity=event.quantity,
        unit_price=line.unit_price,
        amount=line.amount,
        currency=line.currency,
        version=line.version,
        dedupe_key=event.dedupe_key,
    )


def _cells(row: UsageRow) -> list[str]:
    return [
        cell(value)
        for value in (
            row.event_id,
            row.tenant_name,
            row.meter,
            row.machine,
            row.destination,
            row.occurred_at.isoformat(),
            format(row.quantity.normalize(), "f"),
            None if row.unit_price is None else format(row.unit_price.normalize(), "f"),
            row.amount,
            row.currency,
            row.version,
            row.dedupe_key,
        )
    ]


def _link(event: MeterEvent) -> Link:
    return Link(
        tenant_id=event.tenant_id,
        number=event.number,
        meter=event.meter,
        identity_id=event.identity_id,
        quantity=event.quantity,
        occurred_at=event.occurred_at,
        recorded_at=event.recorded_at,
        source=event.source,
        dedupe_key=event.dedupe_key,
        payload=event.payload,
        corrects_id=event.corrects_id,
    )
