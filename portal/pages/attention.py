"""What needs a person, worst first and then oldest; read inside a tenant, or across them as the provider."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Min, Q, QuerySet, Window
from django.urls import reverse

from agents.domain.agent import UNREACHABLE_AFTER, AgentState
from agents.domain.site import SiteState
from agents.models import Agent, Site
from migrations_app.domain.lifecycle import CLOSED, Condition, Desired, Phase
from migrations_app.domain.standing import FOR_A_PERSON
from migrations_app.models import MigrationUnit
from tenants.models import Tenant

SHOWN = 20
HARM, WAITS, SOON = 0, 1, 2
_BY_ITSELF = "The connector goes on trying by itself; running moves go on."
_SITES = {
    SiteState.UNREACHABLE: (HARM, "vCenter of {} is not reached", _BY_ITSELF),
    SiteState.HUNG: (HARM, "vCenter of {} has stopped answering", _BY_ITSELF),
    SiteState.CREDENTIALS_REFUSED: (
        HARM,
        "vCenter of {} refused the password",
        "It is not tried again, so that no account is locked.",
    ),
    SiteState.CERTIFICATE_CHANGED: (
        HARM,
        "vCenter of {} shows another certificate",
        "No password is sent until somebody accepts it.",
    ),
    SiteState.CERTIFICATE_UNKNOWN: (
        WAITS,
        "Compare the certificate of {}",
        "Nobody has accepted it yet, and no password is sent before that.",
    ),
}
_ASKED = sorted(condition.value for condition in FOR_A_PERSON)


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


@dataclass(frozen=True, slots=True)
class Attention:
    """The worst that needs a person, and how much there is in all."""

    items: tuple[Item, ...]
    count: int


def attention(*, now: datetime, reader: UUID, everywhere: bool = False) -> Attention:
    """Return what needs a person, with where `reader`'s people see to it; `everywhere` names whose it is."""
    groups, sites, agents = list(_groups()[:SHOWN]), sites_wrong(), agents_silent(now)
    found = [
        *(_group(row) for row in groups),
        *(_site(row) for row in sites[:SHOWN]),
        *(_agent(row) for row in agents[:SHOWN]),
    ]
    count = (groups[0]["groups"] if groups else 0) + sites.count() + agents.count()
    items = sorted(found, key=lambda item: (item.rank, item.since or now))[:SHOWN]
    names = _names(items) if everywhere else {}
    return Attention(tuple(_for(reader, item, names) for item in items), count)


def sites_wrong() -> QuerySet[Site]:
    """Return the sites whose vCenter does not answer as it should, the oldest first."""
    return Site.objects.filter(state__in=list(_SITES)).order_by("state_since", "id")


def agents_silent(now: datetime) -> QuerySet[Agent]:
    """Return the agents that have not been heard of for too long, the oldest first."""
    rows = Agent.objects.filter(state=AgentState.ENROLLED, last_seen_at__lt=now - UNREACHABLE_AFTER)
    return rows.order_by("last_seen_at", "id")


def units_asking() -> QuerySet[MigrationUnit]:
    """Return the units on which nothing happens until a person decides."""
    decided = Q(group__desired__in=[Desired.COMMIT, Desired.ROLL_BACK])
    waits = Q(phase=Phase.AWAITING_COMMIT) & ~decided
    asks = Q(conditions__has_any_keys=_ASKED) & ~Q(phase__in=CLOSED)
    return MigrationUnit.objects.filter(Q(phase=Phase.FAILED) | waits | asks)


def _groups() -> QuerySet[Any, Any]:
    """Return the groups of those units with how many there are of each kind: people decide by group."""
    asks = Q(conditions__has_any_keys=_ASKED)
    told = units_asking().order_by().values("tenant_id", "group_id", "group__name")
    return told.annotate(
        failed=Count("id", filter=Q(phase=Phase.FAILED)),
        asking=Count("id", filter=asks),
        unknown=Count("id", filter=Q(conditions__has_key=Condition.DESTINATION_UNKNOWN)),
        machines=Count("id"),
        name=Min("name"),
        since=Min("phase_since"),
        # One look at the units for the list and its length: to ask for that anew costs as much again.
        groups=Window(Count("group_id")),
    ).order_by("-failed", "-asking", "since")


def _group(row: Mapping[str, Any]) -> Item:
    some = {key: _machines(row[key], row["name"]) for key in ("failed", "asking")}
    if row["failed"]:
        title = f"{some['failed']} of {row['group__name']} stopped"
        why = "It failed and nothing is lost: both disks are kept as they were. Try again, or bring it back."
    elif row["asking"]:
        title = f"{some['asking']} of {row['group__name']} waits for a decision"
        why = "It can go on two ways, and only a person may choose. Until then nothing is lost."
    else:
        title = f"{row['group__name']} awaits your commit"
        why = "It runs at the destination, and both copies are equal. Until the commit it can be rolled back."
    return Item(
        tenant_id=row["tenant_id"],
        rank=HARM if row["failed"] or row["unknown"] else WAITS,
        title=title,
        why=why,
        code="MIG-01" if row["failed"] else "",
        whose=row["group__name"],
        since=row["since"],
        icon="alert-octagon" if row["failed"] else "user-check",
        tone="bad" if row["failed"] else "warn",
        address=reverse("group", args=[row["tenant_id"], row["group_id"]]),
        verb="Review failure" if row["failed"] else "Decide",
    )


def _machines(count: int, name: str) -> str:
    return name if count == 1 else f"{count} machines"


def _site(row: Site) -> Item:
    state = SiteState(row.state)
    rank, title, why = _SITES[state]
    return Item(
        tenant_id=row.tenant_id,
        rank=rank,
        title=title.format(row.name),
        why=row.state_reason or why,
        code=row.state_code,
        whose=row.name,
        since=row.state_since,
        icon="certificate" if row.state.startswith("certificate") else "plug-connected-x",
        tone="warn" if state is SiteState.CERTIFICATE_UNKNOWN else "bad",
        address=reverse("site", args=[row.tenant_id, row.id]),
        verb="Compare" if state is SiteState.CERTIFICATE_UNKNOWN else "See the remedy",
    )


def _agent(row: Agent) -> Item:
    return Item(
        tenant_id=row.tenant_id,
        rank=HARM,
        title=f"Agent {row.name} is silent",
        why="Its machines keep running. What waits for it goes on by itself when it is back.",
        code="AGT-10",
        whose=row.host_name or row.name,
        since=row.last_seen_at,
        icon="plug-connected-x",
        tone="bad",
        address=reverse("agents", args=[row.tenant_id]),
        verb="See the agents",
    )


def _for(reader: UUID, item: Item, names: Mapping[UUID, str]) -> Item:
    """Return the item as `reader`'s people see it: whose it is, and a page that they may open."""
    if item.tenant_id == reader:
        return item
    title = item.title.replace("awaits your commit", "awaits its tenant's commit")
    whose = names.get(item.tenant_id, item.whose)
    group = item.address.partition("/groups/")[2].strip("/")
    address = reverse("provider_group", args=[group]) if group else reverse("tenant", args=[item.tenant_id])
    return replace(item, title=title, whose=whose, address=address, verb="Open")


def _names(items: list[Item]) -> dict[UUID, str]:
    ids = {item.tenant_id for item in items}
    return dict(Tenant.objects.filter(id__in=ids).values_list("id", "name"))
