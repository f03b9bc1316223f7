"""Tickets: signed by the portal, and bound to everything that the transfer is for."""

import base64
import json

import pytest

from agents.domain.protocol import Step
from agents.models import Command
from migrations_app.models import MigrationUnit
from migrations_app.services import group_start
from portal.lib.keys import TICKET_LABEL, portal_keys, signature_holds
from portal.lib.tenancy import tenant_context
from tests.cast import GIB, NOON, Cast, group_of
from tests.journey import Journey
from tests.sessions import committed

pytestmark = committed


@pytest.fixture
def ticket(cast: Cast) -> tuple[bytes, bytes]:
    """The content and signature of the first round's ticket."""
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        group_start(group=group, actor=cast.alice, now=NOON)
    journey = Journey(cast.acme, group)
    journey.travel(3)
    journey.reconcile()
    with tenant_context(group.tenant_id):
        body = Command.objects.get(step=Step.SYNC).body
    content, signature = (
        base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in body["tickets"]["0"].split(".")
    )
    return content, signature


def test_it_is_signed_with_the_portal_s_key(ticket: tuple[bytes, bytes]) -> None:
    content, signature = ticket

    public = base64.b64decode(portal_keys().public)
    assert signature_holds(public, signature, TICKET_LABEL + content)


def test_it_names_all_that_it_is_for(cast: Cast, ticket: tuple[bytes, bytes]) -> None:
    told = json.loads(ticket[0])

    with tenant_context(cast.acme.tenant.id):
        unit = MigrationUnit.objects.get()
    assert (told["unit"], told["generation"], told["direction"]) == (str(unit.id), 1, "push")
    assert (told["machine"], told["disk"], told["size"]) == (unit.destination_machine_moid, "0", GIB)
    assert (told["source"], told["destination"]) == (cast.acme.source.fingerprint, "f" * 64)


def test_it_ends_soon(ticket: tuple[bytes, bytes]) -> None:
    expires = json.loads(ticket[0])["expires"]

    assert 0 < expires - NOON.timestamp() < 1000


def test_only_what_carries_data_has_tickets(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        group_start(group=group, actor=cast.alice, now=NOON)
    Journey(cast.acme, group).travel(3)

    with tenant_context(group.tenant_id):
        with_tickets = {row.step for row in Command.objects.all() if "tickets" in row.body}
    assert with_tickets <= {Step.SYNC, Step.FREEZE}
