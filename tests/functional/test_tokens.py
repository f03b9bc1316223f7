"""API tokens: made by people, shown by programs, never more than their makers."""

from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from portal.lib.tenancy import tenant_context
from tenants.domain.roles import Actor, Right, Role
from tenants.domain.tokens import MOST_PER_PERSON, TokenNotAllowed
from tenants.models import ApiToken, Membership, Person
from tenants.services import token_make, token_revoke
from tests.cast import Cast
from tests.functional.pages import signed_in, text
from tests.sessions import committed
from tests.staff import Staff, staff_create
from tests.tokens import Program, token_expired, token_for, token_kept

pytestmark = committed
PASSWORD = "a long enough secret"  # noqa: S105  for this test's own database


@pytest.fixture
def staff(cast: Cast) -> Staff:
    """Petra and Frank."""
    return staff_create()


def page(cast: Cast, rest: str = "") -> str:
    """Return a page of Acme's tokens."""
    return f"/t/{cast.acme.tenant.id}/tokens/{rest}"


def form(*rights: Right, name: str = "Nightly", days: int = 30) -> dict[str, Any]:
    """Return what a person types to make one."""
    return {"name": name, "days": days, "rights": [right.value for right in rights]}


def role_become(actor: Actor, role: Role | None) -> None:
    """Give a member another role, or put them out."""
    with tenant_context(actor.tenant_id):
        held = Membership.objects.filter(user_id=actor.user_id)
        held.update(role=role.value) if role else held.delete()


def test_a_token_is_shown_once_and_kept_as_a_hash(cast: Cast) -> None:
    alice = signed_in("alice")

    made = alice.post(page(cast), form(Right.OPERATE))

    token = made.context["made"].text
    assert token in text(made)
    assert made["Cache-Control"] == "no-store"
    assert token not in alice.get(page(cast)).content.decode()
    kept = token_kept(made.context["made"])
    assert (kept.hash, kept.rights) == (sha256(token[20:].encode()).hexdigest(), ["operate", "view"])
    assert token[20:] not in str(vars(kept))


def test_a_program_is_let_in_by_it_without_a_session(cast: Cast) -> None:
    program = Program(token_for(cast.alice, Right.MANAGE_SITES))

    made = program.post("sites/", {"name": "Lyon"})

    assert (made.status_code, made.json()["name"]) == (201, "Lyon")
    assert not made.cookies
    assert program.get("me/").json()["email"] == "alice@example.test"


def test_it_does_no_more_than_it_was_given(cast: Cast) -> None:
    refused = Program(token_for(cast.alice)).post("sites/", {"name": "Lyon"})

    assert (refused.status_code, refused.json()["code"]) == (403, "right_missing")
    assert refused.json()["why"] == "The token by which you ask does not have this right."


def test_it_shrinks_with_its_maker(cast: Cast) -> None:
    program = Program(token_for(cast.alice, Right.MANAGE_SITES))
    role_become(cast.alice, Role.VIEWER)

    answers = program.get("sites/"), program.post("sites/", {"name": "Lyon"})

    assert [answer.status_code for answer in answers] == [200, 403]


def test_it_dies_when_its_maker_leaves(cast: Cast) -> None:
    program = Program(token_for(cast.alice))
    role_become(cast.alice, None)

    refused = program.get("sites/")

    assert (refused.status_code, refused.json()["code"]) == (401, "token_invalid")
    assert refused.json()["why"] == "Who made its token is no member any more."


def test_it_dies_when_its_maker_s_account_is_closed(cast: Cast) -> None:
    program = Program(token_for(cast.alice))
    Person.objects.filter(pk=cast.alice.user_id).update(is_active=False)

    assert program.get("sites/").json()["code"] == "token_invalid"


def test_an_expired_one_says_so(cast: Cast) -> None:
    refused = Program(token_expired(cast.alice)).get("sites/")

    assert (refused.status_code, refused.json()["code"]) == (401, "token_expired")


def test_a_revoked_one_says_so(cast: Cast) -> None:
    made = token_for(cast.alice)
    program = Program(made)

    signed_in("alice").post(page(cast, f"{made.token.id}/revoke"))

    assert (program.get("sites/").status_code, program.get("sites/").json()["code"]) == (401, "token_revoked")


@pytest.mark.parametrize("shown", ["", "lf_", "ghp_" + "a" * 36, "lf_{id}_" + "A" * 43, "{text}x", "{other}"])
def test_another_text_is_none_and_learns_nothing(cast: Cast, shown: str) -> None:
    made = token_expired(cast.alice)  # of which a stranger does not learn even that
    other = f"lf_{'0' * 16}_{made.text[20:]}"

    refused = Program(shown.format(id=made.token.public_id, text=made.text, other=other)).get("sites/")

    assert (refused.status_code, refused.json()["code"]) == (401, "token_invalid")
    assert refused.json()["why"] == "It shows a token that is not known here."


def test_a_bad_token_is_not_made_good_by_a_session(cast: Cast) -> None:
    answer = signed_in("alice").get("/api/v1/sites/", headers={"Authorization": "Bearer lf_no"})

    assert answer.status_code == 401


def test_it_is_for_its_own_organisation(cast: Cast) -> None:
    made = token_for(cast.alice)
    own, other = str(cast.acme.tenant.id), str(cast.globex.tenant.id)

    answers = [Program(made, **{"Landfall-Organisation": name}).get("sites/") for name in (own, other)]

    assert [answer.status_code for answer in answers] == [200, 404]


def test_it_opens_no_page(cast: Cast) -> None:
    program = Program(token_for(cast.alice))

    answer = program.client.get(page(cast), headers=program.headers)

    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/accounts/login/")


def test_it_makes_and_revokes_no_token(cast: Cast) -> None:
    made = token_for(cast.alice, *(cast.alice.rights - {Right.MANAGE_PEOPLE}))
    program = Program(made)

    answers = [
        program.get("tokens/"),
        program.post("tokens/", form()),
        program.post(f"tokens/{made.token.id}/revoke/", {}),
    ]

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(403, "token_not_allowed")}


@pytest.mark.django_db
def test_the_services_refuse_a_token_as_well(cast: Cast) -> None:
    by_token = Actor(cast.alice.user_id, cast.alice.tenant_id, Role.OWNER, only=frozenset({Right.VIEW}))
    made = token_for(cast.alice)

    with tenant_context(cast.acme.tenant.id):
        with pytest.raises(TokenNotAllowed):
            token_make(actor=by_token, name="Another", rights=[], days=7, now=timezone.now())
        with pytest.raises(TokenNotAllowed):
            token_revoke(token_id=made.token.id, actor=by_token, now=timezone.now())


@pytest.mark.parametrize("right", [Right.MANAGE_PEOPLE, Right.PROVIDER_MANAGE])
def test_nobody_gives_what_no_token_or_they_may_not_have(cast: Cast, right: Right) -> None:
    refused = signed_in("alice").post(page(cast), form(right))

    assert f"You cannot give it {right}." in text(refused)
    assert refused.context["refusal"].code == "token_unfit"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": ""}, "A name has between 1 and 200 characters."),
        ({"days": 3650}, "A token lives for one of 7, 30, 90, 365 days."),
        ({"days": "for ever"}, "A token lives for one of 7, 30, 90, 365 days."),
    ],
)
def test_a_token_needs_a_name_and_an_end(cast: Cast, typed: dict[str, Any], said: str) -> None:
    assert said in text(signed_in("alice").post(page(cast), {**form(), **typed}))


def test_nobody_heaps_them_up(cast: Cast) -> None:
    now = timezone.now()
    with tenant_context(cast.acme.tenant.id):
        ApiToken.objects.bulk_create(
            ApiToken(
                tenant_id=cast.acme.tenant.id,
                user_id=cast.bob.user_id,
                name=f"Token {at}",
                rights=["view"],
                public_id=uuid4().hex[:16],
                created_at=now,
                expires_at=now + timedelta(days=7),
            )
            for at in range(MOST_PER_PERSON)
        )

    assert signed_in("bob").post(page(cast), form()).context["refusal"].code == "tokens_too_many"


def test_that_it_is_used_is_written_once_a_minute(cast: Cast) -> None:
    made = token_for(cast.alice)
    program = Program(made)

    program.get("sites/")
    first = token_kept(made).last_used_at
    program.get("sites/")

    assert first is not None
    assert token_kept(made).last_used_at == first
    assert token_kept(made).last_address == "127.0.0.1"


def test_use_of_a_minute_ago_is_written_anew(cast: Cast) -> None:
    made = token_for(cast.alice)
    before = timezone.now() - timedelta(minutes=2)
    with tenant_context(cast.acme.tenant.id):
        ApiToken.objects.update(last_used_at=before)

    Program(made).get("sites/")

    used = token_kept(made).last_used_at
    assert used is not None
    assert used > before + timedelta(minutes=1)


def test_a_viewer_sees_their_own_alone(cast: Cast) -> None:
    token_for(cast.alice), token_for(cast.bob)

    seen = signed_in("bob").get(page(cast)).context["tokens"]

    assert [token["row"].user.email for token in seen] == ["bob@example.test"]


def test_an_owner_sees_and_revokes_those_of_all(cast: Cast) -> None:
    bobs = token_for(cast.bob)
    alice = signed_in("alice")

    alice.post(page(cast, f"{bobs.token.id}/revoke"))

    assert [token["state"] for token in alice.get(page(cast)).context["tokens"]] == ["revoked"]


def test_another_s_token_is_not_there_to_a_viewer(cast: Cast) -> None:
    made = token_for(cast.alice)

    assert signed_in("bob").post(page(cast, f"{made.token.id}/revoke")).status_code == 404
    assert token_kept(made).revoked_at is None


def test_tokens_are_found_by_name_and_exported(cast: Cast) -> None:
    token_for(cast.alice, Right.VIEW_MONEY)

    file = signed_in("alice").get(page(cast, "csv")).content.decode()

    assert 'Nightly,alice@example.test,"view, view money",open' in file
    assert "No token has “zzz” in its name." in text(signed_in("alice").get(page(cast), {"q": "zzz"}))


def test_the_provider_s_people_have_tokens_for_all_tenants(cast: Cast, staff: Staff) -> None:
    petra = Actor(staff.petra.pk, staff.tenant_id, Role.PROVIDER_ADMIN)
    program = Program(token_for(petra, Right.PROVIDER_VIEW))

    seen = program.get("tenants/")
    refused = program.post("tenants/", {"name": "Zephyr", "owner_email": "zoe@zephyr.test"})

    assert [tenant["name"] for tenant in seen.json()["results"]] == ["Acme", "Globex"]
    assert refused.status_code == 403


def test_a_tenant_s_token_reaches_nothing_of_the_provider(cast: Cast, staff: Staff) -> None:
    assert Program(token_for(cast.alice)).get("tenants/").status_code == 404


@pytest.fixture
def secretive(cast: Cast) -> Client:
    """Alice, who has signed in by a password."""
    person = Person.objects.get(email="alice@example.test")
    person.set_password(PASSWORD)
    person.save(update_fields=["password"])
    client = Client()
    client.post("/accounts/login/", {"login": person.email, "password": PASSWORD})
    return client


def test_who_makes_one_confirms_first_that_it_is_them(cast: Cast, secretive: Client) -> None:
    asked = secretive.post(page(cast), form())

    made = secretive.post(asked["Location"], {"password": PASSWORD, "next": page(cast)})

    assert asked["Location"].startswith("/accounts/security/confirm/")
    assert made.context["made"].token.name == "Nightly"


def test_a_program_with_a_session_is_told_to_confirm(cast: Cast, secretive: Client) -> None:
    refused = secretive.post("/api/v1/tokens/", form(), content_type="application/json")

    assert (refused.status_code, refused.json()["code"]) == (403, "confirmation_needed")


def test_the_api_makes_and_revokes_one(cast: Cast) -> None:
    alice = signed_in("alice")

    made = alice.post("/api/v1/tokens/", form(Right.OPERATE), content_type="application/json").json()
    let_in = Program(made["token"]).get("me/").status_code
    alice.post(f"/api/v1/tokens/{made['id']}/revoke/")

    listed = alice.get("/api/v1/tokens/").json()["results"]
    assert (let_in, Program(made["token"]).get("me/").status_code) == (200, 401)
    assert [(one["id"], one["rights"], "token" in one) for one in listed] == [
        (made["id"], ["operate", "view"], False)
    ]
