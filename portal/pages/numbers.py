"""Tenants with their numbers, for the provider: a constant number of queries however many they are."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from agents.models import Site, VirtualMachine
from migrations_app.domain.lifecycle import CLOSED, Phase
from migrations_app.models import MigrationUnit
from portal.pages.attention import agents_silent, sites_wrong, units_asking
from tenants.domain.roles import TenantKind
from tenants.models import Tenant

MOVING = ~Q(phase__in=[*CLOSED, Phase.PLANNED])


def customers() -> QuerySet[Tenant]:
    """Return the provider's tenants; it is one itself and not among them."""
    return Tenant.objects.filter(kind=TenantKind.CUSTOMER)


def tenants_told(tenants: Sequence[Tenant], *, now: datetime) -> list[dict[str, Any]]:
    """Return these tenants with how much each has, moves, and has wrong."""
    ids = [tenant.id for tenant in tenants]
    counted = {
        "sites": _counts(Site.objects.all(), ids),
        "machines": _counts(VirtualMachine.objects.filter(gone_at=None), ids),
        **_units(ids),
        "asking": _counts(units_asking(), ids),
        "silent": _counts(agents_silent(now), ids),
        "unwell": _counts(sites_wrong(), ids),
    }
    return [
        _told(tenant, {word: found.get(tenant.id, 0) for word, found in counted.items()})
        for tenant in tenants
    ]


def _told(tenant: Tenant, numbers: dict[str, int]) -> dict[str, Any]:
    wrong = numbers["asking"] + numbers["silent"] + numbers["unwell"]
    return {"id": tenant.id, "name": tenant.name, "created_at": tenant.created_at, "wrong": wrong, **numbers}


def tenants_foremost(first: Iterable[UUID], *, limit: int) -> list[Tenant]:
    """Return the tenants `first`, then those that move most, then by name: the ones to look at."""
    busy = MigrationUnit.objects.filter(MOVING).order_by().values_list("tenant_id")
    busiest = [id_ for id_, _ in busy.annotate(moving=Count("id")).order_by("-moving")[:limit]]
    named = customers().order_by("name", "id").values_list("id", flat=True)[:limit]
    wanted = list(dict.fromkeys([*first, *busiest, *named]))
    found = {tenant.id: tenant for tenant in customers().filter(id__in=wanted)}
    return [found[id_] for id_ in wanted if id_ in found][:limit]


def _units(ids: Sequence[UUID]) -> dict[str, dict[UUID, int]]:
    """Return how many machines of each tenant are at what, in one look at them."""
    at = {"moving": MOVING, "committed": Q(phase=Phase.COMMITTED), "failed": Q(phase=Phase.FAILED)}
    units = MigrationUnit.objects.filter(tenant_id__in=ids).order_by().values_list("tenant_id")
    rows: list[Any] = list(units.annotate(**{word: Count("id", filter=which) for word, which in at.items()}))
    return {word: {row[0]: row[place] for row in rows} for place, word in enumerate(at, start=1)}


def _counts(rows: QuerySet[Any], ids: Sequence[UUID]) -> dict[UUID, int]:
    counted = rows.filter(tenant_id__in=ids).order_by().values_list("tenant_id")
    return dict(counted.annotate(number=Count("id")))
