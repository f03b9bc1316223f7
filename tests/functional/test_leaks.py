"""No page, call, file or stream of one tenant answers anything of another (bar 9)."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.urls import URLResolver, get_resolver

from agents.models import Command, Enrolment
from migrations_app.models import MigrationGroup, MigrationUnit
from migrations_app.services import group_start
from portal.lib.live import token_read
from portal.lib.tenancy import tenant_context
from tests.cast import NOON, Cast, group_of, machine_of, plan_of
from tests.functional.pages import signed_in
from tests.journey import Journey
from tests.sessions import committed
from tests.tokens import token_for

pytestmark = committed
SECRETS = ("acme", "first wave", "db-of-them", "esx1.acme")
_GIVEN = re.compile(r"<\w+:(\w+)>")
METHODS = ("get", "post", "put", "patch", "delete")
# What is there for everybody, whoever asks.
OPEN = re.compile(r"^/(accounts/|theme$|agent/|api/v1/schema$|$)")


@pytest.fixture
def known(cast: Cast) -> dict[str, str]:
    """Acme's objects by the names that addresses have for them, after some way."""
    group = group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, "db-of-them"))
    with tenant_context(group.tenant_id):
        group_start(group=group, actor=cast.alice, now=NOON)
    Journey(cast.acme, group).travel(10)
    with tenant_context(group.tenant_id):
        unit = MigrationUnit.objects.get(group=group)
    found = {
        "tenant": cast.acme.tenant.id,
        "organisation": cast.acme.tenant.id,
        "site": cast.acme.site.id,
        "agent": cast.acme.source.id,
        "machine": machine_of(cast.acme, "db-of-them").id,
        "group": group.id,
        "unit": unit.id,
        "policy": cast.acme.tenant.id,
        "token": token_for(cast.alice).token.id,
        "ask": "rollback",
        "code": "AGT-02",
    }
    return {key: str(value) for key, value in found.items()}


def addresses(of: list[Any], front: str = "/") -> Iterator[str]:
    """Return every address, with its arguments still named."""
    for pattern in of:
        address = front + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, address)
        elif "(?P" not in address:
            yield address


ALL = [address for address in addresses(get_resolver().url_patterns) if not OPEN.match(address)]


def asked(client: Client, method: str, address: str, body: dict[str, Any]) -> tuple[int, str]:
    """Return the status and all that an answer says."""
    content = "application/json" if address.startswith("/api/") else None
    if method == "get" or (content is None and method == "post"):
        answer = getattr(client, method)(address, body)
    else:
        answer = getattr(client, method)(address, json.dumps(body), content_type="application/json")
    said = b"".join(answer) if answer.streaming else answer.content
    return answer.status_code, said.decode(errors="replace").lower() + str(answer.headers).lower()


@pytest.mark.parametrize("method", METHODS)
def test_nothing_of_acme_is_answered_to_globex(cast: Cast, known: dict[str, str], method: str) -> None:
    charlie = signed_in("charlie")
    body = {**known, "confirmation": "First wave", "q": "db-of-them", "topics": f"group:{known['group']}"}
    said = {}
    for address in ALL:
        path = _GIVEN.sub(lambda found: known[found[1]], address)
        said[f"{method} {path}"] = asked(charlie, method, path, body)[1]

    own = tuple(secret for secret in SECRETS)
    assert {path: word for path, heard in said.items() for word in own if word in heard} == {}
    assert len(said) > 50


@pytest.mark.parametrize("method", METHODS)
def test_nothing_of_acme_is_changed_by_globex(cast: Cast, known: dict[str, str], method: str) -> None:
    before = state_of(cast)

    body = {**known, "confirmation": "First wave", "name": "taken over"}
    for address in ALL:
        asked(signed_in("charlie"), method, _GIVEN.sub(lambda found: known[found[1]], address), body)

    assert state_of(cast) == before


def test_acme_s_own_addresses_answer_acme(cast: Cast, known: dict[str, str]) -> None:
    alice = signed_in("alice")
    pages = [path for path in ALL if path.startswith("/t/")]

    told = [asked(alice, "get", _GIVEN.sub(lambda found: known[found[1]], path), {})[1] for path in pages]

    assert sum("acme" in said for said in told) > 10


def test_a_stream_s_token_is_for_one_s_own_organisation_alone(cast: Cast, known: dict[str, str]) -> None:
    charlie, topics = signed_in("charlie"), f"group:{known['group']}"

    theirs = charlie.get("/live/token", {"tenant": known["tenant"], "topics": topics})
    own = charlie.get("/live/token", {"tenant": str(cast.globex.tenant.id), "topics": topics})

    _, _, token = own.json()["url"].partition("token=")
    assert theirs.status_code == 404
    assert token_read(token, secret=settings.SECRET_KEY, now=0).tenant == str(cast.globex.tenant.id)


def state_of(cast: Cast) -> list[object]:
    """Return what could have been changed of Acme's."""
    with tenant_context(cast.acme.tenant.id):
        return [
            list(MigrationGroup.objects.order_by("id").values()),
            list(MigrationUnit.objects.order_by("id").values()),
            Command.objects.count(),
            Enrolment.objects.count(),
        ]
