"""What was used, granted and published is appended to, never changed: by the database, for every role."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from django.db import DatabaseError, ProgrammingError, connection, connections, transaction

from billing.domain.meters import Meter
from billing.selectors import chain_break
from billing.services import UsageFact, price_publish, usage_record
from portal.lib.roles import LOGINS, WEB, WORKER
from portal.lib.tenancy import tenant_context
from tenants.domain.roles import Actor, Role
from tests.cast import NOON, Cast
from tests.sessions import committed, login

APPENDED = {"entitlement": "number", "meter_event": "quantity", "price_book_version": "vm_migrated_price"}
CHANGES = [
    *(f"UPDATE {table} SET {column} = 7" for table, column in APPENDED.items()),  # noqa: S608
    *(f"DELETE FROM {table}" for table in APPENDED),  # noqa: S608
]


@dataclass(frozen=True)
class Books:
    """Acme with one event of usage and one price."""

    cast: Cast

    def run(self, statement: str) -> None:
        """Run a statement in Acme, as the login that is there."""
        with tenant_context(self.cast.acme.tenant.id), connection.cursor() as cursor:
            cursor.execute(statement)

    def refused_to_owner(self, statement: str) -> bool:
        """Return whether the tables' owner is refused the statement; it does not last."""
        with transaction.atomic(using="migrate"), connections["migrate"].cursor() as cursor:
            tenant = str(self.cast.acme.tenant.id)
            cursor.execute("SELECT set_config('landfall.tenant_id', %s, true)", [tenant])
            with pytest.raises(DatabaseError) as refusal:
                cursor.execute(statement)
            transaction.set_rollback(True, using="migrate")
        return "appended to, never changed" in str(refusal.value)


@pytest.fixture
def books(cast: Cast) -> Books:
    """Acme's books."""
    petra = Actor(user_id=cast.alice.user_id, tenant_id=uuid4(), role=Role.PROVIDER_ADMIN)
    price_publish(
        actor=petra,
        tenant_id=cast.acme.tenant.id,
        currency="EUR",
        vm_migrated_price=Decimal(49),
        effective_from=NOON,
        now=NOON,
    )
    fact = UsageFact(
        tenant_id=cast.acme.tenant.id,
        meter=Meter.VM_MIGRATED,
        site_id=cast.acme.site.id,
        moid="vm-1",
        name="db01",
        destination_id=cast.acme.offer.site_id,
        destination_name="Cloud",
        cause=uuid4(),
        occurred_at=NOON,
    )
    with login(WORKER), tenant_context(fact.tenant_id):
        usage_record(fact=fact, now=NOON)
    return Books(cast)


def may(role: str, table: str, privilege: str) -> bool:
    """Return whether the login role may do this to the table, or to any column of it."""
    columns = ", has_any_column_privilege(%s, %s, %s)" if privilege in ("INSERT", "UPDATE") else ", false"
    asked = [role, table, privilege]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT has_table_privilege(%s, %s, %s){columns}",
            asked * (2 if "has_any" in columns else 1),
        )
        return any(cursor.fetchone())


@pytest.mark.django_db
@pytest.mark.parametrize("role", LOGINS)
@pytest.mark.parametrize("table", APPENDED)
@pytest.mark.parametrize("privilege", ["UPDATE", "DELETE", "TRUNCATE"])
def test_no_login_may_change_what_was_written(role: str, table: str, privilege: str) -> None:
    assert not may(role, table, privilege)


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["entitlement", "meter_event", "chain_head", "billing_identity"])
def test_only_the_worker_adds_usage(table: str) -> None:
    assert [role for role in LOGINS if may(role, table, "INSERT")] == [WORKER]


@pytest.mark.django_db
@pytest.mark.parametrize("table", ["price_book", "price_book_version"])
def test_only_the_web_publishes_prices(table: str) -> None:
    assert [role for role in LOGINS if may(role, table, "INSERT")] == [WEB]


@committed
def test_not_even_the_owner_of_a_table_may(books: Books) -> None:
    assert {change: books.refused_to_owner(change) for change in CHANGES} == dict.fromkeys(CHANGES, True)


@committed
def test_nor_empty_it(books: Books) -> None:
    told = {table: books.refused_to_owner(f"TRUNCATE {table} CASCADE") for table in APPENDED}

    assert told == dict.fromkeys(APPENDED, True)


@committed
@pytest.mark.parametrize("column", ["site_id", "moid"])
def test_what_a_machine_is_known_by_never_changes(books: Books, column: str) -> None:
    with login(WORKER), pytest.raises(ProgrammingError, match="permission denied"):
        books.run(f"UPDATE billing_identity SET {column} = {column}")  # noqa: S608


@committed
def test_a_head_that_was_turned_back_is_found_by_the_next_event(books: Books) -> None:
    with login(WORKER):
        books.run("UPDATE chain_head SET hash = repeat('0', 64)")
        fact = UsageFact(
            tenant_id=books.cast.acme.tenant.id,
            meter=Meter.VM_MIGRATED,
            site_id=books.cast.acme.site.id,
            moid="vm-2",
            name="web01",
            destination_id=books.cast.acme.offer.site_id,
            destination_name="Cloud",
            cause=uuid4(),
            occurred_at=NOON + timedelta(days=1),
        )
        with tenant_context(fact.tenant_id):
            usage_record(fact=fact, now=fact.occurred_at)

            assert chain_break(tenant_id=fact.tenant_id) == 2
