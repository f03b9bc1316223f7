"""The ASGI application: lifespan, routes, limits. Raw ASGI, as an idle long-poll must cost little memory."""

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import asyncpg
import msgspec

from agents.gateway.bearers import Bearers
from agents.gateway.calls import FLUSH_S, Calls
from agents.gateway.hints import Hints
from agents.gateway.problems import DATABASE_AWAY, MALFORMED, NOT_FOUND, STREAM_REFUSED, TOO_LARGE, Problem
from agents.gateway.signals import Signals, Stream
from agents.gateway.store import Store
from portal.lib.keys import portal_keys
from portal.lib.live import TokenRefused, redis_url, token_read

BODY_MAX = 8 << 20
POOL_MIN, POOL_MAX = 2, 20
STATEMENT_TIMEOUT_S = 10.0
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
        bearers = Bearers(store)
        self._bearers = bearers
        self._signals = Signals(redis_url(), on_revoked=bearers.forget)
        hints = Hints()
        self._calls = Calls(
            store=store, bearers=bearers, signals=self._signals, hints=hints, keys=portal_keys()
        )
        work = (self._signals.run(), hints.run(), self._flush_for_ever())
        self._tasks = [asyncio.create_task(coroutine) for coroutine in work]

    async def stop(self) -> None:
        """End the background work; what heartbeats came last are stored."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(asyncpg.PostgresError, OSError, TimeoutError):
            await self._calls.beats_flush()
        self._pool.terminate()

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
            await _respond(send, problem.status, problem.document(), kind=b"application/problem+json")
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            log.warning("%s: %s", scope["path"], error)
            document = DATABASE_AWAY.document()
            await _respond(send, DATABASE_AWAY.status, document, kind=b"application/problem+json")
        else:
            await _respond(send, 200, answer)

    async def _answer(self, scope: Scope, receive: Receive) -> object:
        method, path = scope["method"], scope["path"]
        if (method, path) == ("GET", "/healthz"):
            return {"redis": self._signals.connected, "database": await self._pool.fetchval("SELECT true")}
        if (method, path) == ("POST", "/agent/v1/session"):
            return await self._calls.session(await _body(receive))
        posts = {
            "/agent/v1/heartbeat": self._calls.heartbeat,
            "/agent/v1/reports": self._calls.reports,
            "/agent/v1/tickets": self._calls.ticket,
        }
        if (method == "POST" and path in posts) or (method == "GET" and path == "/agent/v1/commands"):
            agent = await self._bearers.agent(_header(scope, b"authorization"))
            if method == "POST":
                return await posts[path](agent, await _body(receive))
            return await _unless_gone(self._calls.commands(agent, _wait(scope)), receive)
        raise NOT_FOUND

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        try:
            grant = token_read(token, secret=self._secret, now=time.time())
        except TokenRefused as error:
            raise STREAM_REFUSED from error
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
            await _unless_gone(self._stream_feed(stream, send), receive)
        finally:
            self._signals.stream_remove(stream)

    async def _stream_feed(self, stream: Stream, send: Send) -> None:
        """Tell what changes, and every five seconds that we are here; `degraded` while Redis is gone."""
        while True:
            state = "live" if self._signals.connected else "degraded"
            told = [f"event: state\ndata: {state}\n\n"]
            told += [_event(topic, version) for topic, version in stream.take().items()]
            await send({"type": "http.response.body", "body": "".join(told).encode(), "more_body": True})
            await asyncio.sleep(STREAM_PAUSE_S)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stream.changed.wait(), STREAM_BEAT_S)


def _event(topic: str, version: int) -> str:
    content = msgspec.json.encode({"topic": topic, "version": version}).decode()
    return f"event: changed\ndata: {content}\n\n"


async def _unless_gone(work: Any, receive: Receive) -> Any:
    """Do the work unless the other end hangs up meanwhile, which ends it."""
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else {"commands": []}
    finally:
        for task in (working, leaving):
            task.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(receive: Receive) -> bytes:
    content = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise MALFORMED
        content += message.get("body", b"")
        if len(content) > BODY_MAX:
            raise TOO_LARGE
        if not message.get("more_body"):
            return bytes(content)


def _header(scope: Scope, name: bytes) -> bytes:
    return next((value for key, value in scope["headers"] if key == name), b"")


def _wait(scope: Scope) -> float:
    text = parse_qs(scope["query_string"].decode("latin-1")).get("wait", ["0"])[0]
    try:
        return float(text)
    except ValueError as error:
        raise MALFORMED from error


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
