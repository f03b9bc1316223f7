"""What an organisation may begin now, asked under a lock: two at once cannot both take the last of it."""

from uuid import UUID

from tenants.domain.quota import Allowance
from tenants.domain.standing import Stand, TenantStanding
from tenants.models import Tenant
from tenants.selectors import quota_of


def allowance_hold(*, tenant_id: UUID) -> Allowance:
    """Return what the organisation may begin, and hold that until the transaction ends; inside its context.

    Whoever needs another lock as well takes it before this one (a group's) or never waits for it. The lock
    is the weaker one: rows of the organisation may be inserted by others meanwhile.
    """
    tenant = Tenant.objects.select_for_update(no_key=True).get(id=tenant_id)
    stand = Stand(TenantStanding(tenant.standing), tenant.standing_reason)
    return Allowance(stand, quota_of(tenant_id))
