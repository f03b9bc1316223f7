"""The calls of `docs/protocol.md`, as the gateway answers them."""

import base64
import binascii
import logging
import random
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

import asyncpg
import msgspec

from agents.domain.delivery import ReportKind
from agents.domain.protocol import LONG_POLL_S, TICKET_LIFETIME_S, canonical, report_digest
from agents.gateway.bearers import Bearers
from agents.gateway.due import Due
from agents.gateway.hints import Hints
from agents.gateway.problems import COMMAND_CLOSED, MALFORMED, UNKNOWN, Problem
from agents.gateway.signals import Poll
from agents.gateway.store import Beat, Known, Store, StoredReport
from portal.lib.keys import PortalKeys, signature_holds

log = logging.getLogger(__name__)

FLUSH_S = 0.2
REPORTS_MAX = 200
SPREAD = 0.8, 1.0
SKEW_MS_MAX = 2**31 - 1

NUL = b"\\u0000"
"""PostgreSQL keeps no such character."""
NUMBER_MAX = 2**63 - 1
DEPTH_MAX = 32
"""PostgreSQL keeps deeper ones, and then nobody can read them: Python's recursion ends before."""
_NO_BRACKET = bytes(set(range(256)) - set(b'[]{}"'))

Asked = TypeVar("Asked")
Text = Annotated[str, msgspec.Meta(max_length=255)]


class SessionAsked(msgspec.Struct, frozen=True):
    """Body of a session call."""

    agent_id: UUID
    at: Annotated[int, msgspec.Meta(ge=0, le=2**40)]
    nonce: Annotated[str, msgspec.Meta(min_length=8, max_length=128)]
    signature: Text


class Heartbeat(msgspec.Struct, frozen=True):
    """Body of a heartbeat."""

    number: Annotated[int, msgspec.Meta(ge=1, le=NUMBER_MAX)]
    at: Annotated[int, msgspec.Meta(ge=0, le=2**40)]
    version: Annotated[str, msgspec.Meta(max_length=40)] = ""
    address: Text = ""
    capabilities: dict[str, Any] = {}


class Reported(msgspec.Struct, frozen=True):
    """One report."""

    command_id: UUID
    number: Annotated[int, msgspec.Meta(ge=1, le=2_000_000_000)]
    kind: ReportKind
    body: dict[str, Any]
    signature: Text


class Reports(msgspec.Struct, frozen=True):
    """Body of a call with reports."""

    reports: Annotated[list[Reported], msgspec.Meta(max_length=REPORTS_MAX)]


class TicketAsked(msgspec.Struct, frozen=True):
    """Body of a ticket's renewal."""

    command_id: UUID
    disk: Text
    signature: Text


_SESSION = msgspec.json.Decoder(SessionAsked)
_HEARTBEAT = msgspec.json.Decoder(Heartbeat)
_REPORTS = msgspec.json.Decoder(Reports)
_TICKET = msgspec.json.Decoder(TicketAsked)


class Calls:
    """One method per call; each returns what is sent as JSON, and raises Problem."""

    def __init__(self, *, store: Store, bearers: Bearers, due: Due, hints: Hints, keys: PortalKeys) -> None:
        self._store = store
        self._bearers = bearers
        self._due = due
        self._hints = hints
        self._keys = keys
        self._beats: dict[UUID, Beat] = {}

    async def session(self, content: bytes) -> Mapping[str, object]:
        """A fresh bearer."""
        asked = _decode(content, _SESSION)
        bearer, expires = await self._bearers.session(
            agent_id=asked.agent_id, at=asked.at, nonce=asked.nonce, signature=_base64(asked.signature)
        )
        return {"bearer": bearer, "expires": expires, "now": int(time.time())}

    async def heartbeat(self, agent: Known, content: bytes) -> Mapping[str, object]:
        """Taken; stored with the next flush, 200 ms later at the most."""
        beat = _decode(content, _HEARTBEAT)
        if NUL in content:
            raise Problem(MALFORMED)
        now = time.time()
        held = self._beats.get(agent.id)
        if held is None or held.number < beat.number:
            self._beats[agent.id] = Beat(
                agent_id=agent.id,
                number=beat.number,
                at=datetime.fromtimestamp(now, UTC),
                version=beat.version,
                address=beat.address,
                capabilities=beat.capabilities,
                skew_ms=max(-SKEW_MS_MAX, min(SKEW_MS_MAX, int((beat.at - now) * 1000))),
            )
        return {"now": int(now)}

    async def commands(self, agent: Known, poll: Poll, wait: float) -> Mapping[str, object]:
        """What is due, after at most `wait` seconds; nothing is leased to who has hung up or is revoked."""
        # Polls that began together, as after a restart, are not to end together.
        until = time.monotonic() + min(max(wait, 0.0), LONG_POLL_S) * random.uniform(*SPREAD)  # noqa: S311
        due = await self._due.is_due(agent.id)
        while not poll.gone:
            if due and (claimed := await self._store.commands_claim(agent.id, datetime.now(UTC))):
                return {"commands": [_command(row) for row in claimed]}
            if (left := until - time.monotonic()) <= 0:
                break
            if due := await poll.wait(left):
                await self._bearers.still(agent)
        return {"commands": []}

    async def reports(self, agent: Known, content: bytes) -> Mapping[str, object]:
        """Stored, each once; only then does the agent forget them."""
        reports = [_checked(agent, report) for report in _decode(content, _REPORTS).reports]
        stored = await self._store.reports_store(agent.id, reports, datetime.now(UTC))
        for command_id, tenant_id in set(stored):
            self._hints.add(command_id, tenant_id)
        return {"stored": len(stored)}

    async def ticket(self, agent: Known, content: bytes) -> Mapping[str, object]:
        """A fresh ticket in place of the one that the command came with."""
        asked = _decode(content, _TICKET)
        digest = report_digest(
            agent_id=agent.id,
            command_id=asked.command_id,
            number=0,
            kind="ticket",
            body={"disk": asked.disk},
        )
        if not signature_holds(bytes(agent.signing_key), _base64(asked.signature), digest):
            raise Problem(UNKNOWN)
        body = await self._store.command_body(asked.command_id, agent.id, datetime.now(UTC))
        held = (body or {}).get("tickets", {}).get(asked.disk)
        if held is None:
            raise Problem(COMMAND_CLOSED)
        encoded = held.partition(".")[0]
        terms = msgspec.json.decode(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
        return {
            "ticket": self._keys.ticket(canonical({**terms, "expires": int(time.time()) + TICKET_LIFETIME_S}))
        }

    async def beats_flush(self) -> None:
        """Store the heartbeats that came since the last flush; when the database is away, keep the newest."""
        beats, self._beats = self._beats, {}
        if not beats:
            return
        try:
            await self._store.heartbeats_apply(list(beats.values()))
        except asyncpg.DataError:
            await self._beats_one_by_one(list(beats.values()))
        except Exception:
            self._beats = {**beats, **self._beats}
            raise

    async def _beats_one_by_one(self, beats: Sequence[Beat]) -> None:
        """One of them cannot be stored: it must not take the others along."""
        for beat in beats:
            try:
                await self._store.heartbeats_apply([beat])
            except asyncpg.DataError as error:
                log.warning("a heartbeat of agent %s cannot be stored: %s", beat.agent_id, error)


def _command(row: Mapping[str, Any]) -> dict[str, object]:
    return {
        "id": row["id"],
        "unit_id": row["unit_id"],
        "generation": row["generation"],
        "seq": row["seq"],
        "step": row["step"],
        "body": msgspec.Raw(row["body"].encode()),
        "deadline": row["deadline"],
        "signature": base64.b64encode(row["signature"]).decode(),
    }


def _checked(agent: Known, report: Reported) -> StoredReport:
    if report.kind is ReportKind.CLOSED:  # the portal's own
        raise Problem(MALFORMED)
    signature = _base64(report.signature)
    digest = report_digest(
        agent_id=agent.id,
        command_id=report.command_id,
        number=report.number,
        kind=report.kind,
        body=report.body,
    )
    if not signature_holds(bytes(agent.signing_key), signature, digest):
        raise Problem(UNKNOWN)
    return StoredReport(report.command_id, report.number, report.kind.value, report.body, signature)


def _decode(content: bytes, decoder: msgspec.json.Decoder[Asked]) -> Asked:
    try:
        decoded = decoder.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(MALFORMED) from error
    if _is_deep(content):
        raise Problem(MALFORMED)
    return decoded


def _is_deep(content: bytes) -> bool:
    """Return whether JSON has values in values beyond DEPTH_MAX; any beyond twice as many are found."""
    marks = content.replace(rb"\\", b"").replace(rb"\"", b"").translate(None, _NO_BRACKET)
    brackets = b"".join(marks.replace(b'""', b"").split(b'"')[::2])
    for _ in range(DEPTH_MAX):
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
    return bool(brackets)


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Problem(MALFORMED) from error
