"""Ten thousand of everything, in a PostgreSQL of the bench's own: what the pages have to stand."""

import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Model
from django.utils import timezone

from agents.domain.delivery import CommandPhase
from agents.domain.protocol import Step
from agents.domain.site import SiteState
from agents.models import Agent, Command, Host, Offer, Site, VirtualDisk, VirtualMachine
from billing.models import BillingIdentity, MeterEvent, PriceBook, PriceBookVersion
from migrations_app.domain.lifecycle import Phase
from migrations_app.models import MigrationGroup, MigrationUnit, Transition
from portal.embedded.postgres import SUPERUSER
from tenants.models import ApiToken, Membership, Tenant
from tests.cast import GIB, Cast, House
from tests.sessions import login

BATCH = 2000
MACHINES_OF_A_HOST = 20
GIVEN_UP = 97
"""Every so many rows one is in trouble: lists put those first."""
PHASES = (Phase.PLANNED, Phase.SYNCING, Phase.READY, Phase.COMMITTED, Phase.AWAITING_COMMIT)


@contextmanager
def written_by_the_owner_of_all() -> Iterator[None]:
    """Write as the superuser for the block, whom no fence holds: filling is not what is measured."""
    with login(SUPERUSER):
        yield


def crowd_create(cast: Cast, numbers: range, *, tell: Callable[[str], None]) -> MigrationGroup:
    """Give Acme one of everything that a list shows for each of `numbers`, and the provider a tenant.

    Returns one group, whose pages are measured as well.
    """
    with written_by_the_owner_of_all():
        for made in (_estate, _machines, _moves, _money, _tokens, _tenants):
            tell(f"{len(numbers):,} rows each: {made.__name__.strip('_')}")
            made(cast.acme, numbers)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        found = MigrationGroup.objects.order_by("created_at").last()
    assert found is not None
    return found


def _put(model: Any, rows: Iterable[Model]) -> None:
    model.objects.bulk_create(list(rows), batch_size=BATCH)


def _estate(house: House, numbers: range) -> None:
    now = timezone.now()
    _put(
        Site,
        (
            Site(
                tenant=house.tenant,
                name=f"Site {at:05}",
                host="10.0.0.1",
                username="landfall",
                state=SiteState.UNREACHABLE if at % GIVEN_UP == 0 else SiteState.CONNECTED,
                state_since=now - timedelta(minutes=at),
            )
            for at in numbers
        ),
    )
    _put(
        Agent,
        (
            Agent(
                tenant=house.tenant,
                site=house.site,
                name=f"agent-{at:05}",
                host_name=f"esx-{at:05}.acme.test",
                duties=["host"],
                last_seen_at=now - (timedelta(hours=1) if at % GIVEN_UP == 0 else timedelta()),
            )
            for at in numbers
        ),
    )
    _put(
        Host,
        (
            Host(
                tenant=house.tenant,
                site=house.site,
                moid=f"h-{at}",
                name=f"esx-{at:05}.acme.test",
                seen_at=now,
            )
            for at in numbers[::MACHINES_OF_A_HOST]
        ),
    )


def _tokens(house: House, numbers: range) -> None:
    now = timezone.now()
    members = list(Membership.objects.filter(tenant=house.tenant).order_by("id"))
    _put(
        ApiToken,
        (
            ApiToken(
                tenant=house.tenant,
                user_id=members[at % len(members)].user_id,
                name=f"Token {at:05}",
                rights=["view"],
                public_id=f"{at:016x}",
                created_at=now - timedelta(minutes=at),
                expires_at=now + timedelta(days=30),
            )
            for at in numbers
        ),
    )


def _machines(house: House, numbers: range) -> None:
    now = timezone.now()
    machines = [
        VirtualMachine(
            tenant=house.tenant,
            site=house.site,
            moid=f"crowd-{at}",
            name=f"vm-{at * 7919 % 10_007:05}",
            host_moid=f"h-{at - at % MACHINES_OF_A_HOST}",
            power="poweredOn" if at % 5 else "poweredOff",
            cpus=1 + at % 16,
            memory_mib=1024 * (1 + at % 64),
            guest_id="debian12_64Guest",
            disk_bytes=(at % 997) * GIB,
            seen_at=now,
        )
        for at in numbers
    ]
    _put(VirtualMachine, machines)
    _put(
        VirtualDisk,
        (
            VirtualDisk(
                tenant=house.tenant, machine=one, number=0, key=2000, label="Hard disk 1", size_bytes=GIB
            )
            for one in machines
        ),
    )


def _moves(house: House, numbers: range) -> None:
    """A group, a unit, its history and its commands for every machine."""
    now = timezone.now()
    groups, units = [], []
    moids = [f"crowd-{at}" for at in numbers]
    machines = VirtualMachine.objects.filter(tenant=house.tenant, moid__in=moids)
    for at, machine in zip(numbers, machines, strict=True):
        phase = Phase.FAILED if at % GIVEN_UP == 0 else PHASES[at % len(PHASES)]
        moment = now - timedelta(minutes=20_000 - at)
        group = MigrationGroup(
            tenant=house.tenant,
            name=f"Group {at:05}",
            offer=house.offer,
            datastore_moid="ds-9",
            created_at=moment,
        )
        groups.append(group)
        units.append(
            MigrationUnit(
                tenant=house.tenant,
                group=group,
                machine=machine,
                name=machine.name,
                phase=phase,
                phase_since=moment,
                failed_in=Phase.SYNCING if phase is Phase.FAILED else "",
                committed_at=moment if phase is Phase.COMMITTED else None,
            )
        )
    _put(MigrationGroup, groups)
    _put(MigrationUnit, units)
    _put(Transition, (_transition(unit) for unit in units))
    _put(Command, (_command(house, unit) for unit in units))


def _transition(unit: MigrationUnit) -> Transition:
    return Transition(
        tenant_id=unit.tenant_id,
        unit=unit,
        from_phase=Phase.PLANNED,
        to_phase=unit.phase,
        generation=1,
        reason="it was its turn",
        at=unit.phase_since,
        number=1,
    )


def _command(house: House, unit: MigrationUnit) -> Command:
    return Command(
        tenant=house.tenant,
        agent=house.source,
        unit_id=unit.id,
        generation=1,
        step=Step.SYNC,
        round=1,
        attempt=1,
        seq=1,
        phase=CommandPhase.ACCEPTED if unit.phase == Phase.SYNCING else CommandPhase.SUCCEEDED,
        phase_since=unit.phase_since,
        body={},
        deliver_after=unit.phase_since,
        deadline=unit.phase_since + timedelta(hours=1),
        progress={"planned": GIB, "content": GIB // 2, "wire": GIB // 4, "rate": 1e7},
    )


def _money(house: House, numbers: range) -> None:
    now = timezone.now()
    book, _ = PriceBook.objects.get_or_create(
        tenant=house.tenant, defaults={"name": "Acme", "created_at": now}
    )
    _put(
        PriceBookVersion,
        (
            PriceBookVersion(
                tenant=house.tenant,
                book=book,
                number=at + 1,
                currency="EUR",
                vm_migrated_price=Decimal(40 + at % 20),
                effective_from=now - timedelta(hours=20_000 - at),
                published_at=now,
            )
            for at in numbers
        ),
    )
    identities = [
        BillingIdentity(
            tenant=house.tenant, site_id=house.site.id, moid=f"crowd-{at}", name=f"vm-{at:05}", created_at=now
        )
        for at in numbers
    ]
    _put(BillingIdentity, identities)
    _put(MeterEvent, (_event(house, one, at) for at, one in zip(numbers, identities, strict=True)))


def _event(house: House, identity: BillingIdentity, at: int) -> MeterEvent:
    moment = timezone.now() - timedelta(minutes=at)
    return MeterEvent(
        tenant=house.tenant,
        number=at + 1,
        meter="vm.migrated",
        identity=identity,
        quantity=Decimal(1),
        occurred_at=moment,
        recorded_at=moment,
        source="bench",
        dedupe_key=f"mig:{uuid.uuid4()}",
        payload={"name": identity.name, "destination_name": "Cloud"},
    )


def _tenants(house: House, numbers: range) -> None:
    made = [Tenant(name=f"Tenant {at:05}") for at in numbers]
    _put(Tenant, made)
    now = timezone.now()
    _put(
        Offer,
        (
            Offer(
                tenant=house.tenant,
                site_id=site,
                name=f"Cloud {at:05}",
                datastores=[{"moid": "ds-9", "name": "fast", "free_bytes": GIB, "capacity_bytes": GIB}],
                refreshed_at=now,
            )
            for at, site in zip(numbers, _sites(house, numbers), strict=True)
        ),
    )


def _sites(house: House, numbers: range) -> Iterable[uuid.UUID]:
    names = [f"Site {at:05}" for at in numbers]
    return Site.objects.filter(tenant=house.tenant, name__in=names).values_list("id", flat=True)
