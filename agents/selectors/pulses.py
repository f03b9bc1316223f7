"""What may be asked of agents whoever they belong to: by named functions, for those who know the id."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection

from agents.domain.agent import AgentState, Health, health


@dataclass(frozen=True, slots=True)
class Pulse:
    """How one agent does, and how its peers know it."""

    id: UUID
    state: AgentState
    last_seen_at: datetime | None
    fingerprint: str
    address: str

    def health(self, now: datetime) -> Health:
        """Return the agent's health at `now`."""
        return health(state=self.state, last_seen_at=self.last_seen_at, now=now)


def agents_pulse(ids: Iterable[UUID]) -> dict[UUID, Pulse]:
    """Return the pulse of each of these agents, the provider's too; unknown ids are absent."""
    wanted = [str(agent_id) for agent_id in ids]
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT agent_id, state, last_seen_at, fingerprint, address FROM public.agents_pulse(%s::uuid[])",
            [wanted],
        )
        rows = cursor.fetchall()
    return {row[0]: Pulse(row[0], AgentState(row[1]), row[2], row[3], row[4]) for row in rows}


def agent_key(agent_id: UUID) -> bytes:
    """Return the raw Ed25519 key of an enrolled agent, whoever it belongs to; empty for any other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT signing_key, state FROM public.agent_by_id(%s::uuid)", [str(agent_id)])
        row = cursor.fetchone()
    if row is None or row[1] != AgentState.ENROLLED:
        return b""
    return bytes(row[0])
