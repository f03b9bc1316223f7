"""Usage is recorded once, whatever is repeated, and kept as it was written."""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.db import (
    IntegrityError,
    ProgrammingError,
    connection,
    transaction,
)

from billing.domain.entitlement import FREE_AGAIN
from billing.domain.meters import Meter
from billing.models import BillingIdentity, Entitlement, MeterEvent
from billing.selectors import chain_break
from billing.services import UsageFact, usage_record
from portal.lib.roles import GATEWAY, WEB, WORKER
from portal.lib.tenancy import tenant_context
from tests.cast import NOON, Cast, House
from tests.sessions import at_once, committed, login

pytestmark = committed


def fact_of(house: House, moid: str = "vm-1", *, at: datetime = NOON) -> UsageFact:
    """Return that a machine of the house was moved."""
    return UsageFact(
        tenant_id=house.tenant.id,
        meter=Meter.VM_MIGRATED,
        site_id=house.site.id,
        moid=moid,
        name="db01",
        destination_id=house.offer.site_id,
        destination_name="Cloud",
        cause=uuid4(),
        occurred_at=at,
    )


def record(*facts: UsageFact) -> None:
    """Record the facts as the worker does."""
    with login(WORKER):
        record_here(*facts)


def record_here(*facts: UsageFact) -> None:
    """Record the facts in this session."""
    for fact in facts:
        with tenant_context(fact.tenant_id):
            usage_record(fact=fact, now=fact.occurred_at)


def execute(house: House, statement: str) -> None:
    """Execute a statement in the house's tenant."""
    with tenant_context(house.tenant.id), connection.cursor() as cursor:
        cursor.execute(statement)


def insert_again(house: House) -> None:
    """Insert the house's only event a second time, under another number."""
    with tenant_context(house.tenant.id):
        event = MeterEvent.objects.get()
        event.pk, event.number = uuid4(), 2
        event.save(force_insert=True)


def keys_of(house: House) -> list[str]:
    """Return the keys of the house's events."""
    with tenant_context(house.tenant.id):
        return list(MeterEvent.objects.order_by("number").values_list("dedupe_key", flat=True))


def test_a_move_is_one_event_with_the_key_of_its_entitlement(cast: Cast) -> None:
    record(fact_of(cast.acme))

    with tenant_context(cast.acme.tenant.id):
        identity = BillingIdentity.objects.get()
    assert keys_of(cast.acme) == [f"mig:{identity.id}:{cast.acme.offer.site_id}:1"]


def test_the_same_cause_again_is_billed_once(cast: Cast) -> None:
    fact = fact_of(cast.acme)

    record(fact, fact, replace(fact, occurred_at=NOON + FREE_AGAIN * 2))

    assert len(keys_of(cast.acme)) == 1


def test_the_same_machine_again_soon_is_covered_by_the_first_payment(cast: Cast) -> None:
    record(fact_of(cast.acme), fact_of(cast.acme, at=NOON + timedelta(days=30)))

    assert len(keys_of(cast.acme)) == 1


def test_the_same_machine_much_later_is_paid_again(cast: Cast) -> None:
    record(fact_of(cast.acme), fact_of(cast.acme, at=NOON + FREE_AGAIN + timedelta(days=1)))

    assert [key.rsplit(":", 1)[1] for key in keys_of(cast.acme)] == ["1", "2"]


def test_the_same_machine_to_another_destination_is_paid(cast: Cast) -> None:
    record(fact_of(cast.acme), replace(fact_of(cast.acme), destination_id=uuid4()))

    assert len(keys_of(cast.acme)) == 2


def test_two_sites_may_share_a_moid(cast: Cast) -> None:
    record(fact_of(cast.acme), replace(fact_of(cast.acme), site_id=uuid4()))

    assert len(keys_of(cast.acme)) == 2


def test_two_workers_at_once_bill_once(cast: Cast) -> None:
    fact = fact_of(cast.acme)

    with login(WORKER):
        at_once(lambda: record_here(fact), lambda: record_here(fact))

    assert len(keys_of(cast.acme)) == 1


def test_two_machines_at_once_make_one_chain(cast: Cast) -> None:
    first, second = fact_of(cast.acme, "vm-1"), fact_of(cast.acme, "vm-2")

    with login(WORKER):
        at_once(lambda: record_here(first), lambda: record_here(second))

    assert len(keys_of(cast.acme)) == 2
    with tenant_context(cast.acme.tenant.id):
        assert chain_break(tenant_id=cast.acme.tenant.id) is None


def test_every_tenant_has_a_chain_of_its_own(cast: Cast) -> None:
    record(fact_of(cast.acme), fact_of(cast.globex))

    with tenant_context(cast.globex.tenant.id):
        assert MeterEvent.objects.get().number == 1


def test_a_move_that_is_undone_leaves_no_trace(cast: Cast) -> None:
    fact = fact_of(cast.acme)
    with login(WORKER), transaction.atomic():
        record_here(fact)
        transaction.set_rollback(True)

    assert keys_of(cast.acme) == []


@pytest.mark.parametrize("statement", ["UPDATE meter_event SET quantity = 0", "DELETE FROM meter_event"])
def test_the_worker_cannot_change_an_event(cast: Cast, statement: str) -> None:
    record(fact_of(cast.acme))

    with login(WORKER), pytest.raises(ProgrammingError, match="permission denied"):
        execute(cast.acme, statement)


def test_the_database_itself_refuses_the_same_key_twice(cast: Cast) -> None:
    record(fact_of(cast.acme))

    with login(WORKER), pytest.raises(IntegrityError, match="meter_event_once"):
        insert_again(cast.acme)


def test_the_web_cannot_write_usage(cast: Cast) -> None:
    with login(WEB), pytest.raises(ProgrammingError, match="permission denied"):
        record_here(fact_of(cast.acme))


def test_the_gateway_cannot_even_read_usage(cast: Cast) -> None:
    with login(GATEWAY), pytest.raises(ProgrammingError, match="permission denied"):
        execute(cast.acme, "SELECT count(*) FROM meter_event")


def test_a_tenant_sees_nothing_of_another_s_usage(cast: Cast) -> None:
    record(fact_of(cast.acme))

    assert keys_of(cast.globex) == []


def test_without_a_tenant_there_is_no_usage(cast: Cast) -> None:
    record(fact_of(cast.acme))

    with login(WORKER):
        assert not MeterEvent.objects.exists()
        assert not Entitlement.objects.exists()
