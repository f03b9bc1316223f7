"""The prices of a tenant."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import OuterRef, Subquery

from billing.domain.rate import Price
from billing.models import PriceBookVersion
from portal.lib.paging import page_of


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceRow:
    """A published version; `effective_to` is the next one's beginning, that moment excluded."""

    tenant_id: UUID
    tenant_name: str
    number: int
    currency: str
    vm_migrated_price: Decimal
    effective_from: datetime
    effective_to: datetime | None
    published_at: datetime
    holds_now: bool


@dataclass(frozen=True, slots=True)
class PricePage:
    """A page of prices, how many there are, and the cursors of the pages beside it; empty at an end."""

    rows: tuple[PriceRow, ...]
    count: int
    next: str = ""
    previous: str = ""


def prices_page(
    *, now: datetime, tenant_id: UUID | None = None, cursor: str = "", limit: int = 50
) -> PricePage:
    """Return one page of the versions that may be seen (of `tenant_id`, if given), the latest first."""
    versions = PriceBookVersion.objects.select_related("tenant")
    if tenant_id is not None:
        versions = versions.filter(tenant_id=tenant_id)
    following = PriceBookVersion.objects.filter(
        book_id=OuterRef("book_id"), effective_from__gt=OuterRef("effective_from")
    ).order_by("effective_from")
    told = versions.annotate(effective_to=Subquery(following.values("effective_from")[:1]))
    page = page_of(told, sort="-effective_from", cursor=cursor, limit=limit)
    rows = tuple(_row(version, getattr(version, "effective_to", None), now) for version in page.rows)
    return PricePage(rows, versions.count(), page.next, page.previous)


def _row(version: PriceBookVersion, until: datetime | None, now: datetime) -> PriceRow:
    return PriceRow(
        tenant_id=version.tenant_id,
        tenant_name=version.tenant.name,
        number=version.number,
        currency=version.currency,
        vm_migrated_price=version.vm_migrated_price,
        effective_from=version.effective_from,
        effective_to=until,
        published_at=version.published_at,
        holds_now=version.effective_from <= now and (until is None or now < until),
    )


def prices_by_tenant(versions: Iterable[tuple[UUID, int | None]]) -> dict[UUID, list[Price]]:
    """Return the prices that `rate` needs, for each tenant: of these versions, by (tenant, number)."""
    wanted = {(tenant, number) for tenant, number in versions if number is not None}
    rows = PriceBookVersion.objects.filter(
        tenant_id__in={tenant for tenant, _ in wanted}, number__in={number for _, number in wanted}
    )
    found: dict[UUID, list[Price]] = {}
    for version in rows:
        price = Price(
            version=version.number,
            currency=version.currency,
            effective_from=version.effective_from,
            vm_migrated=version.vm_migrated_price,
        )
        found.setdefault(version.tenant_id, []).append(price)
    return found
