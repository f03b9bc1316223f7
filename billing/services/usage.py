"""Recording usage: once per cause and entitlement, chained, in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from billing.domain.chain import GENESIS, Link, link_hash
from billing.domain.entitlement import entitlement_number
from billing.domain.meters import Meter
from billing.models import BillingIdentity, ChainHead, Entitlement, MeterEvent
from portal.lib.live import publish

SOURCE = "landfall"
ONE = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageFact:
    """Something billable happened to one machine; `cause` is the id of what was committed."""

    tenant_id: UUID
    meter: Meter
    site_id: UUID
    moid: str
    name: str
    destination_id: UUID
    destination_name: str
    cause: UUID
    occurred_at: datetime


@transaction.atomic
def usage_record(*, fact: UsageFact, now: datetime) -> MeterEvent | None:
    """Return the event of this usage, or None where an earlier payment covers it.

    The same cause again, and a second one at the same time, find what the first has written: the
    identity's row is locked, the entitlement and the key are unique.
    """
    identity = _identity(fact, now)
    before = Entitlement.objects.filter(tenant_id=fact.tenant_id, cause=fact.cause).first()
    if before is not None:
        return _event(fact, _key(identity, fact, before.number))
    last = (
        Entitlement.objects.filter(identity=identity, destination_id=fact.destination_id)
        .order_by("-number")
        .first()
    )
    number = entitlement_number(
        last=last.number if last else 0,
        granted_at=last.granted_at if last else None,
        occurred_at=fact.occurred_at,
    )
    if last is not None and number == last.number:
        return None
    Entitlement.objects.create(
        tenant_id=fact.tenant_id,
        identity=identity,
        destination_id=fact.destination_id,
        number=number,
        cause=fact.cause,
        granted_at=fact.occurred_at,
    )
    return _append(identity, fact, _key(identity, fact, number), now)


def _identity(fact: UsageFact, now: datetime) -> BillingIdentity:
    """Return the machine's own row in billing, locked."""
    BillingIdentity.objects.bulk_create(
        [
            BillingIdentity(
                tenant_id=fact.tenant_id,
                site_id=fact.site_id,
                moid=fact.moid,
                name=fact.name,
                created_at=now,
            )
        ],
        ignore_conflicts=True,
    )
    return BillingIdentity.objects.select_for_update().get(
        tenant_id=fact.tenant_id, site_id=fact.site_id, moid=fact.moid
    )


def _key(identity: BillingIdentity, fact: UsageFact, number: int) -> str:
    return f"mig:{identity.id}:{fact.destination_id}:{number}"


def _event(fact: UsageFact, key: str) -> MeterEvent | None:
    return MeterEvent.objects.filter(tenant_id=fact.tenant_id, meter=fact.meter, dedupe_key=key).first()


def _append(identity: BillingIdentity, fact: UsageFact, key: str, now: datetime) -> MeterEvent:
    """Append the event to the chain. Its head is locked last: every commit of a tenant meets here."""
    ChainHead.objects.bulk_create(
        [ChainHead(tenant_id=fact.tenant_id, number=0, hash=GENESIS)], ignore_conflicts=True
    )
    head = ChainHead.objects.select_for_update().get(tenant_id=fact.tenant_id)
    link = Link(
        tenant_id=fact.tenant_id,
        number=head.number + 1,
        meter=fact.meter,
        identity_id=identity.id,
        quantity=ONE,
        occurred_at=fact.occurred_at,
        recorded_at=now,
        source=SOURCE,
        dedupe_key=key,
        payload={
            "name": fact.name,
            "destination": str(fact.destination_id),
            "destination_name": fact.destination_name,
            "cause": str(fact.cause),
        },
    )
    event = MeterEvent.objects.create(
        tenant_id=link.tenant_id,
        number=link.number,
        meter=link.meter,
        identity=identity,
        quantity=link.quantity,
        occurred_at=link.occurred_at,
        recorded_at=link.recorded_at,
        source=link.source,
        dedupe_key=link.dedupe_key,
        payload=link.payload,
        previous_hash=head.hash,
        hash=link_hash(link, head.hash),
    )
    head.number, head.hash = event.number, event.hash
    head.save(update_fields=["number", "hash"])
    publish("usage", tenant_id=fact.tenant_id)
    return event
