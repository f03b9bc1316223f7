"""Pages of agents: the list, and putting one out."""

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
from agents.services import agent_revoke
from tenants.domain.roles import Right
from tenants.interfaces import TenantView

SKEW_MAX_MS = int(SKEW_MAX.total_seconds() * 1000)
_ORDER = (Health.UNREACHABLE, Health.LATE, Health.HEALTHY, Health.REVOKED)


class Agents(TenantView):
    """The organisation's agents."""

    template = "agents/agents.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show the agents, those that need somebody first."""
        now = timezone.now()
        rows = Agent.objects.visible_to(self.actor).select_related("site").order_by("name", "id")
        agents = [shown(agent, now) for agent in rows]
        agents.sort(key=lambda agent: _ORDER.index(agent["health"]))
        silent = [agent for agent in agents if agent["health"] is Health.UNREACHABLE]
        return self.show(
            agents=agents, silent=silent, sites=Site.objects.visible_to(self.actor).order_by("name")
        )


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


def shown(agent: Agent, now: datetime) -> dict[str, Any]:
    """Return an agent with its health, and what its heartbeats say."""
    state = AgentState(agent.state)
    return {
        "row": agent,
        "health": health(state=state, last_seen_at=agent.last_seen_at, now=now),
        "skew_s": agent.clock_skew_ms / 1000,
        "skewed": abs(agent.clock_skew_ms) > SKEW_MAX_MS,
        "can": [str(name).replace("_", " ") for name, has in sorted(agent.capabilities.items()) if has],
    }
