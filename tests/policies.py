"""Policies for tests: Petra makes one and gives it to a house."""

from portal.lib.tenancy import provider_context
from tenants.domain.quota import Limit, Measure
from tenants.domain.roles import Actor, Role
from tenants.models import Policy
from tenants.services import PolicyTerms, policy_assign, policy_create
from tests.cast import NOON, House
from tests.staff import Staff


def petra_of(staff: Staff) -> Actor:
    """Return Petra, who runs the provider."""
    return Actor(user_id=staff.petra.pk, tenant_id=staff.tenant_id, role=Role.PROVIDER_ADMIN)


def frank_of(staff: Staff) -> Actor:
    """Return Frank, who keeps its books."""
    return Actor(user_id=staff.frank.pk, tenant_id=staff.tenant_id, role=Role.PROVIDER_FINANCE)


def terms(name: str = "Gold", *, default: bool = False, migration: bool = True, **hard: int) -> PolicyTerms:
    """Return terms with these hard limits, by the measures' names."""
    limits = {Measure(measure): Limit(hard=number) for measure, number in hard.items()}
    return PolicyTerms(
        name=name, contact="sales@nordhaven.test", is_default=default, migration_in=migration, limits=limits
    )


def made(staff: Staff, wanted: PolicyTerms) -> Policy:
    """Return a policy of the provider's."""
    return policy_create(actor=petra_of(staff), terms=wanted, now=NOON)


def limited(staff: Staff, house: House, *, migration: bool = True, **hard: int) -> Policy:
    """Return the policy, with these hard limits, that the house has from now on."""
    policy = made(staff, terms(f"For {house.tenant.name}", default=False, migration=migration, **hard))
    policy_assign(actor=petra_of(staff), tenant_id=house.tenant.id, policy_id=policy.id, now=NOON)
    return policy


def reread(policy: Policy) -> Policy:
    """Return the policy as it stands now, read as the provider."""
    with provider_context():
        return Policy.objects.get(id=policy.id)
