"""The browsers' live stream: topics of one tenant, for as long as the token lasts."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import httpx
import pytest

from agents.gateway import app as app_module
from portal.lib.live import publish, token_make
from portal.lib.tenancy import tenant_context
from tests.cast import Cast
from tests.integration.gateway.callers import PATIENCE_S
from tests.integration.gateway.conftest import ORIGIN, SECRET, RedisServer, until
from tests.sessions import committed

pytestmark = committed

TOPICS = ("agents", "group:7")


def token(tenant: UUID, *, topics: tuple[str, ...] = TOPICS, secret: str = SECRET, ago: float = 0.0) -> str:
    """Return a token as the web process makes it."""
    return token_make(secret=secret, person=1, tenant=str(tenant), topics=topics, now=time.time() - ago)


class Events:
    """A browser's EventSource, as far as it is needed."""

    def __init__(self, answer: httpx.Response) -> None:
        self._blocks = self._read(answer)

    def next(self, *kinds: str) -> tuple[str, str]:
        """Return the next event of these kinds."""
        return next(found for found in self._blocks if found[0] in kinds)

    def topic(self) -> str:
        """Return the topic of the next change."""
        return str(json.loads(self.next("changed")[1])["topic"])

    @staticmethod
    def _read(answer: httpx.Response) -> Iterator[tuple[str, str]]:
        kind = ""
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
            elif name == "data":
                yield kind, value


@contextmanager
def listening(client: httpx.Client, token: str) -> Iterator[Events]:
    """A stream for the block; it has begun."""
    with client.stream("GET", "/live", params={"token": token}, timeout=PATIENCE_S) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream"
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        events = Events(answer)
        events.next("state")
        yield events


def tell(tenant: UUID, *topics: str) -> None:
    """Publish as a service does."""
    with tenant_context(tenant):
        for topic in topics:
            publish(topic, tenant_id=tenant)


def refused(client: httpx.Client, token: str) -> tuple[int, str]:
    """Return how a token is refused."""
    answer = client.get("/live", params={"token": token})
    return answer.status_code, answer.json()["code"]


def test_a_browser_hears_what_changes(client: httpx.Client, cast: Cast) -> None:
    acme = cast.acme.tenant.id
    with listening(client, token(acme)) as events:
        tell(acme, "group:7")

        assert events.topic() == "group:7"


def test_it_is_told_that_the_stream_is_live(client: httpx.Client, cast: Cast) -> None:
    with client.stream("GET", "/live", params={"token": token(cast.acme.tenant.id)}) as answer:
        assert Events(answer).next("state") == ("state", "live")


def test_a_topic_that_was_not_asked_for_is_not_heard(client: httpx.Client, cast: Cast) -> None:
    acme = cast.acme.tenant.id
    with listening(client, token(acme)) as events:
        tell(acme, "group:8", "usage")
        tell(acme, "agents")

        assert events.topic() == "agents"


def test_another_tenant_s_changes_are_not_heard(client: httpx.Client, cast: Cast) -> None:
    acme, globex = cast.acme.tenant.id, cast.globex.tenant.id
    with listening(client, token(acme)) as ours, listening(client, token(globex)) as theirs:
        tell(globex, "group:7")
        assert theirs.topic() == "group:7"

        tell(acme, "agents")
        assert ours.topic() == "agents"


def test_many_changes_of_a_topic_are_told_as_few(client: httpx.Client, cast: Cast) -> None:
    acme = cast.acme.tenant.id
    with listening(client, token(acme)) as events:
        tell(acme, *["group:7"] * 50)
        tell(acme, "agents")

        heard = [events.topic(), events.topic()]
        assert heard == ["group:7", "agents"]


def test_a_token_that_has_run_out_is_refused(client: httpx.Client, cast: Cast) -> None:
    assert refused(client, token(cast.acme.tenant.id, ago=61)) == (403, "LIV-01")


def test_forged_and_malformed_tokens_are_refused(client: httpx.Client, cast: Cast) -> None:
    good = token(cast.acme.tenant.id)
    content, _, mac = good.partition(".")
    forged = [
        "",
        "x",
        ".",
        "x.é",
        f"{content}.",
        f"{content}.{mac}0",
        f"{content[:-4]}.{mac}",
        token(cast.acme.tenant.id, secret="another"),  # noqa: S106
    ]

    assert [refused(client, each) for each in forged] == [(403, "LIV-01")] * len(forged)


def test_without_a_token_there_is_no_stream(client: httpx.Client) -> None:
    answer = client.get("/live")

    assert answer.status_code == 403


def test_a_stream_ends_with_its_token_and_asks_for_another(client: httpx.Client, cast: Cast) -> None:
    with listening(client, token(cast.acme.tenant.id, ago=58.5)) as events:
        assert events.next("renew") == ("renew", "token")


def test_a_stream_lives_on_while_nothing_changes(
    client: httpx.Client, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "STREAM_BEAT_S", 0.05)
    monkeypatch.setattr(app_module, "STREAM_PAUSE_S", 0.0)
    with listening(client, token(cast.acme.tenant.id)) as events:
        assert [events.next("state", "renew") for _ in range(3)] == [("state", "live")] * 3


def test_without_redis_a_browser_is_told_to_look_by_itself_and_when_it_is_back(
    client: httpx.Client, cast: Cast, redis: RedisServer
) -> None:
    acme = cast.acme.tenant.id
    with listening(client, token(acme)) as events:
        redis.kill()
        gone = next(state for state in iter(lambda: events.next("state"), None) if state[1] != "live")
        redis.start()
        back = next(state for state in iter(lambda: events.next("state"), None) if state[1] == "live")
        until(lambda: client.get("/healthz").json()["redis"])
        tell(acme, "agents")

        assert (gone[1], back[1]) == ("degraded", "live")
        assert events.topic() == "agents"
