"""A second factor: set up, asked for, required; and where it is kept."""

import json
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client

from portal.lib import atrest
from portal.lib.tenancy import tenant_context
from tenants.domain.roles import Right
from tenants.models import Tenant
from tests.cast import Cast
from tests.functional.pages import signed_in, text
from tests.passwords import (
    PASSWORD,
    app_add,
    code_now,
    confirm,
    password_give,
    sign_in,
    signed_in_by_password,
)
from tests.sessions import committed
from tests.staff import Staff, staff_create
from tests.tokens import Program, token_for

pytestmark = committed
SECURITY = "/accounts/security/"


@pytest.fixture(autouse=True)
def uncounted() -> None:
    """Nobody has tried anything yet."""
    cache.clear()


@pytest.fixture
def alice(cast: Cast) -> Client:
    """Alice, signed in by her password."""
    password_give("alice")
    return signed_in_by_password("alice")


@pytest.fixture
def home(cast: Cast) -> str:
    """Acme's home."""
    return f"/t/{cast.acme.tenant.id}/"


def requires(cast: Cast) -> None:
    """Let Acme ask for a second factor."""
    with tenant_context(cast.acme.tenant.id):
        Tenant.objects.filter(id=cast.acme.tenant.id).update(second_factor_required=True)


def codes_of(client: Client) -> list[str]:
    """Return the recovery codes as they are shown, once."""
    return list(client.get("/accounts/security/codes/").context["unused_codes"])


def fresh_code(secret: str) -> str:
    """Return the app's code as if its time had come anew: one counts once."""
    cache.clear()
    return code_now(secret)


def test_who_changes_factors_confirms_first_that_it_is_them(alice: Client) -> None:
    asked = alice.get("/accounts/security/app/")

    assert asked.status_code == 302
    assert asked["Location"].startswith("/accounts/security/confirm/")


def test_with_an_app_the_password_alone_does_not_let_in(alice: Client, home: str) -> None:
    secret = app_add(alice)
    client = Client()

    half = sign_in(client, "alice")
    before = client.get(home).status_code
    whole = client.post(half["Location"], {"code": fresh_code(secret)})

    assert (half["Location"], before, whole.status_code) == ("/accounts/login/second/", 302, 302)
    assert client.get(home).status_code == 200


def test_a_code_counts_once(alice: Client) -> None:
    secret = app_add(alice)
    code = fresh_code(secret)
    first, second = Client(), Client()
    sign_in(first, "alice"), sign_in(second, "alice")

    first.post("/accounts/login/second/", {"code": code})
    again = second.post("/accounts/login/second/", {"code": code})

    assert "Incorrect code." in text(again)


def test_a_recovery_code_lets_in_once(alice: Client, home: str) -> None:
    app_add(alice)
    code = codes_of(alice)[0]
    first, second = Client(), Client()
    sign_in(first, "alice"), sign_in(second, "alice")

    first.post("/accounts/login/second/", {"code": code})
    again = second.post("/accounts/login/second/", {"code": code})

    assert first.get(home).status_code == 200
    assert "Incorrect code." in text(again)


def test_recovery_codes_are_shown_once(alice: Client) -> None:
    app_add(alice)

    first, again = codes_of(alice), codes_of(alice)

    assert len(set(first)) == 10
    assert set(again) == {"****"}


def test_the_first_factor_ends_sessions_that_were_begun_without(alice: Client, home: str) -> None:
    elsewhere = signed_in_by_password("alice")

    app_add(alice)

    assert (alice.get(home).status_code, elsewhere.get(home).status_code) == (200, 302)


def test_with_a_factor_one_confirms_by_it_and_not_by_the_password(alice: Client) -> None:
    secret = app_add(alice)
    client = Client()
    sign_in(client, "alice")
    client.post("/accounts/login/second/", {"code": fresh_code(secret)})

    confirm(client, SECURITY)
    by_password = client.get("/accounts/security/app/remove/")
    client.post("/accounts/security/confirm/code/", {"code": fresh_code(secret), "next": SECURITY})

    assert by_password["Location"].startswith("/accounts/security/confirm/code/")
    assert client.post("/accounts/security/app/remove/")["Location"] == SECURITY
    assert not Authenticator.objects.exists()


def test_who_tries_codes_is_stopped_and_the_known_device_is_not(alice: Client, home: str) -> None:
    secret = app_add(alice)
    own = Client()
    own.cookies = alice.cookies
    own.cookies.pop("landfall_session")
    stranger = Client()
    sign_in(stranger, "alice")
    for _ in range(11):
        answer = stranger.post("/accounts/login/second/", {"code": "000000"})

    refused = stranger.post("/accounts/login/second/", {"code": code_now(secret)})
    sign_in(own, "alice")
    own.post("/accounts/login/second/", {"code": code_now(secret)})

    assert "Too many failed login attempts." in text(answer)
    assert "Too many failed login attempts." in text(refused)
    assert own.get(home).status_code == 200


def test_a_secret_is_encrypted_where_it_is_kept(alice: Client) -> None:
    secret = app_add(alice)

    kept = json.dumps(list(Authenticator.objects.values_list("data", flat=True)))

    assert secret not in kept
    assert secret in [atrest.decrypt(data["secret"]) for data in _of_apps()]


def test_the_key_changes_and_secrets_stay_good(alice: Client) -> None:
    secret = app_add(alice)
    before = _of_apps()[0]["secret"]

    call_command("storage_rekey", "--add")
    call_command("storage_rekey", "--drop")

    assert _of_apps()[0]["secret"] != before
    assert atrest.decrypt(_of_apps()[0]["secret"]) == secret
    with pytest.raises(atrest.Unreadable):
        atrest.decrypt(before)


def test_who_lost_everything_is_helped_by_who_runs_the_portal(alice: Client, home: str) -> None:
    app_add(alice)

    call_command("second_factor_remove", "alice@example.test")

    assert alice.get(home).status_code == 302
    assert signed_in_by_password("alice").get(home).status_code == 200


def _of_apps() -> list[dict[str, Any]]:
    return list(Authenticator.objects.filter(type="totp").values_list("data", flat=True))


@pytest.mark.parametrize("page", ["", "sites/", "machines/csv", "tokens/"])
def test_where_it_is_required_who_has_none_is_led_to_set_one_up(cast: Cast, home: str, page: str) -> None:
    requires(cast)

    answer = signed_in("bob").get(home + page, follow=True)

    assert answer.redirect_chain == [(SECURITY, 302)]
    assert "Acme asks for a second factor." in text(answer)


def test_where_it_is_required_the_api_says_so(cast: Cast) -> None:
    requires(cast)

    refused = signed_in("bob").get("/api/v1/sites/")

    assert (refused.status_code, refused.json()["code"]) == (403, "second_factor_needed")


def test_where_it_is_required_no_stream_is_opened(cast: Cast) -> None:
    requires(cast)

    assert signed_in("bob").get("/live/token", {"tenant": str(cast.acme.tenant.id)}).status_code == 404


def test_who_has_one_goes_on(cast: Cast, alice: Client, home: str) -> None:
    app_add(alice)
    requires(cast)

    assert (alice.get(home).status_code, alice.get("/api/v1/sites/").status_code) == (200, 200)


def test_tokens_go_on(cast: Cast) -> None:
    program = Program(token_for(cast.bob))
    requires(cast)

    assert program.get("sites/").status_code == 200


def test_another_organisation_does_not_ask(cast: Cast) -> None:
    requires(cast)

    assert signed_in("charlie").get(f"/t/{cast.globex.tenant.id}/").status_code == 200


def test_an_owner_requires_it_and_lets_go(cast: Cast, home: str) -> None:
    alice = signed_in("alice")

    alice.post(home + "sign-in", {"required": "yes"})
    required = signed_in("bob").get(home).status_code
    Authenticator.objects.create(user_id=cast.alice.user_id, type="totp", data={"secret": "x"})
    alice.post(home + "sign-in", {"required": "no"})

    assert (required, signed_in("bob").get(home).status_code) == (302, 200)


def test_the_page_tells_who_has_none_yet(cast: Cast, home: str) -> None:
    said = text(signed_in("alice").get(home + "sign-in"))

    assert "0 of 2 people have one." in said
    assert "Not yet: alice@example.test, bob@example.test." in said


def test_the_provider_s_administrator_requires_it_of_a_tenant(cast: Cast, home: str) -> None:
    staff_create()

    answer = signed_in("petra").post(
        f"/provider/tenants/{cast.acme.tenant.id}/sign-in", {"required": "yes"}, follow=True
    )

    assert "Everybody of Acme needs a second factor from now on." in text(answer)
    assert signed_in("alice").get(home).status_code == 302


def test_the_provider_requires_it_of_its_own_people(cast: Cast) -> None:
    staff: Staff = staff_create()
    signed_in("petra").post(f"/t/{staff.tenant_id}/sign-in", {"required": "yes"})

    answers = [signed_in("frank").get(path)["Location"] for path in ("/provider/", "/provider/usage/csv")]

    assert answers == [SECURITY, SECURITY]
    assert signed_in("frank").get("/api/v1/tenants/").json()["code"] == "second_factor_needed"


def test_the_api_tells_and_changes_the_rule(cast: Cast) -> None:
    alice = signed_in("alice")
    told = alice.get("/api/v1/sign-in-rules/").json()

    alice.put("/api/v1/sign-in-rules/", {"second_factor_required": True}, content_type="application/json")

    assert told == {"second_factor_required": False}
    assert alice.get("/api/v1/sites/").status_code == 403


def test_no_token_changes_the_rule(cast: Cast) -> None:
    program = Program(token_for(cast.alice, *(cast.alice.rights - {Right.MANAGE_PEOPLE})))

    answer = program.client.put(
        "/api/v1/sign-in-rules/",
        {"second_factor_required": True},
        content_type="application/json",
        headers=program.headers,
    )

    assert answer.status_code == 403


def test_a_wrong_password_confirms_nothing(alice: Client) -> None:
    answer = alice.post("/accounts/security/confirm/", {"password": PASSWORD + "?", "next": SECURITY})

    assert answer.status_code == 200
    assert alice.get("/accounts/security/app/").status_code == 302
