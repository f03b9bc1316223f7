"""What an organisation asks of how its people sign in."""

from uuid import UUID

from django.db import transaction

from portal.lib.tenancy import tenant_context
from tenants.domain.roles import Actor, Right
from tenants.models import Tenant


@transaction.atomic
def second_factor_require(*, tenant_id: UUID, required: bool, actor: Actor) -> Tenant:
    """Return the organisation, which asks its people for a second factor from now on, or no longer.

    Its owners decide, and the provider's administrators for each tenant. It holds at the next request.
    """
    actor.require(Right.MANAGE_PEOPLE)
    if tenant_id != actor.tenant_id:
        actor.require(Right.PROVIDER_MANAGE)
    with tenant_context(tenant_id):
        tenant = Tenant.objects.select_for_update().get(id=tenant_id)
        tenant.second_factor_required = required
        tenant.save(update_fields=["second_factor_required"])
    return tenant
