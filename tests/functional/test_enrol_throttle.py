"""Guessing install keys is slowed by address, whatever the client says that its address is."""

import base64
from typing import Any
from unittest.mock import ANY

import pytest
from django.test import Client, override_settings
from django.utils import timezone

from agents.services import enrolment_create
from portal.lib.tenancy import tenant_context
from tests.cast import Cast

GUESSES = 3


@pytest.fixture(autouse=True)
def rate(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few guesses, so that a test needs few."""
    monkeypatch.setattr("agents.api.enrol.EnrolThrottle.rate", f"{GUESSES}/min")


def key_of(cast: Cast) -> str:
    """Return a one-off key for Acme's site."""
    with tenant_context(cast.acme.tenant.id):
        return enrolment_create(site=cast.acme.site, actor=cast.alice, now=timezone.now())[1]


def enrol(address: str, token: str = "enr_guess", *, forwarded: str = "") -> Any:  # noqa: S107
    """Return what an agent at `address` is answered."""
    key = base64.b64encode(token[-32:].rjust(32).encode()).decode()
    body = {"token": token, "duties": ["host"], "signing_key": key, "sealing_key": key}
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    client = Client(REMOTE_ADDR=address)
    return client.post("/agent/v1/enrol", body, content_type="application/json", headers=headers)


@pytest.mark.parametrize(
    ("proxy", "address", "forwarded"),
    [
        (None, "192.0.2.21", "10.0.0.{at}"),
        (("HTTP_X_FORWARDED_PROTO", "https"), "127.0.0.1", "10.0.0.{at}, 192.0.2.22"),
    ],
    ids=["direct", "behind our proxy"],
)
def test_no_header_makes_another_of_a_guesser(
    cast: Cast, proxy: tuple[str, str] | None, address: str, forwarded: str
) -> None:
    with override_settings(SECURE_PROXY_SSL_HEADER=proxy):
        answers = [enrol(address, forwarded=forwarded.format(at=at)) for at in range(GUESSES + 1)]

    assert [answer.status_code for answer in answers] == [403, 403, 403, 429]


def test_who_guesses_too_often_is_told_for_how_long(cast: Cast) -> None:
    answer = [enrol("192.0.2.23") for _ in range(GUESSES + 1)][-1]

    assert answer.json() == {
        "type": "/e/throttled",
        "title": "Too Many Requests",
        "status": 429,
        "code": "throttled",
        "detail": ANY,
    }
    assert 0 < int(answer["Retry-After"]) <= 60
    assert f"in {answer['Retry-After']} seconds" in answer.json()["detail"]
    assert Client().get("/e/throttled").status_code == 200


def test_many_hosts_behind_one_address_come_in_at_once(cast: Cast) -> None:
    answers = [enrol("192.0.2.24", key_of(cast)) for _ in range(GUESSES + 2)]

    assert {answer.status_code for answer in answers} == {200}
