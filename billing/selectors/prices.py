"""The prices of a tenant."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from billing.domain.rate import Price
from billing.models import PriceBookVersion


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


def prices_list(*, now: datetime, tenant_id: UUID | None = None) -> list[PriceRow]:
    """Return the versions that may be seen (of `tenant_id`, if given), by tenant, newest first."""
    versions = PriceBookVersion.objects.select_related("tenant").order_by("tenant__name", "-effective_from")
    if tenant_id is not None:
        versions = versions.filter(tenant_id=tenant_id)
    rows: list[PriceRow] = []
    for version in versions:
        later = rows[-1] if rows and rows[-1].tenant_id == version.tenant_id else None
        rows.append(_row(version, later.effective_from if later else None, now))
    return rows


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


def prices_by_tenant(tenant_ids: Iterable[UUID]) -> dict[UUID, list[Price]]:
    """Return the prices that `rate` needs, for each tenant."""
    found: dict[UUID, list[Price]] = {}
    for version in PriceBookVersion.objects.filter(tenant_id__in=set(tenant_ids)):
        price = Price(
            version=version.number,
            currency=version.currency,
            effective_from=version.effective_from,
            vm_migrated=version.vm_migrated_price,
        )
        found.setdefault(version.tenant_id, []).append(price)
    return found
