"""A ticket's renewal: for an open command of this agent, and for nothing else than it was."""

import base64
import json
import time
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.domain.protocol import TICKET_LIFETIME_S, canonical
from agents.models import Command
from portal.lib.keys import TICKET_LABEL, portal_keys
from portal.lib.tenancy import tenant_context
from tests.integration.gateway.callers import Caller, command_give
from tests.sessions import committed

pytestmark = committed

TERMS: dict[str, object] = {
    "unit": "00000000-0000-0000-0000-000000000007",
    "generation": 3,
    "machine": "vm-1",
    "disk": "0",
    "size": 1 << 30,
    "direction": "forward",
    "source": "a" * 64,
    "destination": "b" * 64,
    "expires": 1,
}


def held() -> dict[str, object]:
    """Return a command's body with a ticket that has run out."""
    return {"tickets": {"0": portal_keys().ticket(canonical(TERMS))}}


def terms(ticket: str) -> dict[str, object]:
    """Return what a ticket says, once its signature has been checked."""
    content, signature = (base64.urlsafe_b64decode(part + "==") for part in ticket.split("."))
    portal_keys().signing.public_key().verify(signature, TICKET_LABEL + content)
    found: dict[str, object] = json.loads(content)
    return found


def test_a_fresh_ticket_says_the_same_but_for_its_time(caller: Caller) -> None:
    command_id = command_give(caller, body=held())

    fresh = terms(caller.ticket(command_id).json()["ticket"])

    assert {**fresh, "expires": 1} == TERMS
    assert abs(int(str(fresh["expires"])) - time.time() - TICKET_LIFETIME_S) < 10


def test_a_renewal_must_be_signed(caller: Caller) -> None:
    command_id = command_give(caller, body=held())
    forger = Caller(caller.id, caller.tenant_id, Ed25519PrivateKey.generate(), caller.client, caller.bearer)

    answer = forger.ticket(command_id)

    assert (answer.status_code, answer.json()["code"]) == (403, "AGT-04")


def test_a_signature_for_one_disk_renews_no_other(caller: Caller) -> None:
    command_id = command_give(caller, body=held())

    assert caller.ticket(command_id, "1", asked="0").status_code == 403


def test_there_is_no_ticket_for_a_disk_that_the_command_does_not_carry(caller: Caller) -> None:
    command_id = command_give(caller, body=held())

    answer = caller.ticket(command_id, "1")

    assert (answer.status_code, answer.json()["code"]) == (409, "TKT-01")


def test_there_is_no_ticket_for_a_command_without_any(caller: Caller) -> None:
    assert caller.ticket(command_give(caller)).status_code == 409


@pytest.mark.parametrize("phase", ["succeeded", "failed", "superseded", "expired"])
def test_there_is_no_ticket_once_the_command_has_ended(caller: Caller, phase: str) -> None:
    command_id = command_give(caller, body=held())
    with tenant_context(caller.tenant_id):
        Command.objects.filter(id=command_id).update(phase=phase)

    assert caller.ticket(command_id).status_code == 409


def test_there_is_no_ticket_past_the_deadline(caller: Caller) -> None:
    command_id = command_give(caller, body=held(), deadline=timedelta(seconds=-1))

    assert caller.ticket(command_id).status_code == 409


def test_there_is_no_ticket_for_another_agent_s_command(caller: Caller, stranger: Caller) -> None:
    command_id = command_give(caller, body=held())

    assert stranger.ticket(command_id).status_code == 409


def test_there_is_no_ticket_without_a_bearer(caller: Caller) -> None:
    command_id = command_give(caller, body=held())
    caller.bearer = "another"

    assert caller.ticket(command_id).status_code == 401
