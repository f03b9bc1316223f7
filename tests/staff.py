"""The provider's people: Petra runs it, Frank keeps its books."""

from dataclasses import dataclass
from uuid import UUID

from agents.models import Site
from portal.lib.tenancy import tenant_context
from tenants.domain.roles import Role, TenantKind
from tenants.models import Person, Tenant
from tenants.selectors import belongings_of
from tenants.services import membership_grant, provider_create


@dataclass(frozen=True)
class Staff:
    """The provider with its people, and a site of its own."""

    tenant_id: UUID
    petra: Person
    frank: Person
    site: Site


def staff_create() -> Staff:
    """Return the provider's people, made by the services as the web role."""
    provider_create(name="Nordhaven Cloud", email="petra@example.test", password="")
    petra = Person.objects.get(email="petra@example.test")
    petra.set_unusable_password()
    petra.save(update_fields=["password"])
    frank = Person.objects.create_user("frank@example.test", name="Frank")
    provider = next(one for one in belongings_of(petra.pk) if one.kind is TenantKind.PROVIDER)
    with tenant_context(provider.tenant_id):
        tenant = Tenant.objects.get(id=provider.tenant_id)
        membership_grant(tenant=tenant, user_id=frank.pk, role=Role.PROVIDER_FINANCE)
        site = Site.objects.create(
            tenant=tenant, name="Nordhaven FRA 1", host="10.0.0.9", username="landfall"
        )
    return Staff(provider.tenant_id, petra, frank, site)
