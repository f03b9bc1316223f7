"""Heartbeats: stored in batches, the newest of each agent, and none spoils another's."""

import time

import pytest

from agents.domain.agent import AgentState, Health, health
from tests.integration.gateway.callers import Caller
from tests.integration.gateway.conftest import until
from tests.sessions import committed

pytestmark = committed


def test_a_heartbeat_says_that_the_agent_lives(caller: Caller) -> None:
    answer = caller.heartbeat(1, version="9.9.9", address="10.0.0.7:7000", capabilities={"engines": ["qsd"]})
    until(lambda: caller.row().heartbeat_number == 1)

    row = caller.row()
    assert abs(answer.json()["now"] - time.time()) < 5
    assert (row.version, row.address, row.capabilities) == ("9.9.9", "10.0.0.7:7000", {"engines": ["qsd"]})
    assert row.last_seen_at is not None
    assert (
        health(state=AgentState.ENROLLED, last_seen_at=row.last_seen_at, now=row.last_seen_at)
        is Health.HEALTHY
    )


@pytest.mark.parametrize("off", [-90, 90])
def test_a_heartbeat_tells_how_far_the_agent_s_clock_is_off(caller: Caller, off: int) -> None:
    caller.heartbeat(1, at=int(time.time()) + off)
    until(lambda: caller.row().heartbeat_number == 1)

    assert abs(caller.row().clock_skew_ms - off * 1000) < 3000


def test_a_late_heartbeat_undoes_no_newer_one(caller: Caller) -> None:
    caller.heartbeat(5, version="new")
    until(lambda: caller.row().heartbeat_number == 5)

    caller.heartbeat(4, version="old")
    caller.heartbeat(6, version="newest")
    until(lambda: caller.row().heartbeat_number == 6)

    assert caller.row().version == "newest"


def test_of_two_heartbeats_between_two_flushes_the_newer_one_counts(caller: Caller) -> None:
    caller.heartbeat(3, version="new")
    caller.heartbeat(2, version="old")
    until(lambda: caller.row().heartbeat_number > 0)

    assert (caller.row().heartbeat_number, caller.row().version) == (3, "new")


def test_a_malformed_heartbeat_is_refused_and_spoils_nothing(caller: Caller, stranger: Caller) -> None:
    refused = caller.heartbeat(1, capabilities=["not", "named"])
    stranger.heartbeat(1)

    until(lambda: stranger.row().heartbeat_number == 1)
    assert (refused.status_code, refused.json()["code"]) == (400, "AGT-07")
    assert caller.row().heartbeat_number == 0


def test_a_heartbeat_that_the_database_refuses_takes_no_other_along(
    caller: Caller, stranger: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.gateway.calls.NUL", b"something that never comes")

    caller.heartbeat(1, version="\x00")
    stranger.heartbeat(1)

    until(lambda: stranger.row().heartbeat_number == 1)
    assert caller.heartbeat(2).status_code == 200
    until(lambda: caller.row().heartbeat_number == 2)


def test_a_huge_heartbeat_is_refused(caller: Caller) -> None:
    answer = caller.heartbeat(1, capabilities={"a": "x" * 100_000})

    assert (answer.status_code, answer.json()["code"]) == (413, "AGT-06")
