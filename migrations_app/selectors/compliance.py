"""Which tenants are near, at or over the limits of their policies; read across tenants, as the provider."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from migrations_app.selectors.usage import used_by
from tenants.domain.quota import NO_LIMIT, Level, Measure, Quota, Use
from tenants.domain.roles import TenantKind
from tenants.domain.standing import TenantStanding
from tenants.models import Policy, Tenant
from tenants.selectors import quota_from

LEVELS = (Level.OVER, Level.FULL, Level.NEAR)
Breaches = Mapping[UUID, tuple[Use, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComplianceRow:
    """A tenant that is near, at or over a limit; `limits_since`: when those last changed, if ever."""

    tenant_id: UUID
    tenant_name: str
    policy_name: str
    level: Level
    uses: tuple[Use, ...]
    limits_since: datetime | None


def breaches() -> Breaches:
    """Return what each tenant that is not closed has near, at or over its limits, in few queries."""
    policies = list(Policy.objects.all())
    quotas = {policy.id: quota_from(policy) for policy in policies}
    usual = next((quotas[policy.id] for policy in policies if policy.is_default), Quota())
    customers = Tenant.objects.filter(kind=TenantKind.CUSTOMER).exclude(standing=TenantStanding.CLOSED)
    chosen = dict(customers.values_list("id", "policy_id"))
    used = used_by()
    found: defaultdict[UUID, list[Use]] = defaultdict(list)
    for measure in Measure:
        limits = {id_: quota.of(measure) for id_, quota in quotas.items()}
        default = usual.of(measure)
        if all(limit == NO_LIMIT for limit in limits.values()):
            continue
        for tenant, number in used[measure].items():
            own = chosen.get(tenant, _NOBODY)
            limit = default if own is None else limits.get(own, NO_LIMIT)
            if limit.level(number) is not Level.WITHIN:
                found[tenant].append(Use(measure, number, limit))
    return {tenant: tuple(uses) for tenant, uses in found.items()}


_NOBODY = UUID(int=0)


def level_of(uses: Iterable[Use]) -> Level:
    """Return the worst of these levels."""
    order = list(Level)
    return min((use.level for use in uses), key=order.index, default=Level.WITHIN)


def narrowed(found: Breaches, *, level: Level | None = None, measure: Measure | None = None) -> Breaches:
    """Return those that are at `level`, and those about `measure`; None is any."""
    about = {
        tenant: tuple(use for use in uses if measure is None or use.measure is measure)
        for tenant, uses in found.items()
    }
    return {tenant: uses for tenant, uses in about.items() if uses and level in (None, level_of(uses))}


def levels_counted(found: Breaches) -> dict[Level, int]:
    """Return how many tenants there are at each level that needs a look."""
    worst = [level_of(uses) for uses in found.values()]
    return {level: worst.count(level) for level in LEVELS}


def tenants_breaching(found: Breaches, *, text: str = "") -> QuerySet[Tenant]:
    """Return those tenants, to page through; `text` is a part of the name."""
    rows = Tenant.objects.select_related("policy").filter(id__in=list(found))
    return rows.filter(name__icontains=text) if text else rows


def compliance_rows(tenants: Iterable[Tenant], found: Breaches) -> tuple[ComplianceRow, ...]:
    """Return these tenants with what they have near, at or over their limits."""
    usual = Policy.objects.filter(is_default=True).first()
    return tuple(_row(tenant, tenant.policy or usual, found[tenant.id]) for tenant in tenants)


def _row(tenant: Tenant, policy: Policy | None, uses: tuple[Use, ...]) -> ComplianceRow:
    changed = policy.changed_at if policy else None
    moments = [moment for moment in (tenant.policy_since, changed) if moment]
    return ComplianceRow(
        tenant_id=tenant.id,
        tenant_name=tenant.name,
        policy_name=policy.name if policy else "",
        level=level_of(uses),
        uses=uses,
        limits_since=max(moments, default=None),
    )
