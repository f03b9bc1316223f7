"""Sessions and bearers: short-lived, by the agent's key, worthless within seconds of a revocation."""

import time
from datetime import timedelta

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from agents.gateway import bearers as bearers_module
from agents.models import Agent
from agents.services import agent_revoke
from portal.lib.tenancy import tenant_context
from tests.cast import Cast
from tests.integration.gateway.callers import Caller
from tests.integration.gateway.conftest import until
from tests.sessions import committed

pytestmark = committed


def revoke(caller: Caller, cast: Cast) -> None:
    """Put the agent out, as Alice does on the page."""
    with tenant_context(caller.tenant_id):
        agent_revoke(agent=caller.row(), actor=cast.alice, now=timezone.now())


def code(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and our code of a refusal."""
    return answer.status_code, answer.json()["code"]


def test_the_bearer_that_enrolment_gave_is_good(caller: Caller) -> None:
    assert caller.heartbeat(1).status_code == 200


def test_the_agent_s_key_gets_it_a_bearer_in_place_of_the_old_one(caller: Caller) -> None:
    old = caller.bearer

    assert caller.session().status_code == 200
    assert caller.heartbeat(1).status_code == 200

    caller.bearer = old
    assert code(caller.heartbeat(2)) == (401, "AGT-03")


def test_a_bearer_lives_a_quarter_of_an_hour(caller: Caller) -> None:
    caller.session()

    lifetime = caller.row().bearer_expires_at - timezone.now()  # type: ignore[operator]

    assert timedelta(minutes=14) < lifetime <= timedelta(minutes=15)


def test_only_the_hash_of_a_bearer_is_kept(caller: Caller) -> None:
    caller.session()

    assert caller.bearer.encode() not in bytes(caller.row().bearer_hash or b"")


def test_a_bearer_that_has_run_out_is_refused(caller: Caller) -> None:
    with tenant_context(caller.tenant_id):
        Agent.objects.filter(id=caller.id).update(bearer_expires_at=timezone.now() - timedelta(seconds=1))

    assert code(caller.heartbeat(1)) == (401, "AGT-03")


def test_whoever_shows_no_good_bearer_is_refused(caller: Caller) -> None:
    shown = ["", "Bearer", "Bearer wrong", f"Basic {caller.bearer}", "Bearer ü", f"Bearer {caller.bearer}x"]

    answers = [
        code(caller.client.get("/agent/v1/commands", headers={b"Authorization": each.encode()}))
        for each in shown
    ]

    assert answers == [(401, "AGT-03")] * len(shown)


def test_another_key_gets_no_session(caller: Caller) -> None:
    assert code(caller.session(key=Ed25519PrivateKey.generate())) == (403, "AGT-04")


def test_a_stranger_s_key_gets_no_session_of_ours(caller: Caller, stranger: Caller) -> None:
    assert code(caller.session(key=stranger.key)) == (403, "AGT-04")


def test_a_session_s_words_cannot_be_used_again(caller: Caller) -> None:
    caller.session(nonce="the same words")

    assert code(caller.session(nonce="the same words")) == (403, "AGT-04")


@pytest.mark.parametrize("off", [-400, 400])
def test_a_clock_that_is_far_off_gets_no_session_and_is_told(caller: Caller, off: int) -> None:
    answer = caller.session(at=time.time() + off)

    assert code(answer) == (403, "CLK-01")
    assert "NTP" in answer.json()["detail"]


@pytest.mark.parametrize("off", [-400, 400])
def test_how_far_a_clock_is_off_is_kept_for_the_page(caller: Caller, off: int) -> None:
    caller.session(at=time.time() + off)

    assert abs(caller.row().clock_skew_ms - off * 1000) < 5000


def test_a_stranger_cannot_spoil_the_clock_of_an_agent(caller: Caller) -> None:
    caller.session(at=time.time() + 4000, key=Ed25519PrivateKey.generate())

    assert caller.row().clock_skew_ms == 0


def test_a_revoked_agent_s_bearer_is_worthless_at_once(caller: Caller, cast: Cast) -> None:
    caller.heartbeat(1)

    revoke(caller, cast)

    until(lambda: caller.heartbeat(2).status_code == 401)


def test_a_revoked_agent_gets_no_session_and_is_told_why(caller: Caller, cast: Cast) -> None:
    revoke(caller, cast)

    assert code(caller.session()) == (403, "AGT-02")


def test_a_revocation_ends_an_open_poll(caller: Caller, cast: Cast) -> None:
    poll = caller.polling()
    until(lambda: caller.client.get("/healthz").json()["waiting"])

    revoke(caller, cast)

    assert code(poll.result(timeout=10)) == (403, "AGT-02")


def test_an_agent_that_calls_too_often_is_told_to_wait(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bearers_module, "RATE", 0.001)

    answers = [caller.heartbeat(number).status_code for number in range(1, 102)]

    assert answers == [200] * 100 + [429]


def test_one_agent_s_haste_is_not_another_s(
    caller: Caller, stranger: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bearers_module, "BURST", 1.0)
    monkeypatch.setattr(bearers_module, "RATE", 0.001)
    caller.heartbeat(1)

    assert code(caller.heartbeat(2)) == (429, "AGT-05")
    assert stranger.heartbeat(1).status_code == 200


def test_an_unknown_agent_is_told_no_more_than_a_wrong_key(client: httpx.Client, caller: Caller) -> None:
    unknown = Caller(caller.tenant_id, caller.tenant_id, caller.key, client)

    assert code(unknown.session()) == (403, "AGT-04")
