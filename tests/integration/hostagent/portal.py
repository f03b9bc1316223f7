"""A small portal of the tests' own: real HTTP as docs/protocol.md tells it, with the faults it may have."""

import asyncio
import base64
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from agents.domain.protocol import (
    Ticket,
    canonical,
    command_digest,
    report_digest,
    session_digest,
)

ENDS = frozenset({"succeeded", "failed", "superseded"})
LEASE_S = 3.0
POLL_S = 0.02
PROBLEM = "application/problem+json"
Handler = Callable[[dict[str, Any], str], Any]


class Problem(Exception):
    """An error answer."""

    def __init__(self, status: int, code: str, *, retry_after: str = "") -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.headers = [(b"retry-after", retry_after.encode())] if retry_after else []


@dataclass(slots=True)
class Given:
    """A command that a test gave, with all that was reported on it."""

    id: UUID
    agent: UUID
    content: dict[str, Any]
    reports: dict[int, dict[str, Any]] = field(default_factory=dict)
    deliveries: int = 0
    received: int = 0
    given_at: float = 0.0

    @property
    def due(self) -> bool:
        """Whether it is to be given: for the first time, or again, as its taker has said nothing."""
        lost = not self.accepted and time.monotonic() - self.given_at > LEASE_S
        return not self.deliveries or lost

    @property
    def accepted(self) -> bool:
        """Whether the agent has taken it."""
        return bool(self.reports)

    @property
    def end(self) -> dict[str, Any] | None:
        """Its last report, if it has ended."""
        return next((one for one in self.reports.values() if one["kind"] in ENDS), None)

    def progress(self) -> list[dict[str, Any]]:
        """What was reported on the way."""
        numbers = sorted(self.reports)
        return [self.reports[n]["body"] for n in numbers if self.reports[n]["kind"] == "progress"]


@dataclass(slots=True)
class Member:
    """An enrolled agent."""

    id: UUID
    key: Ed25519PublicKey
    sealing_key: bytes
    fingerprint: str
    bearers: set[str] = field(default_factory=set)
    heartbeats: list[dict[str, Any]] = field(default_factory=list)
    revoked: bool = False


class SmallPortal:
    """Enrols agents, gives them commands, and keeps what they report."""

    def __init__(self) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.authority_key = Ed25519PrivateKey.generate()
        self.authority = _certificate("authority", self.authority_key.public_key(), self.authority_key, None)
        self.tokens: set[str] = set()
        self.members: dict[UUID, Member] = {}
        self.commands: dict[UUID, Given] = {}
        self.down = False
        self.lose_answers = 0
        self.busy: list[str] = []  # what Retry-After says to the next enrolments, the last one first
        self.ticket_of: Callable[[Given, str], Ticket] | None = None
        self.port = 0
        self.release: Path | None = None  # the folder that it serves
        self._news = asyncio.Condition()
        self._nonces: set[str] = set()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def token(self) -> str:
        """A fresh one-off token."""
        token = secrets.token_urlsafe(12)
        self.tokens.add(token)
        return token

    async def give(
        self,
        agent: UUID,
        step: str,
        body: Any,
        *,
        unit: UUID,
        seq: int = 1,
        generation: int = 1,
        within_s: float = 120.0,
        key: Ed25519PrivateKey | None = None,
    ) -> Given:
        """Give an agent a command, signed."""
        body = msgspec.to_builtins(body)
        digest = command_digest(
            command_id=(command_id := uuid4()),
            agent_id=agent,
            unit_id=unit,
            generation=generation,
            seq=seq,
            step=step,
            body=body,
        )
        content = {
            "id": str(command_id),
            "unit_id": str(unit),
            "generation": generation,
            "seq": seq,
            "step": step,
            "body": body,
            "deadline": (datetime.now(UTC) + timedelta(seconds=within_s)).isoformat(),
            "signature": base64.b64encode((key or self.key).sign(digest)).decode(),
        }
        given = Given(command_id, agent, content)
        self.commands[command_id] = given
        await self.notify()
        return given

    async def give_again(self, given: Given) -> None:
        """Give the same command once more, as after a lost lease."""
        given.deliveries = 0
        await self.notify()

    async def notify(self) -> None:
        """Wake whoever waits."""
        async with self._news:
            self._news.notify_all()

    async def until(self, ready: Callable[[], Any], *, within_s: float = 60.0) -> Any:
        """What `ready` returns, once it is something. Raises TimeoutError."""
        async with asyncio.timeout(within_s), self._news:
            await self._news.wait_for(ready)
            return ready()

    async def ended(self, given: Given, *, within_s: float = 60.0) -> dict[str, Any]:
        """How a command ended: its last report."""
        return dict(await self.until(lambda: given.end, within_s=within_s))

    # -- answers ----------------------------------------------------------------------------------

    def _enrol(self, body: dict[str, Any], _bearer: str) -> Any:
        if self.busy:
            raise Problem(429, "throttled", retry_after=self.busy.pop())
        if body["token"] not in self.tokens:
            raise Problem(409, "ENR-02")
        self.tokens.remove(body["token"])
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(body["signing_key"]))
        certificate = _certificate(body["name"], key, self.authority_key, self.authority)
        pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        der = certificate.fingerprint(SHA256())
        member = Member(uuid4(), key, base64.b64decode(body["sealing_key"]), der.hex())
        self.members[member.id] = member
        return {
            "agent_id": str(member.id),
            "site_id": str(uuid4()),
            "gateway": self.url,
            "certificate": pem,
            "authority": self.authority.public_bytes(serialization.Encoding.PEM).decode(),
            "portal_key": base64.b64encode(self.key.public_key().public_bytes_raw()).decode(),
            "bearer": "",
            "bearer_expires": "",
        }

    def _session(self, body: dict[str, Any], _bearer: str) -> Any:
        member = self.members[UUID(body["agent_id"])]
        digest = session_digest(agent_id=member.id, at=body["at"], nonce=body["nonce"])
        member.key.verify(base64.b64decode(body["signature"]), digest)
        if member.revoked:
            raise Problem(403, "AGT-02")
        if body["nonce"] in self._nonces:
            raise Problem(401, "AGT-03")
        self._nonces.add(body["nonce"])
        bearer = secrets.token_urlsafe(16)
        member.bearers.add(bearer)
        return {"bearer": bearer, "expires": int(time.time()) + 900, "now": int(time.time())}

    def _heartbeat(self, body: dict[str, Any], bearer: str) -> Any:
        self._member(bearer).heartbeats.append(body)
        return {"now": int(time.time())}

    async def _commands(self, wait: float, bearer: str) -> Any:
        member = self._member(bearer)

        until = time.monotonic() + wait
        while time.monotonic() < until:
            if found := [one for one in self.commands.values() if one.agent == member.id and one.due]:
                for one in found:
                    one.deliveries += 1
                    one.given_at = time.monotonic()
                return {"commands": [one.content for one in found]}
            await asyncio.sleep(POLL_S)
        return {"commands": []}

    def _reports(self, body: dict[str, Any], bearer: str) -> Any:
        member = self._member(bearer)
        for report in body["reports"]:
            given = self.commands[UUID(report["command_id"])]
            named = {"number": report["number"], "kind": report["kind"], "body": report["body"]}
            digest = report_digest(agent_id=member.id, command_id=given.id, **named)
            member.key.verify(base64.b64decode(report["signature"]), digest)
            given.received += 1
            given.reports.setdefault(report["number"], named)
        return {"stored": len(body["reports"])}

    def _tickets(self, body: dict[str, Any], bearer: str) -> Any:
        self._member(bearer)
        given = self.commands[UUID(body["command_id"])]
        if given.end is not None or self.ticket_of is None:
            raise Problem(409, "TKT-01")
        return {"ticket": self.ticket_sign(self.ticket_of(given, body["disk"]))}

    def ticket_sign(self, ticket: Ticket) -> str:
        """A ticket as it travels."""
        content = canonical(ticket)
        signature = self.key.sign(b"landfall-ticket\0" + content)
        return ".".join(base64.urlsafe_b64encode(part).decode() for part in (content, signature))

    def _member(self, bearer: str) -> Member:
        member = next((one for one in self.members.values() if bearer in one.bearers), None)
        if member is None:
            raise Problem(401, "AGT-03")
        if member.revoked:
            raise Problem(403, "AGT-02")
        return member

    # -- HTTP -------------------------------------------------------------------------------------

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request (ASGI)."""
        content = b""
        while (part := await receive())["type"] == "http.request":
            content += part["body"]
            if not part["more_body"]:
                break
        if self.down:
            await _send(send, 503, {"code": "DOWN"})
            return
        if scope["path"].startswith("/agent/release/"):
            await _file_send(send, self.release, scope["path"].rpartition("/")[2])
            return
        bearer = dict(scope["headers"]).get(b"authorization", b"").decode().removeprefix("Bearer ")
        try:
            answer = await self._route(scope, content, bearer)
        except Problem as problem:
            said = {"code": problem.code, "title": problem.code}
            await _send(send, problem.status, said, problem.headers)
            return
        await self.notify()
        if self.lose_answers and scope["path"].endswith("reports"):
            self.lose_answers -= 1
            await _send(send, 502, {"code": "LOST"})
            return
        await _send(send, 200, answer)

    async def _route(self, scope: Any, content: bytes, bearer: str) -> Any:
        name = scope["path"].removeprefix("/agent/v1/")
        if name == "commands":
            return await self._commands(float(scope["query_string"].decode().partition("=")[2]), bearer)
        handlers: Mapping[str, Handler] = {
            "enrol": self._enrol,
            "session": self._session,
            "heartbeat": self._heartbeat,
            "reports": self._reports,
            "tickets": self._tickets,
        }
        return handlers[name](msgspec.json.decode(content), bearer)


@asynccontextmanager
async def portal_up() -> AsyncIterator[SmallPortal]:
    """A portal on a free port of loopback."""
    portal = SmallPortal()
    config = uvicorn.Config(portal, port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    portal.port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield portal
    finally:
        server.should_exit = server.force_exit = True
        await serving


async def _file_send(send: Any, folder: Path | None, name: str) -> None:
    path = (folder or Path("/nowhere")) / name
    status = 200 if path.is_file() else 404
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": path.read_bytes() if status == 200 else b""})


async def _send(send: Any, status: int, content: Any, more: Sequence[tuple[bytes, bytes]] = ()) -> None:
    headers = [(b"content-type", b"application/json" if status == 200 else PROBLEM.encode()), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": msgspec.json.encode(content)})


def _certificate(
    name: str, key: Ed25519PublicKey, signer: Ed25519PrivateKey, issuer: x509.Certificate | None
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .sign(signer, None)
    )
