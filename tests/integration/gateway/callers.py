"""An agent that speaks to the gateway over HTTP with its own keys, as the program on a host does."""

import base64
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.utils import timezone

from agents.domain.agent import Duty
from agents.domain.delivery import CommandDraft, CommandKey
from agents.domain.protocol import report_digest, session_digest
from agents.models import Agent, Site
from agents.services import Newcomer, agent_enrol, commands_insert, enrolment_create
from portal.lib.tenancy import tenant_context
from tenants.domain.roles import Actor

PATIENCE_S = 20.0


def newcomer(key: Ed25519PrivateKey, *, name: str = "esx1", duties: tuple[str, ...] = ("host",)) -> Newcomer:
    """Return what an agent with this key says of itself."""
    return Newcomer(
        name=name,
        host_name=f"{name}.test",
        duties=duties,
        signing_key=key.public_key().public_bytes_raw(),
        sealing_key=b"s" * 32,
        version="0.1.0",
    )


@dataclass
class Caller:
    """One enrolled agent; `bearer` is its present one."""

    id: UUID
    tenant_id: UUID
    key: Ed25519PrivateKey
    client: httpx.Client
    bearer: str = ""
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4))

    def signed(self, digest: bytes) -> str:
        """Return the agent's signature as it travels."""
        return base64.b64encode(self.key.sign(digest)).decode()

    def session(
        self, *, at: float = 0.0, nonce: str = "", key: Ed25519PrivateKey | None = None
    ) -> httpx.Response:
        """Ask for a bearer, and keep it."""
        moment, once = int(at or time.time()), nonce or uuid4().hex
        digest = session_digest(agent_id=self.id, at=moment, nonce=once)
        signature = base64.b64encode((key or self.key).sign(digest)).decode()
        body = {"agent_id": str(self.id), "at": moment, "nonce": once, "signature": signature}
        answer = self.client.post("/agent/v1/session", json=body)
        self.bearer = answer.json().get("bearer", self.bearer)
        return answer

    def heartbeat(self, number: int, **changes: object) -> httpx.Response:
        """Say that this agent lives."""
        body = {"number": number, "at": int(time.time()), "version": "0.1.0", "address": "127.0.0.1:7000"}
        return self.post("heartbeat", {**body, "capabilities": {"engines": ["qsd"]}, **changes})

    def poll(self, wait: float = 0.0) -> list[dict[str, Any]]:
        """Return the commands that come within `wait` seconds."""
        answer = self.get(f"commands?wait={wait}")
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["commands"]
        return found

    def polling(self, wait: float = 25.0) -> "Future[httpx.Response]":
        """Begin a long-poll."""
        return self._pool.submit(self.get, f"commands?wait={wait}")

    def report(
        self, command_id: UUID, number: int, kind: str = "accepted", body: object = None, **changes: object
    ) -> dict[str, object]:
        """Return one signed report."""
        said = body if body is not None else {}
        digest = report_digest(agent_id=self.id, command_id=command_id, number=number, kind=kind, body=said)
        named = {"command_id": str(command_id), "number": number, "kind": kind, "body": said}
        return {**named, "signature": self.signed(digest), **changes}

    def reports(self, *reports: dict[str, object]) -> httpx.Response:
        """Hand reports over."""
        return self.post("reports", {"reports": list(reports)})

    def ticket(self, command_id: UUID, disk: str = "0", *, asked: str = "") -> httpx.Response:
        """Ask for a fresh ticket for `asked`, or else for the disk that is signed for."""
        digest = report_digest(
            agent_id=self.id, command_id=command_id, number=0, kind="ticket", body={"disk": disk}
        )
        body = {"command_id": str(command_id), "disk": asked or disk, "signature": self.signed(digest)}
        return self.post("tickets", body)

    def post(self, path: str, body: object) -> httpx.Response:
        """Call under the bearer."""
        return self.client.post(f"/agent/v1/{path}", json=body, headers=self.headers)

    def get(self, path: str) -> httpx.Response:
        """Call under the bearer."""
        return self.client.get(f"/agent/v1/{path}", headers=self.headers)

    @property
    def headers(self) -> dict[str, str]:
        """The bearer as it travels."""
        return {"Authorization": f"Bearer {self.bearer}"}

    def row(self) -> Agent:
        """Return the agent as the portal has it."""
        with tenant_context(self.tenant_id):
            return Agent.objects.get(id=self.id)


def caller_enrol(site: Site, actor: Actor, client: httpx.Client, *, name: str = "esx1") -> Caller:
    """Return an agent that has spent a one-off key of the site."""
    key = Ed25519PrivateKey.generate()
    with tenant_context(site.tenant_id):
        _, token = enrolment_create(site=site, actor=actor, now=timezone.now())
    let_in = agent_enrol(token=token, newcomer=newcomer(key, name=name), now=timezone.now())
    return Caller(let_in.agent_id, site.tenant_id, key, client, bearer=let_in.bearer)


def command_give(
    caller: Caller,
    *,
    tenant_id: UUID | None = None,
    body: dict[str, object] | None = None,
    after: timedelta = timedelta(0),
    deadline: timedelta = timedelta(hours=1),
    step: str = "validate",
    unit_id: UUID | None = None,
    seq: int = 1,
) -> UUID:
    """Give the agent a command on behalf of its own tenant, or of another; return its id."""
    now: datetime = timezone.now()
    draft = CommandDraft(
        key=CommandKey(unit_id or uuid4(), generation=1, step=step, round=seq),
        agent_id=caller.id,
        seq=seq,
        deliver_after=now + after,
        deadline=now + deadline,
        body=body or {},
    )
    with tenant_context(tenant_id or caller.tenant_id):
        commands_insert(tenant_id=tenant_id or caller.tenant_id, drafts=[draft], now=now)
    return draft.key.command_id


HOST = (Duty.HOST.value,)
