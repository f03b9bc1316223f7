"""Asking agents to take the release that the portal serves, from the list of them."""

from collections.abc import Sequence
from typing import ClassVar

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from agents.domain.agent import AgentState
from agents.models import Agent
from agents.selectors.releases import release_served
from agents.selectors.upgrades import behind, upgrades_of
from agents.services import Asked, agents_upgrade, agents_upgrade_everywhere, release_need
from agents.views.agents import COLUMNS, agent_line, shown
from portal.lib.paging import page_of
from tenants.domain.roles import Right
from tenants.interfaces import ProviderView, TenantView
from tenants.interfaces.api import uuid_or_404
from tenants.interfaces.files import csv_answer

NAMED = 3
"""So many are told by name."""


class AgentsUpgrade(TenantView):
    """Upgrading one agent, some, or all that are behind."""

    right = Right.MANAGE_SITES

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Ask those that are named, or all that are behind; say what became of each."""
        chosen = chosen_of(request, Agent.objects.visible_to(self.actor))
        told = agents_upgrade(agents=chosen, actor=self.actor, now=timezone.now())
        asked_tell(request, told)
        return redirect("agents", self.actor.tenant_id)

    def refused_to(self, request: HttpRequest) -> str:
        """Return the list."""
        return reverse("agents", args=[self.actor.tenant_id])


class ProviderAgents(ProviderView):
    """All tenants' agents, and who of them is behind."""

    rights: ClassVar = {"POST": Right.PROVIDER_MANAGE}
    template = "agents/everywhere.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show one page of them by name."""
        now, release = timezone.now(), release_served()
        everybody = Agent.objects.exclude(state=AgentState.REVOKED)
        old = behind(everybody, release)
        only = request.GET.get("behind") == "yes"
        rows = (old if only else everybody).select_related("site", "tenant")
        page = page_of(rows, sort="name", cursor=request.GET.get("cursor", ""))
        upgrades = upgrades_of(page.rows)
        return self.show(
            agents=[shown(agent, now, upgrades) for agent in page.rows],
            page=page,
            count=rows.count(),
            behind=old.count(),
            only=only,
            release=release,
        )

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Ask those that are named, or all that are behind, each inside its own organisation."""
        chosen = chosen_of(request, Agent.objects.all())
        told = agents_upgrade_everywhere(agents=chosen, actor=self.actor, now=timezone.now())
        asked_tell(request, told)
        return redirect("provider_agents")


class ProviderAgentsCsv(ProviderView):
    """The same as a file."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Return all of them by name, or those that are behind."""
        now = timezone.now()
        rows = Agent.objects.exclude(state=AgentState.REVOKED)
        if request.GET.get("behind") == "yes":
            rows = behind(rows, release_served())
        found = rows.select_related("site", "tenant").order_by("name", "id")
        lines = [(agent.tenant.name, *agent_line(shown(agent, now))) for agent in found]
        return csv_answer(f"agents-{now:%Y-%m-%d}.csv", [("tenant", *COLUMNS), *lines])


def chosen_of(request: HttpRequest, rows: QuerySet[Agent]) -> list[Agent]:
    """Return those of these agents that the form names, or all that are behind. Raises ReleaseMissing."""
    if "behind" in request.POST:
        return list(behind(rows, release_need()).order_by("name", "id"))
    return list(rows.filter(id__in=[uuid_or_404(text) for text in request.POST.getlist("agent")]))


def asked_tell(request: HttpRequest, told: Sequence[Asked]) -> None:
    """Tell what became of each."""
    done = [asked.agent.name for asked in told if asked.refusal is None]
    refusals = [asked.refusal for asked in told if asked.refusal is not None]
    if done:
        messages.success(
            request,
            f"Asked to upgrade: {_named(done)}. Each does so at a moment when nothing is moved on its host.",
        )
    for refusal in refusals[:NAMED]:
        messages.warning(request, f"{refusal} ({refusal.code})")
    if len(refusals) > NAMED:
        messages.warning(request, f"{len(refusals) - NAMED} more were not asked.")
    if not told:
        messages.warning(request, "No agent was asked: none was chosen, or none is behind.")


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
