"""The cache: one for all processes while Redis is there, each its own while it is not."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.embedded import redis
from portal.lib import cache as cache_module
from portal.lib.cache import SteadyCache


class Server:
    """A Redis of this test alone, that may be killed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.process = subprocess.Popen(
            redis.command(self.folder), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not redis.answers(self.folder):
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait()

    def cache(self) -> SteadyCache:
        """Return the cache as a process has it."""
        return SteadyCache(redis.url(self.folder), {"KEY_PREFIX": "landfall"})


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A Redis, left alone after a failure for hardly any time."""
    monkeypatch.setattr(cache_module, "LEFT_ALONE_S", 0.05)
    server = Server(tmp_path)
    yield server
    server.kill()


def test_two_processes_count_together(server: Server) -> None:
    one, another = server.cache(), server.cache()

    assert one.add("tries", 1, 60)
    assert not another.add("tries", 1, 60)
    assert (another.incr("tries"), one.incr("tries"), another.get("tries")) == (2, 3, 3)
    assert one.decr("tries") == 2


def test_what_is_kept_comes_back_as_it_was(server: Server) -> None:
    cache = server.cache()
    cache.set("history", [1764204000.25, 3.5], 60)
    cache.set("word", "y", 60)

    assert cache.get("history") == [1764204000.25, 3.5]
    assert (cache.get("word"), cache.get("nothing", 7)) == ("y", 7)
    assert cache.get_many(["word", "nothing"]) == {"word": "y"}
    assert (cache.has_key("word"), cache.touch("word", 5), cache.delete("word")) == (True, True, True)


def test_a_count_that_has_ended_does_not_begin_without_an_end(server: Server) -> None:
    cache = server.cache()

    with pytest.raises(ValueError, match="not found"):
        cache.incr("tries")

    assert cache.add("tries", 1, 60)


def test_while_redis_is_gone_each_counts_by_itself(server: Server) -> None:
    cache = server.cache()
    cache.add("tries", 1, 60)
    server.kill()

    counted = [cache.add("tries", 1, 60), cache.incr("tries"), cache.get("tries")]

    assert counted == [True, 2, 2]


def test_when_redis_is_back_it_is_asked_again(server: Server) -> None:
    cache = server.cache()
    server.kill()
    cache.set("word", "near", 60)
    server.start()
    time.sleep(0.1)

    cache.set("word", "far", 60)

    assert server.cache().get("word") == "far"


def test_emptying_the_cache_leaves_redis_alone(server: Server) -> None:
    cache = server.cache()
    cache.set("word", "y", 60)

    cache.clear()

    assert cache.get("word") == "y"
