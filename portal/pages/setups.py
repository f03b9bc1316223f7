"""How far tenants have come with their set-up, and since when they stand there: four queries for all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Count, Max, Min, Q

from agents.domain.agent import AgentState
from agents.domain.site import SiteState
from agents.models import Agent, Site
from migrations_app.domain.lifecycle import Phase
from migrations_app.models import MigrationGroup, MigrationUnit


@dataclass(frozen=True, slots=True)
class Setup:
    """What a tenant has, and when it got there; a moment that nobody wrote down is None."""

    sites: int = 0
    connected: int = 0
    connected_at: datetime | None = None
    agents: int = 0
    enrolled_at: datetime | None = None
    planned_at: datetime | None = None
    committed: bool = False

    def step(self, since: datetime) -> dict[str, object] | None:
        """Return the step that comes next and since when it is the next one; None once something has moved.

        `since` is when the tenant was taken on.
        """
        if self.committed:
            return None
        chain = (
            ("Site", self.sites, since),
            ("Agent", self.agents, since),
            ("vCenter", self.connected, self.enrolled_at),
            ("Group", self.planned_at, self.connected_at),
            ("First move", None, self.planned_at),
        )
        return next({"name": name, "since": begun or since} for name, done, begun in chain if not done)


NOTHING_YET = Setup()


def setups_of(ids: Sequence[UUID]) -> Mapping[UUID, Setup]:
    """Return how far these tenants are; who has nothing yet is left out."""
    sites = _sites(ids)
    agents = {row[0]: row[1:] for row in _agents(ids)}
    planned = dict(
        MigrationGroup.objects.filter(tenant_id__in=ids)
        .order_by()
        .values_list("tenant_id")
        .annotate(first=Min("created_at"))
    )
    moved = MigrationUnit.objects.filter(tenant_id__in=ids, phase=Phase.COMMITTED).order_by()
    committed = set(moved.values_list("tenant_id", flat=True).distinct())
    return {
        id_: Setup(
            *sites.get(id_, (0, 0, None)),
            *agents.get(id_, (0, None)),
            planned_at=planned.get(id_),
            committed=id_ in committed,
        )
        for id_ in {*sites, *agents, *planned}
    }


def _sites(ids: Sequence[UUID]) -> dict[UUID, tuple[int, int, datetime | None]]:
    well = Q(state=SiteState.CONNECTED)
    rows = (
        Site.objects.filter(tenant_id__in=ids)
        .order_by()
        .values_list("tenant_id")
        .annotate(
            number=Count("id"), connected=Count("id", filter=well), since=Min("state_since", filter=well)
        )
    )
    return {id_: (number, connected, since) for id_, number, connected, since in rows}


def _agents(ids: Sequence[UUID]) -> list[tuple[UUID, int, datetime | None]]:
    rows = Agent.objects.filter(tenant_id__in=ids, state=AgentState.ENROLLED).order_by()
    told = rows.values_list("tenant_id").annotate(number=Count("id"), since=Max("enrolled_at"))
    return [(id_, number, since) for id_, number, since in told]
