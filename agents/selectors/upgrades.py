"""How agents stand to the release that the portal serves; inside a tenant_context or a provider_context."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from agents.domain.agent import AgentState
from agents.domain.delivery import OPEN, CommandPhase
from agents.domain.protocol import Step
from agents.models import Agent, Command
from agents.selectors.releases import Release


@dataclass(frozen=True, slots=True)
class UpgradeView:
    """The last upgrade that an agent was asked for, as far as it is worth telling."""

    open: bool
    waits: bool
    code: str = ""
    what: str = ""
    why: str = ""
    remedy: str = ""


def upgrades_of(agents: Iterable[Agent]) -> Mapping[UUID, UpgradeView]:
    """Return the upgrades under way, and those that failed; one query."""
    asked = Command.objects.filter(
        unit_id__in=[agent.id for agent in agents], step=Step.UPGRADE.value
    ).order_by("unit_id", "-seq")
    told = {row.unit_id: _view(row) for row in asked.distinct("unit_id").defer("body", "signature")}
    return {unit: view for unit, view in told.items() if view is not None}


def is_behind(agent: Agent, release: Release | None) -> bool:
    """Return whether an agent could be upgraded to this release; one that no installer put there never is."""
    able = agent.state == AgentState.ENROLLED and bool(agent.capabilities.get("upgrade"))
    return able and release is not None and release.is_newer_than(agent.version)


def behind(rows: QuerySet[Agent], release: Release | None) -> QuerySet[Agent]:
    """Return those of these agents that could be upgraded to this release.

    The database compares no versions: it is asked for the few that there are, then for the old ones.
    """
    if release is None:
        return rows.none()
    able = rows.filter(state=AgentState.ENROLLED, capabilities__upgrade=True)
    versions = able.order_by("version").values_list("version", flat=True).distinct()
    return able.filter(version__in=[version for version in versions if release.is_newer_than(version)])


def _view(command: Command) -> UpgradeView | None:
    if command.phase in OPEN:
        return UpgradeView(open=True, waits=bool(command.progress.get("waits")))
    if command.phase != CommandPhase.FAILED:
        return None
    told = {word: str(command.result.get(word, "")) for word in ("code", "what", "why", "remedy")}
    return UpgradeView(open=False, waits=False, **told)
