"""A real gateway on real HTTP, a real PostgreSQL and a real Redis, for the tests of this folder."""

import os
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn
from django.db import connection

import portal.embedded.redis as redis_server
from agents.gateway.app import Gateway
from portal.embedded.postgres import Cluster
from portal.lib.live import redis_url
from portal.lib.roles import GATEWAY
from tests.cast import Cast
from tests.integration.gateway.callers import PATIENCE_S, Caller, caller_enrol

SECRET = "a secret of the tests"  # noqa: S105
ORIGIN = "http://portal.test"
STEP_S = 0.01


def until(true: Callable[[], object]) -> None:
    """Return when `true` is, or fail."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(STEP_S)


class RedisServer:
    """A Redis that may be killed, stopped and started."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = redis_server.url(folder)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return when it answers."""
        command = redis_server.command(self._folder)
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: redis_server.answers(self._folder))

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once, its data gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()


@contextmanager
def redis_up() -> Iterator[RedisServer]:
    """A Redis for the block."""
    with tempfile.TemporaryDirectory(prefix="lf-") as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()


@contextmanager
def gateway_up(gateway: Gateway) -> Iterator[str]:
    """Serve the gateway as the supervisor does, in a thread; the block gets its address."""
    config = uvicorn.Config(
        gateway, host="127.0.0.1", port=0, log_level="error", lifespan="on", timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        until(lambda: server.started)
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[RedisServer]:
    """One Redis for all tests that do it no harm."""
    with redis_up() as server:
        yield server


@pytest.fixture
def redis(shared_redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> RedisServer:
    """The Redis of gateway and services."""
    monkeypatch.setenv("REDIS_URL", shared_redis.url)
    return shared_redis


@pytest.fixture
def dsn(cluster: Cluster, transactional_db: None) -> str:
    """How the gateway's role logs in."""
    return f"postgresql://{GATEWAY}@/{connection.settings_dict['NAME']}?host={cluster.folder}"


@pytest.fixture
def gateway(dsn: str, redis: RedisServer) -> Gateway:
    """A gateway that does not run yet."""
    return Gateway(dsn=dsn, secret=SECRET, origin=ORIGIN)


@pytest.fixture
def client(gateway: Gateway, keys: None) -> Iterator[httpx.Client]:
    """A client of the running gateway, which hears Redis."""
    with gateway_up(gateway) as url, httpx.Client(base_url=url, timeout=PATIENCE_S) as client:
        until(lambda: client.get("/healthz").json()["redis"])
        yield client


@pytest.fixture
def caller(client: httpx.Client, cast: Cast) -> Caller:
    """An agent of Acme's, enrolled."""
    return caller_enrol(cast.acme.site, cast.alice, client)


@pytest.fixture
def stranger(client: httpx.Client, cast: Cast) -> Caller:
    """An agent of Globex's."""
    return caller_enrol(cast.globex.site, cast.charlie, client, name="esx7")


def redis_is_set() -> bool:
    """Whether the services publish to the tests' Redis."""
    return redis_url() == os.environ.get("REDIS_URL")
