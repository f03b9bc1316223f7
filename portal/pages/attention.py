"""What needs a person, worst first and then oldest; read inside a tenant, or across them as the provider."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.urls import reverse

from agents.domain.agent import UNREACHABLE_AFTER, AgentState
from agents.domain.site import SiteState
from agents.models import Agent, Site
from migrations_app.domain.lifecycle import Phase
from migrations_app.models import MigrationUnit

HARM, WAITS, SOON = 0, 1, 2
_SITES = {
    SiteState.UNREACHABLE: (HARM, "vCenter of {} is not reached"),
    SiteState.HUNG: (HARM, "vCenter of {} has stopped answering"),
    SiteState.CREDENTIALS_REFUSED: (HARM, "vCenter of {} refused the password"),
    SiteState.CERTIFICATE_CHANGED: (HARM, "vCenter of {} shows another certificate"),
    SiteState.CERTIFICATE_UNKNOWN: (WAITS, "Compare the certificate of {}"),
}


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that needs a person."""

    tenant_id: UUID
    rank: int
    title: str
    why: str
    code: str
    whose: str
    since: datetime | None
    icon: str
    tone: str
    address: str
    verb: str


def attention(*, now: datetime, names: Mapping[UUID, str]) -> list[Item]:
    """Return what needs a person among the organisations of `names`."""
    items = [*_units(names), *_sites(names), *_agents(names, now)]
    return sorted(items, key=lambda item: (item.rank, item.since or now))


def _units(names: Mapping[UUID, str]) -> list[Item]:
    rows = MigrationUnit.objects.filter(phase__in=(Phase.FAILED, Phase.AWAITING_COMMIT))
    found = rows.select_related("group", "machine").order_by("phase_since")[:200]
    return [_unit(row, names) for row in found]


def _unit(row: MigrationUnit, names: Mapping[UUID, str]) -> Item:
    failed = row.phase == Phase.FAILED
    return Item(
        tenant_id=row.tenant_id,
        rank=HARM if failed else WAITS,
        title=f"{row.machine.name} needs a decision" if failed else f"{row.machine.name} awaits your commit",
        why="It stopped, and nothing is lost: both disks are kept as they were."
        if failed
        else "It runs at the destination, and both copies are equal. Until the commit it can be rolled back.",
        code="MIG-01" if failed else "",
        whose=f"{row.group.name}, {names.get(row.tenant_id, '')}".strip(", "),
        since=row.phase_since,
        icon="alert-octagon" if failed else "user-check",
        tone="bad" if failed else "warn",
        address=f"/t/{row.tenant_id}/groups/{row.group_id}/",
        verb="Review failure" if failed else "Decide",
    )


def _sites(names: Mapping[UUID, str]) -> list[Item]:
    rows = Site.objects.filter(state__in=list(_SITES)).order_by("state_since")[:100]
    return [
        Item(
            tenant_id=row.tenant_id,
            rank=_SITES[SiteState(row.state)][0],
            title=_SITES[SiteState(row.state)][1].format(row.name),
            why=row.state_reason,
            code=row.state_code,
            whose=names.get(row.tenant_id, ""),
            since=row.state_since,
            icon="certificate" if row.state.startswith("certificate") else "plug-connected-x",
            tone="warn" if row.state == SiteState.CERTIFICATE_UNKNOWN else "bad",
            address=reverse("site", args=[row.tenant_id, row.id]),
            verb="Open the site",
        )
        for row in rows
    ]


def _agents(names: Mapping[UUID, str], now: datetime) -> list[Item]:
    silent = Agent.objects.filter(state=AgentState.ENROLLED, last_seen_at__lt=now - UNREACHABLE_AFTER)
    return [
        Item(
            tenant_id=row.tenant_id,
            rank=HARM,
            title=f"Agent {row.name} is silent",
            why="Its machines keep running. What waits for it goes on by itself when it is back.",
            code="AGT-01",
            whose=names.get(row.tenant_id, ""),
            since=row.last_seen_at,
            icon="plug-connected-x",
            tone="bad",
            address=reverse("agents", args=[row.tenant_id]),
            verb="See the agents",
        )
        for row in silent.order_by("last_seen_at")[:100]
    ]
