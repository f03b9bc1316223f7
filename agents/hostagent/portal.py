"""The portal as the agent sees it: enrolment, bearers, heartbeats, commands, reports, tickets; over HTTP."""

import asyncio
import base64
import logging
import secrets
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass
from uuid import UUID

import httpx
import msgspec
from cryptography.exceptions import InvalidSignature

from agents.domain.protocol import (
    BEARER_LIFETIME_S,
    LONG_POLL_S,
    command_digest,
    report_digest,
    session_digest,
)
from agents.hostagent.identity import LOOPBACK, Keys, Settings, portal_key_load, url_checked
from agents.hostagent.journal import Command, Report

BEARER_RENEW_S = BEARER_LIFETIME_S * 2 / 3
TIMEOUT = httpx.Timeout(15.0, read=LONG_POLL_S + 15.0)
REVOKED = "AGT-02"
BUSY_WAIT_S = 10.0  # where a portal that is busy does not say for how long
BUSY_WAIT_MOST_S = 60.0
BUSY_MOST_S = 300.0

log = logging.getLogger(__name__)


class PortalUnreachable(Exception):
    """The portal or its gateway does not answer as it should; to be tried again."""


class PortalBusy(PortalUnreachable):
    """The portal was asked too often; it may be asked again in `wait_s`."""

    def __init__(self, text: str, wait_s: float) -> None:
        super().__init__(text)
        self.wait_s = wait_s


class PortalRefused(Exception):
    """The portal answered, and will answer the same again; `code` is its stable code."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{code or status}: {detail}")
        self.status = status
        self.code = code


class AgentRevoked(PortalRefused):
    """A person has revoked this agent."""


class Enrolled(msgspec.Struct, frozen=True):
    """The portal's answer to an enrolment."""

    agent_id: UUID
    site_id: UUID
    gateway: str
    certificate: str
    authority: str
    portal_key: str


class _Commands(msgspec.Struct, frozen=True):
    commands: list[Command]


@dataclass(slots=True)
class _Bearer:
    value: str
    until: float


def client_make(ca: str = "", *, proxy: str = "") -> httpx.AsyncClient:
    """An HTTP client that trusts the system's authorities, or only those in the file `ca`."""
    trusted = ssl.create_default_context(cafile=ca or None)
    return httpx.AsyncClient(timeout=TIMEOUT, verify=trusted, trust_env=False, proxy=proxy or None)


def proxy_of(portal: str) -> str:
    """The proxy that the environment names on the way to the portal; empty for none."""
    parts = urlsplit(portal)
    if parts.hostname in LOOPBACK or proxy_bypass(parts.hostname or ""):
        return ""
    return getproxies().get(parts.scheme, "")


async def enrol(client: httpx.AsyncClient, *, portal: str, body: dict[str, Any]) -> Enrolled:
    """Spend the one-off token; a busy portal is waited for. Raises PortalRefused and PortalUnreachable."""
    url, until = f"{url_checked(portal)}/agent/v1/enrol", time.monotonic() + BUSY_MOST_S
    while True:
        try:
            answer = await _request(client, "POST", url, json=body)
            return msgspec.json.decode(answer, type=Enrolled)
        except PortalBusy as error:
            if time.monotonic() + error.wait_s > until:
                raise
            log.warning("the portal takes no more enrolments for now; next try in %.0f s", error.wait_s)
            await asyncio.sleep(error.wait_s)


class Portal:
    """The gateway, for one enrolled agent."""

    def __init__(self, *, settings: Settings, keys: Keys, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._keys = keys
        self._client = client
        self._gateway = url_checked(settings.gateway)
        self._portal_key = portal_key_load(settings.portal_key)
        self._bearer: _Bearer | None = None
        self._renewing = asyncio.Lock()

    async def heartbeat(
        self, *, number: int, version: str, address: str, capabilities: dict[str, Any]
    ) -> None:
        """Say that this agent lives. Raises as `_call`."""
        body = {"number": number, "at": int(time.time()), "version": version, "address": address}
        await self._call("POST", "heartbeat", json={**body, "capabilities": capabilities})

    async def commands(self, *, wait: int = LONG_POLL_S) -> list[Command]:
        """The due commands, after at most `wait` seconds."""
        answer = await self._call("GET", f"commands?wait={wait}")
        try:
            return msgspec.json.decode(answer, type=_Commands).commands
        except msgspec.MsgspecError as error:
            raise PortalUnreachable(f"the gateway's answer is not commands: {error}") from error

    async def reports(self, reports: Sequence[Report]) -> None:
        """Hand over reports, in order, signed."""
        await self._call("POST", "reports", json={"reports": [self._signed(report) for report in reports]})

    async def ticket(self, command_id: UUID, disk: str) -> str:
        """A fresh ticket for one disk of an open command."""
        digest = report_digest(
            agent_id=self._settings.agent_id,
            command_id=command_id,
            number=0,
            kind="ticket",
            body={"disk": disk},
        )
        body = {"command_id": str(command_id), "disk": disk, "signature": self._keys.sign(digest)}
        return str(msgspec.json.decode(await self._call("POST", "tickets", json=body))["ticket"])

    def is_genuine(self, command: Command) -> bool:
        """Whether the portal itself has signed this command, for this agent."""
        digest = command_digest(
            command_id=command.id,
            agent_id=self._settings.agent_id,
            unit_id=command.unit_id,
            generation=command.generation,
            seq=command.seq,
            step=command.step,
            body=command.body,
        )
        try:
            self._portal_key.verify(base64.b64decode(command.signature), digest)
        except (InvalidSignature, ValueError):
            return False
        return True

    def _signed(self, report: Report) -> dict[str, Any]:
        named = {"number": report.number, "kind": report.kind, "body": report.body}
        digest = report_digest(agent_id=self._settings.agent_id, command_id=report.command_id, **named)
        return {"command_id": str(report.command_id), **named, "signature": self._keys.sign(digest)}

    async def _call(self, method: str, path: str, **options: Any) -> bytes:
        """An answer under a valid bearer. Raises PortalUnreachable, PortalRefused, AgentRevoked."""
        bearer = await self._bearer_get()
        url = f"{self._gateway}/agent/v1/{path}"
        try:
            return await _request(self._client, method, url, headers=_authorization(bearer), **options)
        except PortalRefused as error:
            if error.status != httpx.codes.UNAUTHORIZED:
                raise
        bearer = await self._bearer_get(refused=bearer)
        return await _request(self._client, method, url, headers=_authorization(bearer), **options)

    async def _bearer_get(self, refused: str | None = None) -> str:
        """A bearer that is fresh, and not the one that was just refused."""
        async with self._renewing:
            held = self._bearer
            if held is None or held.value == refused or held.until <= time.monotonic():
                self._bearer = held = await self._session()
            return held.value

    async def _session(self) -> _Bearer:
        asked_at = time.monotonic()
        agent_id, at, nonce = self._settings.agent_id, int(time.time()), secrets.token_hex(16)
        signature = self._keys.sign(session_digest(agent_id=agent_id, at=at, nonce=nonce))
        body = {"agent_id": str(agent_id), "at": at, "nonce": nonce, "signature": signature}
        answer = await _request(self._client, "POST", f"{self._gateway}/agent/v1/session", json=body)
        return _Bearer(str(msgspec.json.decode(answer)["bearer"]), asked_at + BEARER_RENEW_S)


async def _request(client: httpx.AsyncClient, method: str, url: str, **options: Any) -> bytes:
    try:
        answer = await client.request(method, url, **options)
    except httpx.HTTPError as error:
        raise PortalUnreachable(f"{url}: {error or type(error).__name__}") from error
    if answer.is_success:
        return answer.content
    code, detail = _problem(answer)
    if code == REVOKED:
        raise AgentRevoked(answer.status_code, code, detail)
    if answer.is_client_error and answer.status_code not in (408, 425, 429):
        raise PortalRefused(answer.status_code, code, detail)
    said = f"{url}: {answer.status_code} {detail}"
    if answer.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise PortalBusy(said, _wait_s(answer))
    raise PortalUnreachable(said)


def _wait_s(answer: httpx.Response) -> float:
    """What `Retry-After` says in seconds, within bounds: it may be a proxy's, which also sends dates."""
    said = answer.headers.get("Retry-After", "")
    return min(max(float(said), 1.0), BUSY_WAIT_MOST_S) if said.isdecimal() else BUSY_WAIT_S


def _problem(answer: httpx.Response) -> tuple[str, str]:
    try:
        problem = msgspec.json.decode(answer.content)
        return str(problem.get("code", "")), str(problem.get("detail") or problem.get("title") or "")
    except (msgspec.MsgspecError, AttributeError):
        return "", answer.text[:200]


def _authorization(bearer: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {bearer}"}
