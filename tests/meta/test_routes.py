"""Every route has a row in the table, and answers as the row says to each of the cast."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import URLResolver, get_resolver

from migrations_app.models import MigrationUnit
from portal.lib.tenancy import tenant_context
from tenants.models import Person
from tests.cast import Cast, group_of, machine_of
from tests.policies import made, terms
from tests.routes import ALSO, PEOPLE, ROUTES, Row
from tests.staff import Staff, staff_create
from tests.tokens import Program, token_expired, token_for

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
_GIVEN = re.compile(r"<\w+:(\w+)>|\(\?P<(\w+)>[^)]*\)")


def addresses(of: list[Any], front: str = "/") -> Iterator[tuple[str, str]]:
    """Return every route's name and address, with its arguments still named."""
    for pattern in of:
        address = front + str(pattern.pattern).lstrip("^").rstrip("$")
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, address)
        else:
            yield str(pattern.name), address


ALL = dict(addresses(get_resolver().url_patterns))
METHODS = ("get", "post", "put", "patch", "delete")


def views(of: list[Any]) -> Iterator[tuple[str, Any]]:
    """Return every route's name and the class that answers it, where it is ours."""
    for pattern in of:
        if isinstance(pattern, URLResolver):
            yield from views(pattern.url_patterns)
        else:
            found = getattr(pattern.callback, "view_class", None) or getattr(pattern.callback, "cls", None)
            if found is not None and not found.__module__.startswith("allauth"):
                yield str(pattern.name), found


TAKEN = {
    f"{name} {method}"
    for name, view in views(get_resolver().url_patterns)
    for method in METHODS
    if hasattr(view, method)
}


@pytest.fixture
def staff(cast: Cast) -> Staff:
    """Petra and Frank."""
    return staff_create()


@pytest.fixture
def known(cast: Cast, staff: Staff) -> dict[str, str]:
    """Acme's objects, by the names that addresses have for them."""
    group = group_of(cast.acme, cast.alice)
    with tenant_context(cast.acme.tenant.id):
        unit = MigrationUnit.objects.get(group=group)
    found = {
        "tenant": cast.acme.tenant.id,
        "organisation": cast.acme.tenant.id,
        "site": cast.acme.site.id,
        "agent": cast.acme.source.id,
        "machine": machine_of(cast.acme, "db01").id,
        "group": group.id,
        "unit": unit.id,
        "policy": made(staff, terms()).id,
        "token": token_for(cast.alice).token.id,
        "ask": "rollback",
        "code": "AGT-02",
        "key": "no-such-key",
        "name": "manifest.json",
        "uidb36": "1",
        "pk": "1",
        "session": "no-such-session",
    }
    return {key: str(value) for key, value in found.items()}


def client_of(name: str) -> Client:
    """Return a client with this person signed in."""
    client = Client(raise_request_exception=False)
    if name != "nobody":
        client.force_login(Person.objects.get(email=f"{name}@example.test"), backend=BACKEND)
    return client


def ask(client: Client, method: str, address: str) -> int:
    """Return the status of a call without content."""
    if method == "post" and address.startswith(("/api/", "/agent/")):
        return client.post(address, {}, content_type="application/json").status_code
    return int(getattr(client, method)(address).status_code)


def answers_of(name: str, known: Mapping[str, str], row: Row) -> tuple[int, ...]:
    """Return what a route answers to each of the cast; what they changed is undone."""
    address = _GIVEN.sub(lambda found: known[found[1] or found[2]], ALL[name])
    answers = []
    for person in PEOPLE:
        cache.clear()  # rate limits
        with transaction.atomic():
            answers.append(ask(client_of(person), row.method, address))
            transaction.set_rollback(True)
    return tuple(answers)


def test_every_route_has_a_row() -> None:
    assert set(ALL) - set(ROUTES) == set()


def test_every_row_has_a_route() -> None:
    assert set(ROUTES) - set(ALL) == set()


def test_every_method_of_a_route_of_ours_has_a_row() -> None:
    told = {f"{name} {row.method}" for name, row in ROUTES.items()} | set(ALSO)

    assert TAKEN - told == set()
    assert set(ALSO) - TAKEN == set()


def test_every_route_answers_as_the_table_says(known: dict[str, str]) -> None:
    told = {name: answers_of(name, known, row) for name, row in ROUTES.items()}

    assert {name: told[name] for name, row in ROUTES.items() if told[name] != row.answers} == {}


def test_every_other_method_answers_as_the_table_says(known: dict[str, str]) -> None:
    told = {name: answers_of(name.partition(" ")[0], known, row) for name, row in ALSO.items()}

    assert {name: told[name] for name, row in ALSO.items() if told[name] != row.answers} == {}


def test_no_call_lets_an_expired_token_in(cast: Cast, known: dict[str, str]) -> None:
    program = Program(token_expired(cast.alice))
    calls = {name: row for name, row in ROUTES.items() if name.startswith("api-")}
    told = {}
    for name, row in calls.items():
        address = _GIVEN.sub(lambda found: known[found[1] or found[2]], ALL[name])
        answer = program.client.generic(
            row.method.upper(), address, content_type="application/json", headers=program.headers
        )
        told[name] = answer.status_code, answer.json()["code"]

    assert set(told.values()) == {(401, "token_expired")}
    assert len(told) > 40
