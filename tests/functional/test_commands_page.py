"""The page and the file of what was sent to agents: each with the machine that it is about."""

import csv
import io

import pytest
from django.test import Client

from agents.models import Command
from migrations_app.models import MigrationGroup
from migrations_app.services import group_start
from portal.lib.tenancy import tenant_context
from tests.cast import NOON, Cast, group_of, plan_of
from tests.functional.pages import signed_in, text
from tests.journey import Journey
from tests.sessions import committed

pytestmark = committed


@pytest.fixture
def moving(cast: Cast) -> MigrationGroup:
    """Acme's group, after some of its way."""
    group = group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, "=db-of-them"))
    with tenant_context(group.tenant_id):
        group_start(group=group, actor=cast.alice, now=NOON)
    Journey(cast.acme, group).travel(10)
    return group


def rows_of(client: Client, address: str) -> list[dict[str, str]]:
    """Return the rows of a file, each by its columns' names."""
    return list(csv.DictReader(io.StringIO(client.get(address).content.decode())))


def test_each_command_says_which_machine_it_is_about(cast: Cast, moving: MigrationGroup) -> None:
    answer = signed_in("alice").get(f"/t/{cast.acme.tenant.id}/commands/")

    assert "=db-of-them" in text(answer)
    assert f"/groups/{moving.id}/machines/" in answer.content.decode()


def test_the_file_has_every_command_and_nothing_that_a_spreadsheet_runs(
    cast: Cast, moving: MigrationGroup
) -> None:
    found = rows_of(signed_in("alice"), f"/t/{cast.acme.tenant.id}/commands/csv")

    with tenant_context(moving.tenant_id):
        assert {row["command"] for row in found} == {
            str(key) for key in Command.objects.values_list("id", flat=True)
        }
    assert {row["about"] for row in found} >= {"'=db-of-them"}
    assert {row["group"] for row in found} >= {moving.name}


def test_the_file_is_of_the_state_that_the_page_shows(cast: Cast, moving: MigrationGroup) -> None:
    found = rows_of(signed_in("alice"), f"/t/{cast.acme.tenant.id}/commands/csv?phase=succeeded")

    assert {row["state"] for row in found} == {"succeeded"}


def test_nobody_else_gets_the_file(cast: Cast, moving: MigrationGroup) -> None:
    answer = signed_in("charlie").get(f"/t/{cast.acme.tenant.id}/commands/csv")

    assert answer.status_code == 404
