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
from tenants.services.sign_in_rules import second_factor_require
from tenants.services.standings import (
    ReasonMissing,
    StandingUnfit,
    standing_move,
    tenant_lock,
    tenant_resume,
    tenant_suspend,
)
from tenants.services.tokens import TokenMade, token_make, token_revoke, token_used

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
    "TokenMade",
    "allowance_hold",
    "membership_grant",
    "person_create",
    "policy_assign",
    "policy_create",
    "policy_update",
    "provider_create",
    "second_factor_require",
    "standing_move",
    "tenant_create",
    "tenant_lock",
    "tenant_onboard",
    "tenant_resume",
    "tenant_suspend",
    "token_make",
    "token_revoke",
    "token_used",
]
