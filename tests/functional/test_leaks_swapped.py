"""An id of another tenant, wherever it stands in an address or a body, answers as one that never was."""

import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain, combinations
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from migrations_app.models import MigrationGroup, MigrationUnit
from portal.lib.tenancy import tenant_context
from tenants.domain.roles import Actor
from tests.cast import Cast, House, group_of, machine_of, plan_of
from tests.functional.pages import signed_in
from tests.functional.test_leaks import ALL, METHODS
from tests.tokens import token_for

pytestmark = pytest.mark.django_db
_GIVEN = re.compile(r"<uuid:(\w+)>")
_ASK = re.compile(r"<str:ask>")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
# What differs from answer to answer, whatever is asked: tokens against forgery and for scripts.
_FRESH = re.compile(
    r'(nonce-|nonce="|csrfmiddlewaretoken" value=")[\w=+/-]+|csrftoken=\w+|"value": "[\w]{64}"'
)

Ids = Mapping[str, str]
NAMED = [address for address in ALL if _GIVEN.search(address)]


def ids_of(house: House, actor: Actor, name: str) -> Ids:
    """Return the house's objects by the names that addresses have for them."""
    group = group_of(house, actor, plan=plan_of(house, f"db-{name}", name=f"Wave {name}"))
    with tenant_context(house.tenant.id):
        unit = MigrationUnit.objects.get(group=group)
    found = {
        "tenant": house.tenant.id,
        "organisation": house.tenant.id,
        "site": house.site.id,
        "agent": house.source.id,
        "machine": machine_of(house, f"db-{name}").id,
        "group": group.id,
        "unit": unit.id,
        "policy": house.offer.id,
        "token": token_for(actor).token.id,
    }
    return {key: str(value) for key, value in found.items()}


@pytest.fixture
def theirs(cast: Cast) -> Ids:
    """Acme's objects."""
    return ids_of(cast.acme, cast.alice, "them")


@pytest.fixture
def own(cast: Cast) -> Ids:
    """Globex's objects, which are Charlie's."""
    return ids_of(cast.globex, cast.charlie, "us")


def mixed(address: str) -> Iterator[tuple[str, ...]]:
    """Return every choice of places in the address for ids that are not one's own, one at least."""
    places = _GIVEN.findall(address)
    return chain.from_iterable(combinations(places, size) for size in range(1, len(places) + 1))


def told(client: Client, method: str, path: str, body: Mapping[str, Any]) -> tuple[int, str]:
    """Return the status and the words of an answer, without ids and without what is fresh every time."""
    if path.startswith("/api/"):
        answer = client.generic(method.upper(), path, json.dumps(body), content_type="application/json")
    else:
        answer = getattr(client, method)(path, body if method == "post" else None)
    said = b"".join(answer) if answer.streaming else answer.content
    words = _FRESH.sub("", said.decode(errors="replace"))
    return answer.status_code, _UUID.sub("id", f"{words} {answer.headers.get('Location', '')}")


def asked(address: str, places: tuple[str, ...], others: Ids, own: Ids, ask: str) -> str:
    """Return the address with `others` in `places` and one's own in the rest."""
    given = _GIVEN.sub(lambda found: (others if found[1] in places else own)[found[1]], address)
    return _ASK.sub(ask, given)


@pytest.mark.parametrize("method", METHODS)
def test_in_an_address_another_tenant_s_id_is_as_one_that_never_was(
    own: Ids, theirs: Ids, method: str
) -> None:
    charlie, absent = signed_in("charlie"), {key: str(uuid4()) for key in theirs}
    cases = [(address, places) for address in NAMED for places in mixed(address)]

    answers = {
        (address, places): [
            told(
                charlie,
                method,
                asked(address, places, others, own, "rollback"),
                {"confirmation": "x", **others},
            )
            for others in (theirs, absent)
        ]
        for address, places in cases
    }

    assert {case: pair for case, pair in answers.items() if pair[0] != pair[1]} == {}
    # A form's address that is only looked at leads to its page, which is not there either.
    assert {pair[0][0] for pair in answers.values()} <= {302, 403, 404, 405, 422}
    assert len(cases) > 60


@pytest.mark.parametrize(
    "ask", ["start", "cancel", "pause", "resume", "withdraw", "commit", "retry", "declare-off"]
)
def test_no_request_of_a_page_reaches_another_tenant_s_group(own: Ids, theirs: Ids, ask: str) -> None:
    charlie, absent = signed_in("charlie"), {key: str(uuid4()) for key in theirs}
    pages = [address for address in NAMED if "<str:ask>" in address]

    pairs = [
        [
            told(charlie, "post", asked(page, places, ids, own, ask), {"confirmation": "Wave them"})
            for ids in (theirs, absent)
        ]
        for page, places in ((page, places) for page in pages for places in mixed(page))
    ]

    assert [pair for pair in pairs if pair[0] != pair[1]] == []
    assert {status for status, _ in chain.from_iterable(pairs)} == {404}


def plan_with(own: Ids, house: House, **changes: object) -> dict[str, Any]:
    """Return a plan of one's own machine, with something in it that is not."""
    usual = {
        "name": "New wave",
        "offer": str(house.offer.id),
        "datastore": "ds-9",
        "network_map": {"net-1": "net-9"},
        "machines": [{"machine": own["machine"]}],
    }
    return {**usual, **changes}


@pytest.mark.parametrize("method", ["post", "put"])
@pytest.mark.parametrize("field", ["offer", "machines"])
def test_in_a_plan_another_tenant_s_id_is_as_one_that_never_was(
    cast: Cast, own: Ids, theirs: Ids, method: str, field: str
) -> None:
    charlie, path = (
        signed_in("charlie"),
        {"post": "/api/v1/groups/", "put": f"/api/v1/groups/{own['group']}/"},
    )
    others = {"offer": str(cast.acme.offer.id), "machines": [{"machine": theirs["machine"]}]}
    nobody = {"offer": str(uuid4()), "machines": [{"machine": str(uuid4())}]}

    pair = [
        told(charlie, method, path[method], plan_with(own, cast.globex, **{field: ids[field]}))
        for ids in (others, nobody)
    ]

    assert pair[0] == pair[1]
    assert pair[0][0] == 422
    with tenant_context(cast.globex.tenant.id):
        assert MigrationGroup.objects.count() == 1


def test_in_a_boot_order_another_tenant_s_machine_is_as_one_that_never_was(own: Ids, theirs: Ids) -> None:
    charlie, absent = signed_in("charlie"), str(uuid4())

    pair = [
        told(
            charlie,
            "put",
            f"/api/v1/groups/{own['group']}/tiers/",
            {"tiers": [{"number": 1}], "units": [{"unit": unit, "tier": 9}]},
        )
        for unit in (theirs["unit"], absent)
    ]

    assert pair[0] == pair[1]


@pytest.mark.parametrize("method", METHODS)
def test_an_organisation_that_is_not_one_s_own_cannot_be_named_in_the_header(
    own: Ids, theirs: Ids, method: str
) -> None:
    calls = [address for address in ALL if address.startswith("/api/")]
    clients = [charlie_of(organisation) for organisation in (theirs["tenant"], str(uuid4()))]

    answers = {
        address: [told(charlie, method, asked(address, (), theirs, own, ""), {}) for charlie in clients]
        for address in calls
    }

    assert {address: pair for address, pair in answers.items() if pair[0] != pair[1]} == {}
    assert {status for status, _ in chain.from_iterable(answers.values())} == {404}


def charlie_of(organisation: str) -> Client:
    """Return Charlie's client, who names this organisation."""
    client = signed_in("charlie")
    client.defaults["HTTP_LANDFALL_ORGANISATION"] = organisation
    return client
