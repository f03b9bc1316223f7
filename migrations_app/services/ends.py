"""Which agents serve a unit: at its source's host, at a host of the destination, and both connectors."""

from collections.abc import Sequence
from uuid import UUID

from agents.domain.agent import AgentState, Duty
from agents.models import Agent, Host, Offer
from migrations_app.models import MigrationGroup, MigrationUnit

ENDS = (
    "source",
    "source_connector",
    "destination_agent_id",
    "destination_connector_id",
    "destination_host_moid",
)


def ends_assign(*, group: MigrationGroup, units: Sequence[MigrationUnit]) -> None:
    """Set the ends of `units` (not saved) as the inventory and the offer have them now.

    What is missing stays empty and is told by pre-flight. The destination's hosts take turns.
    """
    serving = _host_agents({unit.machine.site_id for unit in units})
    landings = _landings(group.offer, group.datastore_moid)
    for turn, unit in enumerate(sorted(units, key=lambda unit: (unit.tier, unit.name))):
        unit.source = serving.get((unit.machine.site_id, unit.machine.host_moid))
        unit.source_connector_id = unit.machine.site.connector_id
        unit.destination_connector_id = group.offer.connector_id
        host_moid, agent_id = landings[turn % len(landings)] if landings else ("", None)
        unit.destination_host_moid, unit.destination_agent_id = host_moid, agent_id


def _host_agents(site_ids: set[UUID]) -> dict[tuple[UUID, str], Agent]:
    """Return the agent of each (site, host moid): agents know their host by the name vCenter gives it."""
    moids = {
        (site_id, name): moid
        for site_id, name, moid in Host.objects.filter(site_id__in=site_ids, gone_at=None).values_list(
            "site_id", "name", "moid"
        )
    }
    agents = Agent.objects.filter(
        site_id__in=site_ids, state=AgentState.ENROLLED, duties__contains=[Duty.HOST.value]
    )
    found = {(agent.site_id, moids.get((agent.site_id, agent.host_name), "")): agent for agent in agents}
    return {place: agent for place, agent in found.items() if place[1]}


def _landings(offer: Offer, datastore_moid: str) -> list[tuple[str, UUID]]:
    """Return the (host moid, agent id) of the destination's hosts that see the datastore."""
    return [
        (host["moid"], UUID(host["agent_id"]))
        for host in offer.hosts
        if host.get("agent_id") and datastore_moid in host.get("datastores", [])
    ]
