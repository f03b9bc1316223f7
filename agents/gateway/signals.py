"""What comes from Redis: wakes for polls, revocations, and topics for browsers. All of it may be lost."""

import asyncio
import contextlib
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from uuid import UUID

from redis.asyncio import Redis
from redis.exceptions import RedisError

from portal.lib.live import LIVE, REVOKED, WAKE

RETRY_S = 2.0
QUIET_S = 2.0
"""Silence after which Redis is asked whether it is there; as much again, and it counts as gone."""
QUEUE_MAX = 100

log = logging.getLogger(__name__)


class Poll:
    """One agent that waits. Thousands do, so that this is a future and two flags."""

    __slots__ = ("_future", "_woken", "gone")

    def __init__(self) -> None:
        self._future: asyncio.Future[None] | None = None
        self._woken = False
        self.gone = False

    def wake(self) -> None:
        """End the wait, or the next one."""
        self._woken = True
        self._end()

    def leave(self) -> None:
        """The agent has hung up."""
        self.gone = True
        self.wake()

    async def wait(self, seconds: float) -> bool:
        """Return whether woken, after so long at the most."""
        if not self._woken:
            loop = asyncio.get_running_loop()
            self._future = loop.create_future()
            alarm = loop.call_later(seconds, self._end)
            try:
                await self._future
            finally:
                alarm.cancel()
                self._future = None
        woken, self._woken = self._woken, False
        return woken

    def _end(self) -> None:
        if self._future is not None and not self._future.done():
            self._future.set_result(None)


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

    def __init__(self, url: str) -> None:
        self._url = url
        self._polls: dict[UUID, set[Poll]] = defaultdict(set)
        self._streams: set[Stream] = set()
        self.on_revoked: Callable[[UUID], None] = self.wake
        self.connected = False
        # Set when Redis comes or goes: what was published meanwhile has been missed.
        self.turned = asyncio.Event()

    @contextlib.contextmanager
    def poll(self, agent_id: UUID) -> Iterator[Poll]:
        """Lend what is woken with the agent."""
        poll = Poll()
        self._polls[agent_id].add(poll)
        try:
            yield poll
        finally:
            self._polls[agent_id].discard(poll)
            if not self._polls[agent_id]:
                del self._polls[agent_id]

    @property
    def waiting(self) -> list[UUID]:
        """The agents that wait here."""
        return list(self._polls)

    @property
    def count(self) -> int:
        """How many agents wait here."""
        return len(self._polls)

    def wake(self, agent_id: UUID) -> None:
        """Have the agent's polls look."""
        for poll in self._polls.get(agent_id, ()):
            poll.wake()

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
            except (RedisError, OSError, TimeoutError) as error:
                if self.connected:
                    log.warning("Redis is gone, polling instead: %s", error)
            self._turn(connected=False)
            await asyncio.sleep(RETRY_S)

    async def _listen(self) -> None:
        """Dispatch what comes until Redis is gone, or says nothing to a question."""
        client = Redis.from_url(
            self._url, decode_responses=True, socket_connect_timeout=QUIET_S, socket_timeout=QUIET_S
        )
        try:
            async with client.pubsub() as pubsub:
                await pubsub.subscribe(WAKE, REVOKED, LIVE)
                asked = False
                while True:
                    message = await pubsub.get_message(timeout=QUIET_S)
                    if message is not None:
                        asked = False
                        self._heard(message)
                    elif asked or not self.connected:
                        raise TimeoutError("Redis does not answer")
                    else:
                        asked = True
                        await pubsub.ping()
        finally:
            with contextlib.suppress(RedisError, OSError, TimeoutError):
                await client.aclose()

    def _heard(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "message":
            self._dispatch(message["channel"], message["data"])
        else:
            self._turn(connected=True)

    def _turn(self, *, connected: bool) -> None:
        if connected is self.connected:
            return
        self.connected = connected
        self.turned.set()
        for stream in self._streams:
            stream.changed.set()

    def _dispatch(self, channel: str, data: str) -> None:
        try:
            if channel == LIVE:
                told = json.loads(data)
                self._tell(str(told["tenant"]), str(told["topic"]), int(told["version"]))
            elif channel == REVOKED:
                self.on_revoked(UUID(data))
            else:
                self.wake(UUID(data))
        except (ValueError, KeyError, TypeError):
            log.warning("an unreadable message on %s", channel)

    def _tell(self, tenant: str, topic: str, version: int) -> None:
        for stream in self._streams:
            if stream.tenant == tenant and topic in stream.topics:
                stream.tell(topic, version)
