"""What changes organisations, people and memberships."""

from tenants.services.allowances import allowance_hold
from tenants.services.organisations import (
    PasswordWeak,
    PersonExists,
    RoleMisplaced,
    TenantInvalid,
    membership_grant,
    person_create,
    provider_create,
    tenant_create,
    tenant_onboard,
)
from tenants.services.policies import (
    PolicyChanged,
    PolicyInvalid,
    PolicyNameTaken,
    PolicyTerms,
    policy_assign,
    policy_create,
    policy_update,
)
from tenants.services.standings import (
    ReasonMissing,
    StandingUnfit,
    standing_move,
    tenant_lock,
    tenant_resume,
    tenant_suspend,
)

__all__ = [
    "PasswordWeak",
    "PersonExists",
    "PolicyChanged",
    "PolicyInvalid",
    "PolicyNameTaken",
    "PolicyTerms",
    "ReasonMissing",
    "RoleMisplaced",
    "StandingUnfit",
    "TenantInvalid",
    "allowance_hold",
    "membership_grant",
    "person_create",
    "policy_assign",
    "policy_create",
    "policy_update",
    "provider_create",
    "standing_move",
    "tenant_create",
    "tenant_lock",
    "tenant_onboard",
    "tenant_resume",
    "tenant_suspend",
]
