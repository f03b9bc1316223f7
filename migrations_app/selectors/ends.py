"""The agents at a unit's ends, ours and the provider's, as far as a decision may know them."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from agents.domain.agent import AgentState
from agents.selectors import Pulse, agents_pulse
from migrations_app.domain.snapshot import AgentView
from migrations_app.models import MigrationUnit

Ends = Mapping[UUID, AgentView]


def ends_of(units: Iterable[MigrationUnit]) -> Ends:
    """Return the agents of all ends of `units` by id; one query, and one that is revoked is not there."""
    wanted = {id_ for unit in units for id_ in _ids(unit) if id_}
    pulses = agents_pulse(wanted).values()
    return {pulse.id: _view(pulse) for pulse in pulses if pulse.state is AgentState.ENROLLED}


def _view(pulse: Pulse) -> AgentView:
    return AgentView(
        id=pulse.id,
        last_seen_at=pulse.last_seen_at,
        fingerprint=pulse.fingerprint,
        address=pulse.address,
    )


def _ids(unit: MigrationUnit) -> tuple[UUID | None, ...]:
    return (
        unit.source_id,
        unit.source_connector_id,
        unit.destination_agent_id,
        unit.destination_connector_id,
    )
