"""What changes organisations, people and memberships."""

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

__all__ = [
    "PasswordWeak",
    "PersonExists",
    "RoleMisplaced",
    "TenantInvalid",
    "membership_grant",
    "person_create",
    "provider_create",
    "tenant_create",
    "tenant_onboard",
]
