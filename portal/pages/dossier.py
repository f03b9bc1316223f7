"""What the provider's list narrows tenants by, and what one tenant's page tells beside its estate."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from billing.selectors.usage import UsageFilter, usage_totals
from migrations_app.selectors.usage import used_of
from portal.pages.numbers import customers, in_trouble, month_of, tenants_told
from tenants.domain.quota import NO_LIMIT, uses
from tenants.domain.standing import TenantStanding
from tenants.models import Policy, StandingChange, Tenant
from tenants.selectors import quota_from

NARROWED_BY = ("q", "standing", "policy", "health")
"""What the address may say."""
CHANGES_SHOWN = 10


def tenants_wanted(asked: Mapping[str, str], *, now: datetime) -> QuerySet[Tenant]:
    """Return the tenants that all of what was asked holds for; what is no such thing narrows nothing."""
    rows = customers()
    if asked["q"]:
        rows = rows.filter(name__icontains=asked["q"])
    if asked["standing"] in list(TenantStanding):
        rows = rows.filter(standing=asked["standing"])
    if asked["policy"]:
        rows = rows.filter(_has(asked["policy"]))
    if asked["health"] == "trouble":
        rows = rows.filter(in_trouble(now))
    return rows


def _has(text: str) -> Q:
    """Return the condition for tenants with this policy, whether it is their own or the default one."""
    try:
        id_ = UUID(text)
    except ValueError:
        return Q()
    usual = Policy.objects.filter(id=id_, is_default=True).exists()
    return Q(policy_id=id_) | Q(policy_id=None) if usual else Q(policy_id=id_)


def policies_offered(provider_id: UUID) -> Sequence[Policy]:
    """Return the policies to choose from, by name."""
    return list(Policy.objects.filter(tenant_id=provider_id).order_by("name", "id"))


def dossier(tenant: Tenant, *, provider_id: UUID, now: datetime) -> dict[str, Any]:
    """Return what one tenant's page shows of its terms, its standing, its set-up and its usage."""
    policies = policies_offered(provider_id)
    usual = next((policy for policy in policies if policy.is_default), None)
    holds = next((policy for policy in policies if policy.id == tenant.policy_id), usual)
    (told,) = tenants_told([tenant], now=now)
    month = UsageFilter(tenant_id=tenant.id, since=month_of(now))
    changes = StandingChange.objects.filter(tenant=tenant).select_related("by").order_by("-at")
    return {
        "told": told,
        "policies": policies,
        "policy": holds,
        "uses": [use for use in uses(quota_from(holds), used_of(tenant.id)) if use.limit != NO_LIMIT],
        "totals": usage_totals(of=month),
        "changes": changes[:CHANGES_SHOWN],
    }
