"""A tenant's home: what needs a person, what to do next, how it stands."""

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from agents.domain.site import SiteState
from agents.models import Agent, Offer, Site, VirtualMachine
from migrations_app.domain.lifecycle import CLOSED, Phase
from migrations_app.models import MigrationGroup, MigrationUnit
from migrations_app.selectors.usage import uses_limited, uses_warned
from portal.pages.attention import attention
from tenants.domain.roles import TenantKind
from tenants.interfaces import TenantView


class TenantHome(TenantView):
    """The first page of an organisation."""

    template = "pages/tenant_home.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show it; the provider's own home is another page."""
        if self.belonging.kind is TenantKind.PROVIDER:
            return redirect("provider_home")
        counts = self._counts()
        needs = attention(now=timezone.now(), reader=self.actor.tenant_id)
        return self.show(
            items=needs.items,
            count=needs.count,
            counts=counts,
            steps=_steps(counts),
            following=self._next(counts),
            warned=uses_warned(uses_limited(self.actor.tenant_id)),
        )

    def _counts(self) -> dict[str, Any]:
        sites = Site.objects.visible_to(self.actor)
        units = MigrationUnit.objects.visible_to(self.actor)
        told = units.aggregate(
            moving=Count("id", filter=~Q(phase__in=[*CLOSED, Phase.PLANNED])),
            committed=Count("id", filter=Q(phase=Phase.COMMITTED)),
            back=Count("id", filter=Q(phase=Phase.ROLLED_BACK)),
        )
        return {
            **told,
            "sites": sites.count(),
            "connected": sites.filter(state=SiteState.CONNECTED).count(),
            "agents": Agent.objects.visible_to(self.actor).filter(revoked_at=None).count(),
            "machines": VirtualMachine.objects.visible_to(self.actor).filter(gone_at=None).count(),
            "offers": Offer.objects.visible_to(self.actor).count(),
            "groups": MigrationGroup.objects.visible_to(self.actor).count(),
        }

    def _next(self, counts: dict[str, Any]) -> dict[str, str] | None:
        """Return the next step of a tenant that has not moved anything yet."""
        first = Site.objects.visible_to(self.actor).order_by("name").first()
        site = reverse("site", args=[self.actor.tenant_id, first.id]) if first else ""
        sites = reverse("sites", args=[self.actor.tenant_id])
        groups = f"/t/{self.actor.tenant_id}/groups/new"
        chain = (
            ("sites", "Add your first site", "Name the place where your machines run.", sites),
            ("agents", "Install the agent", "One command on a host; about two minutes.", site),
            ("connected", "Connect vCenter", "Address, user, password, one certificate.", site),
            ("groups", "Plan your first group", "Pick the machines that move together.", groups),
        )
        for key, verb, why, address in chain:
            if not counts[key]:
                return {"verb": verb, "why": why, "address": address}
        return None


def _steps(counts: dict[str, Any]) -> list[dict[str, str]]:
    chain = (
        ("Site", counts["sites"], f"{counts['sites']}", "name it"),
        ("Agent", counts["agents"], f"{counts['agents']} enrolled", "one command"),
        ("vCenter", counts["connected"], f"{counts['machines']:,} machines", "4 fields"),
        ("Group", counts["groups"], f"{counts['groups']} planned", "pick machines"),
        ("Moved", counts["committed"], f"{counts['committed']} committed", "your decision"),
    )
    current = next((at for at, step in enumerate(chain) if not step[1]), len(chain))
    return [
        {
            "name": name,
            "when": done if at < current else hint,
            "is": "done" if at < current else "current" if at == current else "next",
            "tone": "run",
        }
        for at, (name, _, done, hint) in enumerate(chain)
    ]
