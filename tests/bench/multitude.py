"""A thousand tenants with a million machines, and people to ask for them."""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.test import Client
from django.utils import timezone

from agents.domain.site import SiteState
from agents.models import Agent, Offer, Site, VirtualMachine
from migrations_app.domain.lifecycle import Phase
from migrations_app.models import MigrationGroup, MigrationUnit
from tenants.domain.roles import Role
from tenants.models import Membership, Person, Tenant
from tests.bench.crowd import PHASES, written_by_the_owner_of_all
from tests.functional.pages import BACKEND, signed_in
from tests.staff import staff_create

BATCH = 2000
ASKING = 50
"""Tenants whose owner asks; more would measure the same."""
GROUPS, UNITS = 5, 4
"""Groups of each tenant, and machines in each."""

# One statement a table: a million rows through the object mapper would take longer than what is measured.
_MACHINES = """
    INSERT INTO virtual_machine (id, tenant_id, site_id, moid, name, seen_at, host_moid, power, cpus,
        memory_mib, guest_id, uuid, firmware, tools, snapshots, disk_bytes, nics)
    SELECT gen_random_uuid(), site.tenant_id, site.id, 'vm-' || number, 'vm' || number, now(), 'host-1',
        CASE WHEN number %% 5 = 0 THEN 'poweredOff' ELSE 'poweredOn' END, 2, 4096,
        'debian12_64Guest', '', 'bios', '', 0, number * 1073741824::bigint, '[]'
    FROM site CROSS JOIN generate_series(1, %s) AS number
    WHERE site.name = 'Multitude'
"""


@dataclass(frozen=True)
class Multitude:
    """Some owners, each with the tenant that they own, signed in; and the provider's Petra."""

    owners: list[tuple[UUID, Client]]
    petra: Client


def multitude_create(*, tenants: int, machines: int, tell: Callable[[str], None]) -> Multitude:
    """Return people of `tenants` tenants that share `machines` machines evenly."""
    staff_create()
    tell(f"{tenants:,} tenants, {machines:,} machines")
    with written_by_the_owner_of_all():
        made = [Tenant(name=f"Tenant {at:05}") for at in range(tenants)]
        Tenant.objects.bulk_create(made, batch_size=BATCH)
        sites = [
            Site(
                tenant=one, name="Multitude", host="10.0.0.1", username="landfall", state=SiteState.CONNECTED
            )
            for one in made
        ]
        Site.objects.bulk_create(sites, batch_size=BATCH)
        now = timezone.now()
        Agent.objects.bulk_create(
            [
                Agent(tenant=site.tenant, site=site, name="agent-1", duties=["host"], last_seen_at=now)
                for site in sites
            ],
            batch_size=BATCH,
        )
        with connection.cursor() as cursor:
            cursor.execute(_MACHINES, [machines // tenants])
        _moves(sites)
        owners = [_owner(one) for one in made[:: max(1, tenants // ASKING)]]
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
    return Multitude(owners=owners, petra=signed_in("petra"))


def _moves(sites: Sequence[Site]) -> None:
    """Some groups of each tenant, under way and done."""
    offers = [Offer(tenant_id=site.tenant_id, site=site, name="Cloud") for site in sites]
    Offer.objects.bulk_create(offers, batch_size=BATCH)
    now = timezone.now()
    groups, units = [], []
    for site, offer in zip(sites, offers, strict=True):
        found = VirtualMachine.objects.filter(site=site).order_by("moid")[: GROUPS * UNITS]
        for at, machine in enumerate(found):
            if at % UNITS == 0:
                group = MigrationGroup(
                    tenant_id=site.tenant_id, name=f"Group {at}", offer=offer, datastore_moid="ds-9"
                )
                groups.append(group)
            phase = PHASES[at % len(PHASES)]
            units.append(
                MigrationUnit(
                    tenant_id=site.tenant_id,
                    group=group,
                    machine=machine,
                    name=machine.name,
                    phase=phase,
                    phase_since=now,
                    committed_at=now if phase is Phase.COMMITTED else None,
                )
            )
    MigrationGroup.objects.bulk_create(groups, batch_size=BATCH)
    MigrationUnit.objects.bulk_create(units, batch_size=BATCH)


def _owner(tenant: Tenant) -> tuple[UUID, Client]:
    person = Person.objects.create_user(f"owner-{uuid.uuid4().hex[:8]}@example.test")
    Membership.objects.create(tenant=tenant, user=person, role=Role.OWNER)
    client = Client()
    client.force_login(person, backend=BACKEND)
    return tenant.id, client
