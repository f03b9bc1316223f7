"""Without a tenant no login sees a row: of every table that there is, and with rows in it (bar 9)."""

from decimal import Decimal
from tempfile import TemporaryFile
from uuid import UUID

import pytest
from django.apps import apps
from django.db import connection, connections, transaction

from agents.models import Cluster, Datastore, Network
from agents.services import enrolment_create, upload_preview
from billing.services import price_publish
from migrations_app.services import PlannedTier, commit_request, cutover_request, group_start
from portal.lib.roles import GATEWAY, LOGINS, WEB, WORKER
from portal.lib.tenancy import tenant_context
from tenants.domain.roles import Actor, Role
from tenants.models import Tenant, TenantOwned
from tenants.services import PolicyTerms, policy_create, tenant_resume, tenant_suspend, token_make
from tests.cast import NOON, Cast, House, group_of, plan_of
from tests.journey import Journey
from tests.sessions import committed, login
from tests.workbooks import machine, workbook

# Tables that belong to no tenant, and why somebody may read them without one.
OF_NOBODY = {
    "person": "who signs in is looked up by e-mail before there is an organisation",
    "person_groups": "Django's own, and empty",
    "person_user_permissions": "Django's own, and empty",
    "django_session": "a session is found by its key before there is a person",
    "mfa_authenticator": "a second factor is asked for before there is an organisation",
    "usersessions_usersession": "a session is a person's, in all their organisations",
    "account_emailaddress": "the sign-in's own",
    "account_emailconfirmation": "the sign-in's own",
    "axes_accessattempt": "who guesses passwords has no organisation",
    "axes_accessattemptexpiration": "who guesses passwords has no organisation",
    "axes_accesslog": "who guesses passwords has no organisation",
    "axes_accessfailurelog": "who guesses passwords has no organisation",
    "django_content_type": "names of models",
    "django_migrations": "names of migrations: each process checks the schema that it finds",
    "auth_permission": "names of Django's permissions",
    "auth_group": "Django's own, and empty",
    "auth_group_permissions": "Django's own, and empty",
}
FENCED = sorted(
    model._meta.db_table for model in apps.get_models() if issubclass(model, TenantOwned | Tenant)
)


ALL = "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace"


def tables(sql: str, *parameters: str | list[str]) -> list[str]:
    """Return the first column of what the owner finds in the catalogue."""
    with connections["migrate"].cursor() as cursor:
        cursor.execute(sql, parameters)
        return sorted(str(row[0]) for row in cursor.fetchall())


def readable(role: str, names: list[str]) -> list[str]:
    """Return those of the tables that the login role may read a column of."""
    may = "SELECT t FROM unnest(%s) AS t WHERE has_any_column_privilege(%s, t, 'SELECT')"
    return tables(may, names, role)


def rows(name: str, where: str = "true") -> int:
    """Return how many rows of the table the session that is there sees."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {name} WHERE {where}")  # noqa: S608
        return int(cursor.fetchone()[0])


def seen(role: str) -> list[str]:
    """Return the tenants' tables in which a session of the role sees a row without a tenant."""
    names = readable(role, FENCED)
    with login(role):
        return [name for name in names if rows(name)]


def strange(role: str, tenant_id: UUID) -> list[str]:
    """Return the tables in which a session of the role, inside the tenant, sees a row of another."""
    names = readable(role, FENCED)
    with login(role), tenant_context(tenant_id):
        return [name for name in names if rows(name, f"{_owner(name)} <> '{tenant_id}'")]


def _owner(table: str) -> str:
    return "id" if table == "tenant" else "tenant_id"


@pytest.fixture
def filled(cast: Cast) -> Cast:
    """The cast, with rows of Acme's in every table: an estate, a group on its whole way, and money."""
    _estate(cast.acme, cast.alice)
    _priced(cast)
    group = group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, tiers=(PlannedTier(1),)))
    journey = Journey(cast.acme, group)
    with tenant_context(group.tenant_id):
        group_start(group=group, actor=cast.alice, now=NOON)
    journey.travel(10)
    with tenant_context(group.tenant_id):
        cutover_request(group=group, at=journey.now, actor=cast.alice, now=journey.now)
    journey.travel()
    with tenant_context(group.tenant_id):
        commit_request(group=group, actor=cast.alice, now=journey.now)
    journey.travel(6)
    return cast


def _estate(house: House, owner: Actor) -> None:
    with tenant_context(house.tenant.id):
        common = {"tenant": house.tenant, "site": house.site, "seen_at": NOON}
        Cluster.objects.create(moid="domain-c1", name="cluster", **common)
        Datastore.objects.create(moid="ds-1", name="store", **common)
        Network.objects.create(moid="net-1", name="network", **common)
        enrolment_create(site=house.site, actor=owner, now=NOON)
        token_make(actor=owner, name="Nightly", rights=[], days=7, now=NOON)
        with TemporaryFile() as file:
            file.write(workbook([machine("db1", "vm-1")]))
            file.flush()
            upload_preview(actor=owner, site=house.site, file=file, file_name="x", by="Alice", now=NOON)


def _priced(cast: Cast) -> None:
    petra = Actor(user_id=cast.alice.user_id, tenant_id=cast.acme.tenant.id, role=Role.PROVIDER_ADMIN)
    policy_create(actor=petra, terms=PolicyTerms(name="Gold"), now=NOON)
    tenant_suspend(actor=petra, tenant_id=cast.acme.tenant.id, reason="Open", now=NOON)
    tenant_resume(actor=petra, tenant_id=cast.acme.tenant.id, reason="Paid", now=NOON)
    price_publish(
        actor=petra,
        tenant_id=cast.acme.tenant.id,
        currency="EUR",
        vm_migrated_price=Decimal(49),
        effective_from=NOON,
        now=NOON,
    )


@pytest.mark.django_db(databases=["default", "migrate"])
def test_every_table_is_fenced_or_has_a_reason() -> None:
    assert set(tables(ALL)) - set(FENCED) - set(OF_NOBODY) == set()
    assert set(OF_NOBODY) & set(FENCED) == set()


@pytest.mark.django_db(databases=["default", "migrate"])
def test_every_fenced_table_is_there() -> None:
    assert set(FENCED) <= set(tables(ALL))


@pytest.mark.django_db(databases=["default", "migrate"])
def test_of_what_is_nobody_s_worker_and_gateway_read_next_to_nothing() -> None:
    names = [name for name in tables(ALL) if name in OF_NOBODY]

    assert readable(GATEWAY, names) == ["django_migrations"]
    assert set(readable(WORKER, names)) <= {
        "auth_permission",
        "django_content_type",
        "django_migrations",
        "person",
    }


@committed
def test_without_a_tenant_every_table_shows_no_row_to_any_login(filled: Cast) -> None:
    with login(WEB), tenant_context(filled.acme.tenant.id):
        empty = [name for name in FENCED if not rows(name)]

    assert empty == []
    assert {role: seen(role) for role in LOGINS} == {WEB: [], WORKER: [], GATEWAY: []}


@committed
def test_inside_a_tenant_no_login_sees_a_row_of_another(filled: Cast) -> None:
    told = {role: strange(role, filled.globex.tenant.id) for role in LOGINS}

    assert told == {WEB: [], WORKER: [], GATEWAY: []}


@committed
def test_whoever_owns_the_tables_sees_no_row_without_a_tenant_either(filled: Cast) -> None:
    with transaction.atomic(using="migrate"), connections["migrate"].cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}' FROM {name}" for name in FENCED))  # noqa: S608
        assert cursor.fetchall() == []
