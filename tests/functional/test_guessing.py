"""Sign-in under attack: strangers are slowed down, no owner is locked out of a known device (bar 8)."""

import logging
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any
from urllib.parse import urlencode
from wsgiref.util import setup_testing_defaults

import pytest
from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt, AccessLog
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.handlers.wsgi import WSGIHandler
from django.test import Client
from pytest_django.fixtures import Settings

from tenants.interfaces.devices import COOKIE
from tests.cast import Cast
from tests.functional.pages import text
from tests.passwords import LOGIN, PASSWORD, password_give, sign_in, signed_in_by_password
from tests.sessions import committed

pytestmark = committed
AT_ONE, AT_MANY = 8_000, 2_000
PORTAL = WSGIHandler()
WRONG = "not that one"
HOME = "198.51.100.9"


@pytest.fixture(autouse=True)
def uncounted(settings: Settings) -> Iterator[None]:
    """Nobody has tried anything yet; hashes cost nothing, and nobody reads what is logged of each try."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    logging.disable()
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def owner(cast: Cast) -> Client:
    """Alice's own browser, which she has signed in with before."""
    password_give("alice")
    client = signed_in_by_password("alice")
    client.post("/accounts/logout/")
    return client


def stranger(at: int) -> str:
    """Return one of a thousand addresses."""
    return f"203.0.{at % 1000 // 250}.{at % 250 + 1}"


def guess(at: int, account: str = "alice@example.test") -> int:
    """Return the status of one guess from one of many addresses, as the server's own program answers it."""
    token = "a" * 32
    body = urlencode({"login": account, "password": f"guess-{at}", "csrfmiddlewaretoken": token}).encode()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": LOGIN,
        "REMOTE_ADDR": stranger(at),
        "CONTENT_TYPE": "application/x-www-form-urlencoded",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_COOKIE": f"landfall_csrf={token}",
        "wsgi.input": BytesIO(body),
    }
    setup_testing_defaults(environ)
    told: list[int] = []

    def begin(status: str, _headers: object, _fault: object = None, /) -> Callable[[bytes], object]:
        told.append(int(status.split()[0]))
        return bytes

    PORTAL(environ, begin)
    return told[0]


def lets_in(answer: Any) -> bool:
    """Return whether the answer lets somebody in."""
    return bool(answer.status_code == 302)


def test_ten_thousand_guesses_lock_no_owner_out(cast: Cast, owner: Client) -> None:
    sessions = Session.objects.count()

    at_one = [guess(at) for at in range(AT_ONE)]
    at_many = [guess(at, f"nobody-{at}@example.test") for at in range(AT_MANY)]
    new_device, known_device = sign_in(Client(), "alice"), sign_in(owner, "alice")

    assert (at_one.count(200), at_one.count(429)) == (20, AT_ONE - 20)
    assert set(at_many) == {200}
    assert (new_device.status_code, lets_in(known_device)) == (429, True)
    # Nothing is left behind but counts that end by themselves.
    assert AccessAttempt.objects.count() + AccessLog.objects.count() == 0
    assert Session.objects.count() <= sessions + 1


def test_a_guesser_at_the_owner_s_own_address_does_not_hold_them_up(owner: Client) -> None:
    attacker = Client()
    for _ in range(70):
        answer = sign_in(attacker, "alice", WRONG, REMOTE_ADDR=HOME)

    assert answer.status_code == 429
    assert lets_in(sign_in(owner, "alice", REMOTE_ADDR=HOME))


def test_an_address_is_slowed_over_all_accounts(cast: Cast) -> None:
    client = Client()

    answers = [
        client.post(LOGIN, {"login": f"nobody-{at}@example.test", "password": WRONG}) for at in range(61)
    ]

    assert [answer.status_code for answer in answers[-2:]] == [200, 429]
    assert answers[-1]["Retry-After"] == "60"


def test_a_network_of_ipv6_is_one_address(cast: Cast) -> None:
    client = Client()

    answers = [
        client.post(
            LOGIN,
            {"login": f"nobody-{at}@example.test", "password": WRONG},
            REMOTE_ADDR=f"2001:db8:1:2:{at:x}::1",
        ).status_code
        for at in range(61)
    ]

    assert answers[-2:] == [200, 429]


def test_a_known_device_has_ten_tries_of_its_own(owner: Client) -> None:
    answers = [sign_in(owner, "alice", WRONG).status_code for _ in range(11)]

    assert answers == [200] * 10 + [429]
    assert "Wait 15 minutes" in text(sign_in(owner, "alice"))


def test_a_known_device_s_tries_begin_anew_with_the_right_password(owner: Client) -> None:
    for _ in range(9):
        sign_in(owner, "alice", WRONG)
    sign_in(owner, "alice")
    owner.post("/accounts/logout/")

    assert [sign_in(owner, "alice", WRONG).status_code for _ in range(2)] == [200, 200]


def test_the_right_password_of_somebody_new_costs_no_try(cast: Cast) -> None:
    password_give("alice")

    assert all(lets_in(sign_in(Client(), "alice", REMOTE_ADDR=stranger(at))) for at in range(25))


def test_a_device_is_known_to_its_own_account_alone(owner: Client) -> None:
    password_give("bob")
    for at in range(25):
        guess(at, "bob@example.test")

    assert sign_in(owner, "bob").status_code == 429


@pytest.mark.parametrize("cookie", ["", "x", "e30:1:forged", "e30:1tP4tb:" + "A" * 43])
def test_a_forged_cookie_makes_no_device_known(owner: Client, cookie: str) -> None:
    forger = Client()
    for at in range(25):
        guess(at)
    forger.cookies[COOKIE] = cookie

    assert sign_in(forger, "alice").status_code == 429


def test_the_cookie_tells_nobody_whose_it_is(owner: Client) -> None:
    cookie = owner.cookies[COOKIE]

    assert "alice" not in cookie.value
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 400 * 24 * 3600)


def test_half_a_sign_in_makes_no_device_known(cast: Cast) -> None:
    person = password_give("alice")
    Authenticator.objects.create(user=person, type="totp", data={"secret": "unread"})
    client = Client()

    half = sign_in(client, "alice")

    assert half["Location"] == "/accounts/login/second/"
    assert COOKIE not in client.cookies


def test_a_session_that_confirms_has_ten_tries(cast: Cast, owner: Client) -> None:
    sign_in(owner, "alice")

    answers = [
        owner.post("/accounts/security/confirm/", {"password": WRONG, "next": "/accounts/security/"})
        for _ in range(11)
    ]

    assert answers[-1].status_code == 429


def test_the_password_that_is_right_still_lets_in_nobody_who_was_too_often_wrong(cast: Cast) -> None:
    password_give("alice")
    for at in range(25):
        guess(at)

    assert Client().post(LOGIN, {"login": "ALICE@example.test ", "password": PASSWORD}).status_code == 429
