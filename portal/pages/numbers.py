"""Tenants with their numbers, for the provider: a constant number of queries however many they are."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import reduce
from operator import or_
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from agents.models import VirtualMachine
from billing.models import MeterEvent
from migrations_app.domain.lifecycle import CLOSED, Phase
from migrations_app.models import MigrationUnit
from portal.pages.attention import agents_silent, sites_wrong, units_asking
from portal.pages.setups import NOTHING_YET, setups_of
from tenants.domain.roles import TenantKind
from tenants.models import Policy, Tenant
from tenants.selectors import people_used

MOVING = ~Q(phase__in=[*CLOSED, Phase.PLANNED])


def customers() -> QuerySet[Tenant]:
    """Return the provider's tenants; it is one itself and not among them."""
    return Tenant.objects.filter(kind=TenantKind.CUSTOMER)


def tenants_told(tenants: Sequence[Tenant], *, now: datetime) -> list[dict[str, Any]]:
    """Return these tenants with how much each has, moves, and has wrong."""
    ids = [tenant.id for tenant in tenants]
    setups = setups_of(ids)
    counted = {
        "sites": {id_: setup.sites for id_, setup in setups.items()},
        "machines": _counts(VirtualMachine.objects.filter(gone_at=None), ids),
        "people": people_used(ids),
        "moved": _counts(MeterEvent.objects.filter(occurred_at__gte=month_of(now)), ids),
        **_units(ids),
        "asking": _counts(units_asking(), ids),
        "silent": _counts(agents_silent(now), ids),
        "unwell": _counts(sites_wrong(), ids),
    }
    policies = dict(Policy.objects.values_list("id", "name"))
    usual = Policy.objects.filter(is_default=True).values_list("name", flat=True).first() or ""
    return [
        {
            **_told(tenant, {word: found.get(tenant.id, 0) for word, found in counted.items()}),
            "standing": tenant.standing,
            "policy": policies[tenant.policy_id] if tenant.policy_id else usual,
            "own_policy": tenant.policy_id is not None,
            "step": setups.get(tenant.id, NOTHING_YET).step(tenant.created_at),
        }
        for tenant in tenants
    ]


def _told(tenant: Tenant, numbers: dict[str, int]) -> dict[str, Any]:
    wrong = numbers["asking"] + numbers["silent"] + numbers["unwell"]
    return {"id": tenant.id, "name": tenant.name, "created_at": tenant.created_at, "wrong": wrong, **numbers}


def month_of(now: datetime) -> datetime:
    """Return the first moment of the month, in UTC."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def in_trouble(now: datetime) -> Q:
    """Return the condition for tenants of whom something needs somebody."""
    wrong = (units_asking(), agents_silent(now), sites_wrong())
    return reduce(or_, [Q(id__in=rows.order_by().values("tenant_id")) for rows in wrong])


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
