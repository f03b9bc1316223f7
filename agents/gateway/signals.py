"""What comes from Redis: wakes for polls, revocations, and topics for browsers. All of it may be lost."""

import asyncio
import contextlib
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from portal.lib.live import LIVE, REVOKED, WAKE

RETRY_S = 2.0
QUEUE_MAX = 100

log = logging.getLogger(__name__)


class Stream:
    """One browser's stream: what it may hear, and what it has not been told yet, newest per topic."""

    def __init__(self, tenant: str, topics: frozenset[str]) -> None:
        self.tenant = tenant
        self.topics = topics
        self.changed = asyncio.Event()
        self._waiting: dict[str, int] = {}

    def tell(self, topic: str, version: int) -> None:
        """Remember that the topic changed."""
        if len(self._waiting) < QUEUE_MAX or topic in self._waiting:
            self._waiting[topic] = version
        self.changed.set()

    def take(self) -> dict[str, int]:
        """Return what is to be told, and forget it."""
        waiting, self._waiting = self._waiting, {}
        self.changed.clear()
        return waiting


class Signals:
    """The one subscription of this gateway, and whoever waits for something from it."""

    def __init__(self, url: str, *, on_revoked: Callable[[UUID], None]) -> None:
        self._url = url
        self._on_revoked = on_revoked
        self._polls: dict[UUID, set[asyncio.Event]] = defaultdict(set)
        self._streams: set[Stream] = set()
        self.connected = False

    @contextlib.contextmanager
    def poll(self, agent_id: UUID) -> Iterator[asyncio.Event]:
        """Lend an event that is set when the agent is woken."""
        event = asyncio.Event()
        self._polls[agent_id].add(event)
        try:
            yield event
        finally:
            self._polls[agent_id].discard(event)
            if not self._polls[agent_id]:
                del self._polls[agent_id]

    def stream_add(self, stream: Stream) -> None:
        """Let a browser hear."""
        self._streams.add(stream)

    def stream_remove(self, stream: Stream) -> None:
        """Let it go."""
        self._streams.discard(stream)

    async def run(self) -> None:
        """Listen for ever; without Redis, try again every two seconds."""
        while True:
            try:
                await self._listen()
            except (RedisError, OSError) as error:
                if self.connected:
                    log.warning("Redis is gone, polling instead: %s", error)
                self.connected = False
            await asyncio.sleep(RETRY_S)

    async def _listen(self) -> None:
        client = Redis.from_url(self._url, decode_responses=True, health_check_interval=10)
        try:
            async with client.pubsub() as pubsub:
                await pubsub.subscribe(WAKE, REVOKED, LIVE)
                self.connected = True
                self._wake_all()  # whatever was published before has been missed
                async for message in pubsub.listen():
                    if message["type"] == "message":
                        self._dispatch(message["channel"], message["data"])
        finally:
            await client.aclose()

    def _dispatch(self, channel: str, data: str) -> None:
        try:
            if channel == LIVE:
                told = json.loads(data)
                self._tell(str(told["tenant"]), str(told["topic"]), int(told["version"]))
            elif channel == REVOKED:
                self._on_revoked(UUID(data))
                self._wake(UUID(data))
            else:
                self._wake(UUID(data))
        except (ValueError, KeyError, TypeError):
            log.warning("an unreadable message on %s", channel)

    def _wake(self, agent_id: UUID) -> None:
        for event in self._polls.get(agent_id, ()):
            event.set()

    def _wake_all(self) -> None:
        for events in self._polls.values():
            for event in events:
                event.set()

    def _tell(self, tenant: str, topic: str, version: int) -> None:
        for stream in self._streams:
            if stream.tenant == tenant and topic in stream.topics:
                stream.tell(topic, version)
