"""The tenant, its people and members, and what every row that belongs to a tenant inherits."""

from tenants.models.owned import TenantManager, TenantOwned, TenantQuerySet
from tenants.models.policy import Policy, StandingChange
from tenants.models.tenant import Membership, Person, Tenant
from tenants.models.token import ApiToken

__all__ = [
    "ApiToken",
    "Membership",
    "Person",
    "Policy",
    "StandingChange",
    "Tenant",
    "TenantManager",
    "TenantOwned",
    "TenantQuerySet",
]
