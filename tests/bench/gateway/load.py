"""The agents of the bench, thousands in one process of their own: raw HTTP over keep-alive connections.

`sessions`, `beat` and `poll`; see `main`. Times are of the system's monotonic clock, shared by all processes.
"""

import asyncio
import base64
import itertools
import json
import resource
import secrets
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import cast
from uuid import UUID

import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.domain.protocol import session_digest

CONNECTING = 100
FIRST_NUMBER = 10_000_000
"""All numbers have as many digits, so that a request's length is known before."""
BEAT = (
    '{"number":%d,"at":%d,"version":"0.1.0","address":"127.0.0.1:7000",'
    '"capabilities":{"duties":["host"],"engines":["qsd"]}}'
)


class Connection(asyncio.Protocol):
    """One connection: calls `answered` with each answer's status and body."""

    def __init__(self, answered: Callable[["Connection", int, bytes], None]) -> None:
        self._answered = answered
        self._held = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        """Take whole answers out of what came."""
        self._held += data
        while (end := self._held.find(b"\r\n\r\n")) >= 0:
            head = self._held[:end].lower()
            at = head.index(b"content-length:") + 15
            stop = head.find(b"\r\n", at)
            whole = end + 4 + int(head[at : stop if stop >= 0 else None])
            if len(self._held) < whole:
                return
            body, self._held = self._held[end + 4 : whole], self._held[whole:]
            self._answered(self, int(head[9:12]), body)


async def sessions(host: str, port: int, agents: Sequence[Sequence[str]], path: Path) -> None:
    """Get every agent a bearer by its key; write them to `path`."""
    bearers: dict[str, str] = {}
    waiting = iter(agents)
    done = asyncio.get_running_loop().create_future()

    async def worker() -> None:
        reader, writer = await asyncio.open_connection(host, port)
        for agent, key in waiting:
            writer.write(_request("POST", "/agent/v1/session", body=_session(agent, key)))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            answer = json.loads(await reader.readexactly(length))
            bearers[agent] = answer["bearer"]
        writer.close()

    begun = time.monotonic()
    await asyncio.gather(*(worker() for _ in range(8)))
    done.cancel()
    path.write_text(json.dumps(bearers))
    say({"sessions": len(bearers), "seconds": time.monotonic() - begun})


async def beat(
    host: str, port: int, bearers: dict[str, str], *, seconds: float, wide: int, first: int
) -> None:
    """Send heartbeats of all agents in turn for so long over `wide` connections; what became of them."""
    counts = {"ok": 0, "not_ok": 0}
    last: dict[str, int] = {}
    requests = _heartbeats(bearers, first, last)
    until = time.monotonic() + seconds

    def answered(connection: Connection, status: int, _: bytes) -> None:
        counts["ok" if status == 200 else "not_ok"] += 1
        if time.monotonic() < until:
            connection.transport.write(next(requests))

    begun, worked = time.monotonic(), time.process_time()
    open_ = [await _connect(host, port, answered) for _ in range(wide)]
    for connection in open_:
        connection.transport.write(next(requests))
    await asyncio.sleep(until - time.monotonic())
    took, worked = time.monotonic() - begun, time.process_time() - worked
    sent_ok = dict(counts)
    await asyncio.sleep(0.5)
    for connection in open_:
        connection.transport.close()
    say({**sent_ok, "seconds": took, "generator_cpu": worked / took, "last": last})


async def poll(host: str, port: int, bearers: dict[str, str]) -> None:
    """Hold one long-poll per agent until the input ends; tell every command that arrives, and when."""
    gate = asyncio.Semaphore(CONNECTING)

    async def one(bearer: str) -> None:
        request = _request("GET", "/agent/v1/commands?wait=25", bearer=bearer)

        def answered(connection: Connection, status: int, body: bytes) -> None:
            at = time.monotonic()
            if status != 200:
                say({"refused": status, "at": at})
            elif len(body) > 20:
                for command in json.loads(body)["commands"]:
                    say({"command": command["id"], "at": at})
            connection.transport.write(request)

        async with gate:
            connection = await _connect(host, port, answered)
            connection.transport.write(request)
            await asyncio.sleep(0)

    await asyncio.gather(*(one(bearer) for bearer in bearers.values()))
    say({"connected": len(bearers)})
    await asyncio.to_thread(sys.stdin.read)


async def _connect(host: str, port: int, answered: Callable[[Connection, int, bytes], None]) -> Connection:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(answered), host, port)
    return connection


def _heartbeats(bearers: dict[str, str], first: int, last: dict[str, int]) -> Iterator[bytes]:
    """Requests without end, the agents in turn, each with its next number."""
    content = (BEAT % (first, int(time.time()))).encode()
    parts = [
        (agent, _head("POST", "/agent/v1/heartbeat", bearer=bearer, length=len(content)))
        for agent, bearer in bearers.items()
    ]
    for number in itertools.count(first):
        body = (BEAT % (number, int(time.time()))).encode()
        for agent, head in parts:
            last[agent] = number
            yield head + body


def _session(agent: str, key: str) -> bytes:
    at, nonce = int(time.time()), secrets.token_hex(16)
    digest = session_digest(agent_id=UUID(agent), at=at, nonce=nonce)
    signature = Ed25519PrivateKey.from_private_bytes(base64.b64decode(key)).sign(digest)
    content = {"agent_id": agent, "at": at, "nonce": nonce}
    return json.dumps({**content, "signature": base64.b64encode(signature).decode()}).encode()


def _request(method: str, path: str, *, bearer: str = "", body: bytes = b"") -> bytes:
    return _head(method, path, bearer=bearer, length=len(body)) + body


def _head(method: str, path: str, *, bearer: str, length: int) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: gateway", f"Content-Length: {length}"]
    if bearer:
        lines.append(f"Authorization: Bearer {bearer}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def say(content: object) -> None:
    """Tell the bench."""
    print(json.dumps(content), flush=True)


def main(arguments: list[str]) -> None:
    """`sessions|beat|poll PORT FILE …`: `beat` adds SECONDS CONNECTIONS FIRST, `sessions` where to write."""
    what, port, path, *more = arguments
    content = json.loads(Path(path).read_text())
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    host = "127.0.0.1"
    if what == "sessions":
        uvloop.run(sessions(host, int(port), content, Path(more[0])))
    elif what == "poll":
        uvloop.run(poll(host, int(port), content))
    else:
        seconds, wide, first = float(more[0]), int(more[1]), int(more[2])
        uvloop.run(beat(host, int(port), content, seconds=seconds, wide=wide, first=first))


if __name__ == "__main__":
    main(sys.argv[1:])
