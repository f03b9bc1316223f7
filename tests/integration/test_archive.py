"""Everything of one organisation in one ZIP, and what stays of it when it is erased."""

import csv
import hashlib
import io
import json
import zipfile
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connections, transaction

from agents.models import VirtualMachine
from agents.services import enrolment_create, site_create
from billing.domain.meters import Meter
from billing.models import MeterEvent
from billing.services import UsageFact, usage_record
from migrations_app.models import MigrationGroup
from migrations_app.services import tenant_close
from portal.lib.roles import WORKER
from portal.lib.tenancy import SETTING, tenant_context
from tenants.interfaces.archive import CHUNK, LEFT_OUT, archive_chunks, columns_of, models_exported
from tenants.management.commands.tenant_erase import models_erased
from tenants.models import Membership, Person, StandingChange, Tenant
from tests.cast import NOON, Cast, group_of, machine_of
from tests.policies import petra_of
from tests.sessions import committed, login
from tests.staff import staff_create

NAMES = {model._meta.db_table for model in models_exported()}


def opened(tenant_id: UUID) -> zipfile.ZipFile:
    """Return the organisation's archive."""
    return zipfile.ZipFile(io.BytesIO(b"".join(archive_chunks(tenant_id, now=NOON))))


def rows(file: zipfile.ZipFile, table: str) -> list[dict[str, object]]:
    """Return a table of the archive."""
    return [json.loads(line) for line in file.read(f"{table}.jsonl").splitlines()]


@pytest.mark.django_db
def test_every_table_is_there_twice_and_as_the_manifest_says(cast: Cast) -> None:
    file = opened(cast.acme.tenant.id)

    manifest = json.loads(file.read("manifest.json"))
    told = {one["name"]: (one["bytes"], one["sha256"]) for one in manifest["files"]}
    held = {name: file.read(name) for name in file.namelist() if name != "manifest.json"}
    assert told == {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in held.items()}
    assert set(told) == {f"{table}.{ending}" for table in NAMES for ending in ("jsonl", "csv")}
    assert file.testzip() is None


@pytest.mark.django_db
def test_what_is_in_it_is_the_organisation_s_and_nobody_else_s(cast: Cast) -> None:
    group_of(cast.acme, cast.alice)

    file = opened(cast.acme.tenant.id)

    whole = b"".join(file.read(name) for name in file.namelist()).lower()
    assert b"globex" not in whole
    assert b"charlie" not in whole
    assert {person["email"] for person in rows(file, "person")} == {"alice@example.test", "bob@example.test"}
    assert [group["name"] for group in rows(file, "migration_group")] == ["First wave"]


@pytest.mark.django_db
def test_no_key_and_no_secret_is_in_it(cast: Cast) -> None:
    with tenant_context(cast.acme.tenant.id):
        enrolment_create(site=cast.acme.site, actor=cast.alice, now=NOON)

    columns = {column for model in models_exported() for column in columns_of(model)}

    assert {name for name in columns if "password" in name or "token" in name or "bearer" in name} == set()
    assert "enrolment.csv" not in opened(cast.acme.tenant.id).namelist()
    assert "enrolment" in LEFT_OUT


@pytest.mark.django_db
def test_a_table_is_read_piece_by_piece_and_whole(cast: Cast) -> None:
    with tenant_context(cast.acme.tenant.id):
        VirtualMachine.objects.bulk_create(
            VirtualMachine(
                tenant=cast.acme.tenant, site=cast.acme.site, moid=f"m{at}", name="=1+1", seen_at=NOON
            )
            for at in range(CHUNK + 1)
        )

    file = opened(cast.acme.tenant.id)

    sheet = list(csv.DictReader(io.StringIO(file.read("virtual_machine.csv").decode())))
    assert len({row["id"] for row in sheet}) == CHUNK + 1
    assert {row["name"] for row in sheet} == {"'=1+1"}
    assert {row["name"] for row in rows(file, "virtual_machine")} == {"=1+1"}


@pytest.fixture
def closed(cast: Cast) -> Cast:
    """Acme with an estate, a plan and a bill, closed by Petra."""
    group_of(cast.acme, cast.alice)
    machine_of(cast.acme, "db02")
    with tenant_context(cast.acme.tenant.id):
        site_create(actor=cast.alice, name="Third")
        enrolment_create(site=cast.acme.site, actor=cast.alice, now=NOON)
    _billed(cast)
    asked: dict[str, Any] = {"confirmation": "Acme", "reason": "Ended", "now": NOON + timedelta(days=1)}
    tenant_close(actor=petra_of(staff_create()), tenant_id=cast.acme.tenant.id, **asked)
    return cast


def _billed(cast: Cast) -> None:
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
    with login(WORKER), tenant_context(cast.acme.tenant.id):
        usage_record(fact=fact, now=NOON)


def _erase(cast: Cast, name: str = "Acme") -> None:
    call_command("tenant_erase", str(cast.acme.tenant.id), "--confirm", name, verbosity=0)


def seen(tenant_id: UUID) -> set[str]:
    """Return the tables that still have a row of the tenant, as their owner sees them."""
    tables = [model._meta.db_table for model in models_erased()]
    with transaction.atomic(using="migrate"), connections["migrate"].cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, str(tenant_id)])
        cursor.execute(" UNION ALL ".join(f"SELECT '{table}' FROM {table}" for table in tables))  # noqa: S608
        return {row[0] for row in cursor.fetchall()}


@committed
def test_people_and_estate_are_erased_and_what_the_law_needs_stays(closed: Cast) -> None:
    assert {"site", "agent", "membership", "virtual_disk", "migration_unit"} <= seen(closed.acme.tenant.id)

    _erase(closed)

    assert seen(closed.acme.tenant.id) == set()
    with tenant_context(closed.acme.tenant.id):
        assert MeterEvent.objects.count() == 1
        assert StandingChange.objects.count() == 1
        assert Tenant.objects.get().erased_at is not None


@committed
def test_nothing_of_another_tenant_is_erased(closed: Cast) -> None:
    group_of(closed.globex, closed.charlie)
    before = seen(closed.globex.tenant.id)

    _erase(closed)

    assert seen(closed.globex.tenant.id) == before
    with tenant_context(closed.globex.tenant.id):
        assert Membership.objects.count() == MigrationGroup.objects.count() == 1
    assert Person.objects.filter(email="charlie@example.test").exists()


@committed
def test_only_what_is_closed_and_named_is_erased(closed: Cast) -> None:
    with pytest.raises(CommandError, match="type --confirm 'Acme'"):
        _erase(closed, "Acne")
    with pytest.raises(CommandError, match="Globex is active"):
        call_command("tenant_erase", str(closed.globex.tenant.id), "--confirm", "Globex")

    assert "membership" in seen(closed.acme.tenant.id)
