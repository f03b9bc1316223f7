"""The gateway while something that it stands on is gone: slower, never wrong."""

import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from threading import Event
from urllib.parse import urlsplit

import httpx
import psycopg2
import pytest
from django.utils import timezone

from agents.gateway import app as app_module
from agents.gateway.app import Gateway
from agents.gateway.calls import Calls
from agents.services import agent_revoke
from portal.embedded.postgres import SUPERUSER, Cluster
from portal.lib.roles import GATEWAY
from portal.lib.tenancy import tenant_context
from tests.cast import Cast
from tests.integration.gateway.callers import PATIENCE_S, Caller, caller_enrol, command_give
from tests.integration.gateway.conftest import ORIGIN, SECRET, RedisServer, gateway_up, redis_up, until
from tests.sessions import committed

pytestmark = committed


@pytest.fixture
def redis(monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    """A Redis of the test's own, which it may harm."""
    with redis_up() as server:
        monkeypatch.setenv("REDIS_URL", server.url)
        yield server


def health(client: httpx.Client) -> dict[str, object]:
    """Return what the gateway says of itself."""
    found: dict[str, object] = client.get("/healthz").json()
    return found


def sessions_end(cluster: Cluster) -> None:
    """Cut all of the gateway's connections to the database, as a fail-over does."""
    with closing(psycopg2.connect(host=str(cluster.folder), user=SUPERUSER, dbname="postgres")) as session:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s"
        session.cursor().execute(cut, [GATEWAY])


def test_a_command_reaches_a_waiting_agent_without_redis(caller: Caller, redis: RedisServer) -> None:
    poll = caller.polling()
    until(lambda: health(caller.client)["waiting"])
    redis.kill()
    until(lambda: not health(caller.client)["redis"])

    command_id = command_give(caller)

    assert [given["id"] for given in poll.result(timeout=15).json()["commands"]] == [str(command_id)]


def test_a_redis_that_says_nothing_is_as_good_as_gone(caller: Caller, redis: RedisServer) -> None:
    poll = caller.polling()
    until(lambda: health(caller.client)["waiting"])
    redis.signal(signal.SIGSTOP)

    command_id = command_give(caller)

    assert [given["id"] for given in poll.result(timeout=15).json()["commands"]] == [str(command_id)]
    redis.signal(signal.SIGCONT)
    until(lambda: health(caller.client)["redis"])


def test_a_revocation_counts_within_seconds_without_redis(
    caller: Caller, cast: Cast, redis: RedisServer
) -> None:
    caller.heartbeat(1)
    poll = caller.polling()
    until(lambda: health(caller.client)["waiting"])
    redis.kill()
    with tenant_context(caller.tenant_id):
        agent_revoke(agent=caller.row(), actor=cast.alice, now=timezone.now())

    assert poll.result(timeout=10).status_code == 403
    assert caller.heartbeat(2).status_code == 401


def test_wakes_are_heard_again_when_redis_is_back(caller: Caller, redis: RedisServer) -> None:
    redis.kill()
    until(lambda: not health(caller.client)["redis"])
    redis.start()
    until(lambda: health(caller.client)["redis"])
    poll = caller.polling()
    until(lambda: health(caller.client)["waiting"])

    command_id = command_give(caller)

    assert [given["id"] for given in poll.result(timeout=10).json()["commands"]] == [str(command_id)]


def test_reports_are_stored_without_redis(caller: Caller, redis: RedisServer) -> None:
    command_id = command_give(caller)
    redis.kill()

    assert caller.reports(caller.report(command_id, 1)).json() == {"stored": 1}


def test_the_gateway_goes_on_when_the_database_has_cut_its_sessions(caller: Caller, cluster: Cluster) -> None:
    caller.heartbeat(1)
    until(lambda: caller.row().heartbeat_number == 1)

    sessions_end(cluster)

    until(lambda: caller.heartbeat(2).status_code == 200)
    until(lambda: caller.row().heartbeat_number == 2)
    command_id = command_give(caller)
    until(lambda: [given["id"] for given in caller.poll()] == [str(command_id)])


def test_while_the_database_is_away_an_agent_is_asked_to_try_again(
    cluster: Cluster, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(psycopg2.connect(host=str(cluster.folder), user=SUPERUSER, dbname="postgres")) as session:
        session.autocommit = True
        session.cursor().execute(f"ALTER ROLE {GATEWAY} NOLOGIN")
        try:
            sessions_end(cluster)
            until(lambda: caller.get("commands?wait=0").status_code != 200)
            answer = caller.get("commands?wait=0")
        finally:
            session.cursor().execute(f"ALTER ROLE {GATEWAY} LOGIN")

    assert (answer.status_code, answer.json()["code"]) == (503, "SRV-01")
    until(lambda: caller.get("commands?wait=0").status_code == 200)


def test_a_poll_is_cut_by_a_restart_and_the_next_one_gets_the_command(
    dsn: str, redis: RedisServer, cast: Cast, keys: None
) -> None:
    with (
        gateway_up(Gateway(dsn=dsn, secret=SECRET, origin=ORIGIN)) as url,
        httpx.Client(base_url=url) as client,
    ):
        caller = caller_enrol(cast.acme.site, cast.alice, client)
        poll = caller.polling()
        until(lambda: health(client)["waiting"])
        begun = time.monotonic()

    cut = poll.exception(timeout=PATIENCE_S) or poll.result().status_code
    assert time.monotonic() - begun < PATIENCE_S
    assert isinstance(cut, httpx.RemoteProtocolError | httpx.ReadError) or cut in (200, 500)

    command_id = command_give(caller)
    with (
        gateway_up(Gateway(dsn=dsn, secret=SECRET, origin=ORIGIN)) as url,
        httpx.Client(base_url=url) as client,
    ):
        caller.client = client
        assert [given["id"] for given in caller.poll(wait=5)] == [str(command_id)]


def test_heartbeats_that_were_taken_last_are_stored_by_an_orderly_end(
    dsn: str, redis: RedisServer, cast: Cast, monkeypatch: pytest.MonkeyPatch, keys: None
) -> None:
    monkeypatch.setattr(app_module, "FLUSH_S", 3600.0)
    with (
        gateway_up(Gateway(dsn=dsn, secret=SECRET, origin=ORIGIN)) as url,
        httpx.Client(base_url=url) as client,
    ):
        caller = caller_enrol(cast.acme.site, cast.alice, client)
        caller.heartbeat(7)

    assert caller.row().heartbeat_number == 7


def test_two_gateways_serve_one_agent(caller: Caller, dsn: str, redis: RedisServer) -> None:
    with (
        gateway_up(Gateway(dsn=dsn, secret=SECRET, origin=ORIGIN)) as url,
        httpx.Client(base_url=url) as client,
    ):
        other = Caller(caller.id, caller.tenant_id, caller.key, client, bearer=caller.bearer)
        polls = [caller.polling(wait=3), other.polling(wait=3)]
        until(lambda: health(caller.client)["waiting"] and health(client)["waiting"])

        command_give(caller)

        assert sorted(len(poll.result(timeout=10).json()["commands"]) for poll in polls) == [0, 1]


def test_a_body_that_does_not_come_is_not_waited_for(
    client: httpx.Client, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "BODY_S", 0.2)
    address = urlsplit(str(client.base_url))
    head = f"POST /agent/v1/heartbeat HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {caller.bearer}\r\n"

    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S) as line:
        line.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
        answer = line.recv(4096)

    assert b" 408 " in answer.partition(b"\r\n")[0]


def test_half_a_body_and_a_hang_up_harm_nobody(client: httpx.Client, caller: Caller) -> None:
    address = urlsplit(str(client.base_url))
    head = f"POST /agent/v1/reports HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer {caller.bearer}\r\n"
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S) as line:
        line.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())

    assert caller.heartbeat(1).status_code == 200


@pytest.mark.parametrize("junk", [b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"POST / HTTP/9.9\r\n\r\n"])
def test_what_is_no_http_harms_nobody(client: httpx.Client, caller: Caller, junk: bytes) -> None:
    address = urlsplit(str(client.base_url))
    with socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S) as line:
        line.sendall(junk)
        line.shutdown(socket.SHUT_WR)
        line.recv(4096)

    assert caller.heartbeat(1).status_code == 200


def test_work_in_the_background_that_fails_in_an_unknown_way_begins_anew(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    flush, failed = Calls.beats_flush, Event()

    async def fails_once(calls: Calls) -> None:
        if not failed.is_set():
            failed.set()
            raise RuntimeError("nobody thought of this")
        await flush(calls)

    monkeypatch.setattr(Calls, "beats_flush", fails_once)
    until(failed.is_set)

    caller.heartbeat(7)

    until(lambda: caller.row().heartbeat_number == 7)
