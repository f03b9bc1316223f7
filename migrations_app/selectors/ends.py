"""The agents at a unit's ends, ours and the provider's, as far as a decision may know them."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from agents.models import Agent
from migrations_app.domain.snapshot import AgentView
from migrations_app.models import MigrationUnit

Ends = Mapping[UUID, AgentView]


def ends_of(units: Iterable[MigrationUnit]) -> Ends:
    """Return the agents of all ends of `units` by id."""
    wanted = {id_ for unit in units for id_ in _ids(unit) if id_}
    return {
        agent.id: AgentView(id=agent.id, last_seen_at=agent.last_seen_at, fingerprint=agent.fingerprint)
        for agent in Agent.objects.filter(id__in=wanted)
    }


def _ids(unit: MigrationUnit) -> tuple[UUID | None, ...]:
    return (
        unit.source_id,
        unit.source_connector_id,
        unit.destination_agent_id,
        unit.destination_connector_id,
    )
