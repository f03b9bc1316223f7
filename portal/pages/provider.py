"""The provider's pages that span apps: home, tenants, one tenant with its destinations."""

from collections import Counter
from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string

from agents.models import Agent, Offer, Site, VirtualMachine
from agents.services import offer_grant
from migrations_app.domain.lifecycle import CLOSED, Phase
from migrations_app.models import MigrationUnit
from portal.pages.attention import Item, attention
from tenants.domain.roles import Right, TenantKind
from tenants.interfaces import ProviderView
from tenants.models import Membership, Tenant
from tenants.services import tenant_onboard

PASSWORD_LENGTH = 16


class ProviderHome(ProviderView):
    """What needs the provider's staff first, then how the tenants stand."""

    template = "pages/provider_home.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show it."""
        tenants, items = _stand()
        return self.show(
            items=items[:20],
            count=len(items),
            tenants=[tenant for tenant in tenants if tenant["kind"] == TenantKind.CUSTOMER][:10],
            moving=MigrationUnit.objects.exclude(phase__in=[*CLOSED, Phase.PLANNED]).count(),
            now=timezone.now(),
        )


class Tenants(ProviderView):
    """The provider's tenants."""

    template = "pages/tenants.html"
    rights: ClassVar = {"POST": Right.PROVIDER_MANAGE}

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show them."""
        return self.show(tenants=_customers())

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Make a tenant with its first owner, whose password is on this answer and nowhere else."""
        password = get_random_string(PASSWORD_LENGTH)
        email = request.POST.get("owner_email", "").strip()
        tenant = tenant_onboard(
            name=request.POST.get("name", "").strip()[:200],
            email=email,
            person_name=request.POST.get("owner_name", "").strip()[:200],
            password=password,
        )
        return self.show(tenants=_customers(), made=tenant, email=email, password=password)


class OneTenant(ProviderView):
    """One tenant: its people, its estate in numbers, and where it may move to."""

    template = "pages/tenant.html"

    def get(self, request: HttpRequest, organisation: UUID) -> HttpResponseBase:
        """Show it."""
        tenant = Tenant.objects.get(id=organisation, kind=TenantKind.CUSTOMER)
        of = {"tenant": tenant}
        offers = list(Offer.objects.filter(**of).order_by("name"))
        granted = {offer.site_id for offer in offers}
        own = Site.objects.filter(tenant_id=self.actor.tenant_id).order_by("name")
        return self.show(
            tenant=tenant,
            people=Membership.objects.filter(**of).select_related("user").order_by("id"),
            offers=offers,
            grantable=[site for site in own if site.id not in granted],
            sites=Site.objects.filter(**of).order_by("name"),
            counts={
                "agents": Agent.objects.filter(**of, revoked_at=None).count(),
                "machines": VirtualMachine.objects.filter(**of, gone_at=None).count(),
                "moving": MigrationUnit.objects.filter(**of).exclude(phase__in=CLOSED).count(),
            },
        )


class TenantOffers(ProviderView):
    """Granting one of the provider's own sites as a destination."""

    right = Right.PROVIDER_MANAGE

    def post(self, request: HttpRequest, organisation: UUID) -> HttpResponseBase:
        """Grant it."""
        tenant = Tenant.objects.get(id=organisation, kind=TenantKind.CUSTOMER)
        site = Site.objects.visible_to(self.actor).get(id=_uuid(request.POST.get("site", "")))
        offer_grant(site=site, tenant_id=tenant.id, now=timezone.now())
        messages.success(request, f"{tenant.name} may move to {site.name}.")
        return redirect("tenant", organisation)

    def refused_to(self, request: HttpRequest) -> str:
        """Return the tenant's page."""
        named = request.resolver_match.kwargs if request.resolver_match else {}
        return reverse("tenant", args=[named["organisation"]])


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


def _customers() -> list[dict[str, Any]]:
    tenants, _ = _stand()
    return [tenant for tenant in tenants if tenant["kind"] == TenantKind.CUSTOMER]


def _stand() -> tuple[list[dict[str, Any]], list[Item]]:
    """Return all organisations, each with how many things are wrong there, and those things."""
    tenants = _tenants()
    items = attention(now=timezone.now(), names={tenant["id"]: tenant["name"] for tenant in tenants})
    wrong = Counter(item.tenant_id for item in items)
    return [{**tenant, "wrong": wrong[tenant["id"]]} for tenant in tenants], items


def _tenants() -> list[dict[str, Any]]:
    """Return all organisations with their numbers, in a constant number of queries."""
    rows = Tenant.objects.order_by("name", "id").values("id", "name", "kind", "created_at")
    sites = _by_tenant(Site.objects.all())
    machines = _by_tenant(VirtualMachine.objects.filter(gone_at=None))
    nothing: dict[str, Any] = {}
    units: dict[Any, dict[str, Any]] = {
        row["tenant_id"]: dict(row)
        for row in MigrationUnit.objects.order_by()
        .values("tenant_id")
        .annotate(
            moving=Count("id", filter=~Q(phase__in=[*CLOSED, Phase.PLANNED])),
            committed=Count("id", filter=Q(phase=Phase.COMMITTED)),
            failed=Count("id", filter=Q(phase=Phase.FAILED)),
        )
    }
    return [
        {
            **row,
            "sites": sites.get(row["id"], 0),
            "machines": machines.get(row["id"], 0),
            **{key: units.get(row["id"], nothing).get(key, 0) for key in ("moving", "committed", "failed")},
        }
        for row in rows
    ]


def _by_tenant(rows: Any) -> dict[UUID, int]:
    counted = rows.order_by().values("tenant_id").annotate(number=Count("id"))
    return {row["tenant_id"]: row["number"] for row in counted}
