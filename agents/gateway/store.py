"""Every SQL statement of the gateway. A contract test runs them all against the migrated schema, as its role.

Whatever belongs to a tenant is reached inside that tenant, by SET LOCAL; only named functions look across.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import msgspec

from agents.domain.delivery import LEASE

CLAIM_MAX = 20

AGENT_BY_BEARER = "SELECT agent_id, tenant_id, state, expires, signing_key FROM public.agent_by_bearer($1)"
AGENT_BY_ID = "SELECT agent_id, tenant_id, state, signing_key FROM public.agent_by_id($1)"
BEARER_SET = (
    "UPDATE public.agent SET bearer_hash = $2, bearer_expires_at = $3 WHERE id = $1 AND state = 'enrolled'"
)
HEARTBEATS = "SELECT agent_id FROM public.heartbeats_apply($1, $2, $3, $4, $5, $6, $7)"
SKEW_SET = "UPDATE public.agent SET clock_skew_ms = $2 WHERE id = $1 AND state = 'enrolled'"
AGENTS_REVOKED = "SELECT agent_id FROM public.agents_revoked($1)"
AGENTS_DUE = "SELECT agent_id FROM public.agents_due($1, $2)"
# A poll may look just when its agent is being revoked, and before the gateway has heard of it.
TENANTS_WITH_COMMANDS = """
    SELECT tenant_id FROM public.commands_for($1, $2)
    WHERE EXISTS (SELECT FROM public.agent_by_id($1) WHERE state = 'enrolled')
"""
COMMAND_TENANT = "SELECT tenant_id FROM public.command_tenant($1, $2)"
TENANT_ENTER = "SELECT set_config('landfall.tenant_id', $1, true)"
COMMANDS_CLAIM = """
    UPDATE public.command SET deliver_after = $3, deliveries = deliveries + 1
    WHERE id IN (
        SELECT id FROM public.command
        WHERE agent_id = $1 AND phase = 'pending' AND deliver_after <= $2 AND deadline > $2
        ORDER BY deliver_after LIMIT $4 FOR UPDATE SKIP LOCKED
    )
    RETURNING id, unit_id, generation, seq, step, body, deadline, signature
"""
REPORT_STORE = """
    INSERT INTO public.report (id, tenant_id, command_id, number, kind, body, received_at, signature)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING
"""
COMMAND_OPEN = """
    SELECT body FROM public.command
    WHERE id = $1 AND agent_id = $2 AND phase IN ('pending', 'accepted') AND deadline > $3
"""


@dataclass(frozen=True, slots=True)
class Known:
    """An agent as the gateway knows it."""

    id: UUID
    tenant_id: UUID
    state: str
    signing_key: bytes
    expires: datetime | None = None


@dataclass(frozen=True, slots=True)
class Beat:
    """One heartbeat."""

    agent_id: UUID
    number: int
    at: datetime
    version: str
    address: str
    capabilities: object
    skew_ms: int


@dataclass(frozen=True, slots=True)
class StoredReport:
    """One report on its way into the database."""

    command_id: UUID
    number: int
    kind: str
    body: object
    signature: bytes


class Store:
    """The gateway's connections; every method raises what asyncpg does when the database is away."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._tenants: dict[tuple[UUID, UUID], UUID] = {}

    async def agent_by_bearer(self, hash_: bytes) -> Known | None:
        """Return the agent that holds this bearer."""
        row = await self._pool.fetchrow(AGENT_BY_BEARER, hash_)
        if row is None:
            return None
        return Known(row["agent_id"], row["tenant_id"], row["state"], row["signing_key"], row["expires"])

    async def agent_by_id(self, agent_id: UUID) -> Known | None:
        """Return the agent, whatever its state."""
        row = await self._pool.fetchrow(AGENT_BY_ID, agent_id)
        if row is None:
            return None
        return Known(row["agent_id"], row["tenant_id"], row["state"], row["signing_key"])

    async def bearer_set(self, agent: Known, hash_: bytes, expires: datetime) -> bool:
        """Give the agent a bearer in place of its old one; return whether it may have one."""
        async with self._inside(agent.tenant_id) as session:
            return str(await session.execute(BEARER_SET, agent.id, hash_, expires)) == "UPDATE 1"

    async def skew_set(self, agent: Known, skew_ms: int) -> None:
        """Note how wrong the clock of an agent is that gets no session for it."""
        async with self._inside(agent.tenant_id) as session:
            await session.execute(SKEW_SET, agent.id, skew_ms)

    async def agents_revoked(self, since: datetime) -> list[UUID]:
        """Return who has been revoked since then."""
        return [row["agent_id"] for row in await self._pool.fetch(AGENTS_REVOKED, since)]

    async def agents_due(self, agent_ids: Sequence[UUID], now: datetime) -> list[UUID]:
        """Return which of these agents have a command due."""
        return [row["agent_id"] for row in await self._pool.fetch(AGENTS_DUE, agent_ids, now)]

    async def heartbeats_apply(self, beats: Sequence[Beat]) -> None:
        """Store heartbeats of any agents in one statement."""
        await self._pool.fetch(
            HEARTBEATS,
            [beat.agent_id for beat in beats],
            [beat.number for beat in beats],
            [beat.at for beat in beats],
            [beat.version for beat in beats],
            [beat.address for beat in beats],
            [msgspec.json.encode(beat.capabilities).decode() for beat in beats],
            [beat.skew_ms for beat in beats],
        )

    async def commands_claim(self, agent_id: UUID, now: datetime) -> list[dict[str, Any]]:
        """Lease what is due for the agent, on whosever behalf, and return it."""
        claimed: list[dict[str, Any]] = []
        for row in await self._pool.fetch(TENANTS_WITH_COMMANDS, agent_id, now):
            async with self._inside(row["tenant_id"]) as session:
                found = await session.fetch(COMMANDS_CLAIM, agent_id, now, now + LEASE, CLAIM_MAX)
            claimed += [dict(record) for record in found]
        return sorted(claimed, key=lambda command: (str(command["unit_id"]), command["seq"]))

    async def reports_store(
        self, agent_id: UUID, reports: Sequence[StoredReport], now: datetime
    ) -> list[Any]:
        """Store reports on this agent's own commands; return (command, tenant) of what was stored."""
        rows: dict[UUID, list[tuple[Any, ...]]] = {}
        stored = []
        for report in reports:
            tenant = await self._tenant_of(report.command_id, agent_id)
            if tenant is None:
                continue  # a command that is not this agent's: nothing to say about it
            body = msgspec.json.encode(report.body).decode()
            row = (uuid4(), tenant, report.command_id, report.number, report.kind, body, now)
            rows.setdefault(tenant, []).append((*row, report.signature))
            stored.append((report.command_id, tenant))
        for tenant, of_tenant in rows.items():
            async with self._inside(tenant) as session:
                await session.executemany(REPORT_STORE, of_tenant)
        return stored

    async def command_body(self, command_id: UUID, agent_id: UUID, now: datetime) -> Any:
        """Return the body of the agent's open command, or None."""
        tenant = await self._tenant_of(command_id, agent_id)
        if tenant is None:
            return None
        async with self._inside(tenant) as session:
            body = await session.fetchval(COMMAND_OPEN, command_id, agent_id, now)
        return None if body is None else msgspec.json.decode(body)

    @asynccontextmanager
    async def _inside(self, tenant_id: UUID) -> AsyncIterator[Any]:
        async with self._pool.acquire() as session, session.transaction():
            await session.execute(TENANT_ENTER, str(tenant_id))
            yield session

    async def _tenant_of(self, command_id: UUID, agent_id: UUID) -> UUID | None:
        known = self._tenants.get((command_id, agent_id))
        if known is None:
            known = await self._pool.fetchval(COMMAND_TENANT, command_id, agent_id)
            if known is not None:
                if len(self._tenants) > 10_000:
                    self._tenants.clear()
                self._tenants[command_id, agent_id] = known
        return known
