"""The ASGI application: lifespan, routes, limits. Raw ASGI, as an idle long-poll must cost little memory."""

import asyncio
import contextlib
import logging
import math
import os
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from urllib.parse import parse_qs
from uuid import UUID

import asyncpg
import msgspec

from agents.gateway.bearers import Bearers
from agents.gateway.calls import FLUSH_S, Calls
from agents.gateway.due import Due
from agents.gateway.hints import Hints
from agents.gateway.problems import (
    DATABASE_AWAY,
    MALFORMED,
    NOT_FOUND,
    STREAM_REFUSED,
    TOO_LARGE,
    TOO_SLOW,
    Problem,
    Refusal,
)
from agents.gateway.signals import Poll, Signals, Stream
from agents.gateway.store import Known, Store
from agents.gateway.sweeps import Sweeps
from portal.lib.keys import portal_keys
from portal.lib.live import TokenRefused, redis_url, token_read

BODY_MAX = 64 << 10
REPORTS_BODY_MAX = 8 << 20
BODY_S = 30.0
SESSION, COMMANDS, REPORTS = "/agent/v1/session", "/agent/v1/commands", "/agent/v1/reports"
POOL_MIN, POOL_MAX = 2, 20
STATEMENT_TIMEOUT_S = 10.0
RESTART_S = 1.0
STREAM_BEAT_S = 5.0
STREAM_PAUSE_S = 0.5
"""A browser hears of changes at most twice a second."""

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

log = logging.getLogger(__name__)


class Gateway:
    """One gateway process. `dsn` logs in as the gateway's role; `secret` checks streams' tokens."""

    def __init__(self, *, dsn: str, secret: str, origin: str) -> None:
        self._dsn = dsn
        self._secret = secret
        self._origin = origin
        self._tasks: list[asyncio.Task[None]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)

    async def start(self) -> None:
        """Connect, and begin the background work."""
        # Statements are prepared per transaction only, so that pgbouncer may stand in between.
        self._pool = await asyncpg.create_pool(
            self._dsn,
            min_size=POOL_MIN,
            max_size=POOL_MAX,
            command_timeout=STATEMENT_TIMEOUT_S,
            statement_cache_size=0,
        )
        store = Store(self._pool)
        self._signals = Signals(redis_url())
        self._bearers = Bearers(store, on_revoked=self._signals.wake)
        self._signals.on_revoked = self._revoked
        hints = Hints()
        self._calls = Calls(
            store=store, bearers=self._bearers, due=Due(store), hints=hints, keys=portal_keys()
        )
        sweeps = Sweeps(store=store, bearers=self._bearers, signals=self._signals)
        work = (self._signals.run, sweeps.run, hints.run, self._flush_for_ever)
        self._tasks = [asyncio.create_task(_kept(run)) for run in work]

    async def stop(self) -> None:
        """End the background work; what heartbeats came last are stored."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(asyncpg.PostgresError, OSError, TimeoutError):
            await self._calls.beats_flush()
        self._pool.terminate()

    def _revoked(self, agent_id: UUID) -> None:
        self._bearers.forget(agent_id)
        self._signals.wake(agent_id)

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.start()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _flush_for_ever(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_S)
            try:
                await self._calls.beats_flush()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                log.warning("heartbeats wait for the database: %s", error)
                await asyncio.sleep(1.0)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["path"] == "/live":
                await self._live(scope, receive, send)
                return
            answer = await self._answer(scope, receive)
        except Problem as problem:
            await _refuse(send, problem.refusal)
        except asyncpg.DataError as error:
            log.warning("%s: %s", scope["path"], error)
            await _refuse(send, MALFORMED)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            log.warning("%s: %s", scope["path"], error)
            await _refuse(send, DATABASE_AWAY)
        else:
            await _respond(send, 200, answer)

    async def _answer(self, scope: Scope, receive: Receive) -> object:
        asked = scope["method"], scope["path"]
        if asked in _POSTS:
            agent = await self._bearers.agent(_header(scope, b"authorization"))
            return await _POSTS[asked](self._calls, agent, await _body(receive, asked[1]))
        if asked == ("GET", COMMANDS):
            agent = await self._bearers.agent(_header(scope, b"authorization"))
            return await self._poll(agent, _wait(scope), receive)
        if asked == ("POST", SESSION):
            return await self._calls.session(await _body(receive, SESSION))
        if asked == ("GET", "/healthz"):
            database = await self._pool.fetchval("SELECT true")
            waiting = {"waiting": self._signals.count} if _is_beside(scope) else {}
            return {"redis": self._signals.connected, "database": database, **waiting}
        raise Problem(NOT_FOUND)

    async def _poll(self, agent: Known, wait: float, receive: Receive) -> object:
        with self._signals.poll(agent.id) as poll:
            leaving = asyncio.ensure_future(_leave(receive, poll))
            try:
                return await self._calls.commands(agent, poll, wait)
            finally:
                leaving.cancel()

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        try:
            grant = token_read(token, secret=self._secret, now=time.time())
        except TokenRefused as error:
            raise Problem(STREAM_REFUSED) from error
        headers = [
            (b"content-type", b"text/event-stream"),
            (b"cache-control", b"no-store"),
            (b"x-accel-buffering", b"no"),
            (b"access-control-allow-origin", self._origin.encode()),
            (b"vary", b"Origin"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        stream = Stream(grant.tenant, frozenset(grant.topics))
        self._signals.stream_add(stream)
        try:
            await _unless_gone(self._stream_feed(stream, send, until=grant.expires), receive)
        finally:
            self._signals.stream_remove(stream)

    async def _stream_feed(self, stream: Stream, send: Send, *, until: float) -> None:
        """Tell what changes, and every five seconds that we are here; `degraded` while Redis is gone.

        A stream outlives its token by nothing: the browser is told to ask for another, and the web
        process looks again at what this person may hear.
        """
        while (left := until - time.time()) > 0:
            state = "live" if self._signals.connected else "degraded"
            told = [f"event: state\ndata: {state}\n\n"]
            told += [_event(topic, version) for topic, version in stream.take().items()]
            await send({"type": "http.response.body", "body": "".join(told).encode(), "more_body": True})
            await asyncio.sleep(STREAM_PAUSE_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stream.changed.wait(), min(STREAM_BEAT_S, left))
        await send({"type": "http.response.body", "body": b"event: renew\ndata: token\n\n"})


_POSTS: dict[tuple[str, str], Callable[[Calls, Known, bytes], Awaitable[object]]] = {
    ("POST", "/agent/v1/heartbeat"): Calls.heartbeat,
    ("POST", REPORTS): Calls.reports,
    ("POST", "/agent/v1/tickets"): Calls.ticket,
}


async def _kept(run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Have it run for ever: a gateway that answers and stores no heartbeat is worse than one that is dead."""
    while True:
        try:
            await run()
        except Exception:
            log.exception("%s begins anew", getattr(run, "__qualname__", run))
        await asyncio.sleep(RESTART_S)


def _event(topic: str, version: int) -> str:
    content = msgspec.json.encode({"topic": topic, "version": version}).decode()
    return f"event: changed\ndata: {content}\n\n"


async def _unless_gone(work: Coroutine[Any, Any, None], receive: Receive) -> None:
    """Do the work unless the other end hangs up meanwhile, which ends it."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    finally:
        for task in (working, leaving):
            task.cancel()


async def _leave(receive: Receive, poll: Poll) -> None:
    await _gone(receive)
    poll.leave()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(receive: Receive, path: str) -> bytes:
    """Return the request's body. Raises Problem when it is too large, or does not come in time."""
    most = REPORTS_BODY_MAX if path == REPORTS else BODY_MAX
    content = bytearray()
    try:
        async with asyncio.timeout(BODY_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Problem(MALFORMED)
                content += message.get("body", b"")
                if len(content) > most:
                    raise Problem(TOO_LARGE)
                if not message.get("more_body"):
                    return bytes(content)
    except TimeoutError as error:
        raise Problem(TOO_SLOW) from error


def _header(scope: Scope, name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key == name), b"")


def _is_beside(scope: Scope) -> bool:
    """Whether the caller is on this machine, and no proxy's guest: it alone learns how many wait."""
    host = (scope.get("client") or ("",))[0]
    return host in ("127.0.0.1", "::1") and not _header(scope, b"x-forwarded-for")


def _wait(scope: Scope) -> float:
    text = parse_qs(scope["query_string"].decode("latin-1")).get("wait", ["0"])[0]
    try:
        wait = float(text)
    except ValueError as error:
        raise Problem(MALFORMED) from error
    if not math.isfinite(wait):
        raise Problem(MALFORMED)
    return wait


async def _refuse(send: Send, refusal: Refusal) -> None:
    await _respond(send, refusal.status, refusal.document(), kind=b"application/problem+json")


async def _respond(send: Send, status: int, document: object, *, kind: bytes = b"application/json") -> None:
    body = msgspec.json.encode(document)
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    headers.append((b"cache-control", b"no-store"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def gateway_from_environment() -> Gateway:
    """Return the gateway that LANDFALL_GATEWAY_DSN and its fellows describe."""
    return Gateway(
        dsn=os.environ["LANDFALL_GATEWAY_DSN"],
        secret=os.environ["LANDFALL_SECRET_KEY"],
        origin=os.environ.get("LANDFALL_PORTAL_URL", ""),
    )
