"""Pages of agents: the list, and putting one out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from agents.domain.agent import SKEW_MAX, AgentState, Health, health
from agents.models import Agent, Site
from agents.selectors.releases import release_served
from agents.selectors.standing import PLACE, agents_standing
from agents.selectors.upgrades import UpgradeView, behind, is_behind, upgrades_of
from agents.services import agent_revoke
from portal.lib.paging import page_of
from tenants.domain.roles import Right
from tenants.interfaces import TenantView
from tenants.interfaces.files import csv_answer

SKEW_MAX_MS = int(SKEW_MAX.total_seconds() * 1000)
SILENT_TOLD = 3
"""So many silent agents are told in full above the list; the list itself begins with all of them."""
FAILED_TOLD = 3
"""So many upgrades that failed are told in full."""
SITES_OFFERED = 6
COLUMNS = ("agent", "site", "health", "version", "behind", "last_heard_utc", "clock_skew_s", "can", "id")


class Agents(TenantView):
    """The organisation's agents."""

    template = "agents/agents.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show the agents, those that need somebody first."""
        now = timezone.now()
        rows, stand = agents_standing(self.actor, now=now)
        page = page_of(rows, sort=PLACE, cursor=request.GET.get("cursor", ""))
        upgrades = upgrades_of(page.rows)
        agents = [shown(agent, now, upgrades) for agent in page.rows]
        release = release_served()
        silent = [agent for agent in agents if agent["health"] is Health.UNREACHABLE]
        return self.show(
            agents=agents,
            page=page,
            stand=stand,
            silent=silent[:SILENT_TOLD],
            failed=[agent for agent in agents if agent["upgrade"] and agent["upgrade"].code][:FAILED_TOLD],
            release=release,
            behind=behind(Agent.objects.visible_to(self.actor), release).count(),
            more_silent=stand.needing - len(silent[:SILENT_TOLD]),
            sites=Site.objects.visible_to(self.actor).order_by("name")[:SITES_OFFERED],
        )


class AgentsCsv(TenantView):
    """The same as a file."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Return all of them, those that need somebody first."""
        now = timezone.now()
        rows, _ = agents_standing(self.actor, now=now)
        lines = [agent_line(shown(agent, now)) for agent in rows.order_by(PLACE, "id")]
        return csv_answer(f"agents-{now:%Y-%m-%d}.csv", [COLUMNS, *lines])


class AgentRevoke(TenantView):
    """Putting an agent out."""

    right = Right.MANAGE_SITES
    template = "agents/revoke.html"

    def get(self, request: HttpRequest, agent: UUID) -> HttpResponseBase:
        """Ask, and say what follows."""
        return self.show(agent=self._agent(agent))

    def post(self, request: HttpRequest, agent: UUID) -> HttpResponseBase:
        """Put it out."""
        own = self._agent(agent)
        agent_revoke(agent=own, actor=self.actor, now=timezone.now())
        messages.success(request, f"{own.name} is revoked. What it says counts no more.")
        return redirect("agents", self.actor.tenant_id)

    def refused_to(self, request: HttpRequest) -> str:
        """Return the list."""
        return reverse("agents", args=[self.actor.tenant_id])

    def _agent(self, agent: UUID) -> Agent:
        return Agent.objects.visible_to(self.actor).select_related("site").get(id=agent)


def shown(agent: Agent, now: datetime, upgrades: Mapping[UUID, UpgradeView] | None = None) -> dict[str, Any]:
    """Return an agent with its health, what its heartbeats say, and how it stands to the release served."""
    state = AgentState(agent.state)
    return {
        "upgrade": (upgrades or {}).get(agent.id),
        "behind": is_behind(agent, release_served()),
        "row": agent,
        "health": health(state=state, last_seen_at=agent.last_seen_at, now=now),
        "skew_s": agent.clock_skew_ms / 1000,
        "skewed": abs(agent.clock_skew_ms) > SKEW_MAX_MS,
        "can": [str(name).replace("_", " ") for name, has in sorted(agent.capabilities.items()) if has],
    }


def agent_line(agent: dict[str, Any]) -> tuple[str, ...]:
    """Return an agent as a line of a file, under COLUMNS."""
    row = agent["row"]
    heard = f"{row.last_seen_at:%Y-%m-%d %H:%M:%S}" if row.last_seen_at else ""
    front = (
        row.name,
        row.site.name,
        agent["health"].value,
        row.version,
        "yes" if agent["behind"] else "no",
        heard,
    )
    return (*front, str(agent["skew_s"]), ", ".join(agent["can"]), str(row.id))
