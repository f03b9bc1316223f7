"""The provider's pages that span apps: home, tenants, one tenant with its destinations."""

from typing import Any, ClassVar
from uuid import UUID

from django.contrib import messages
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import get_random_string

from agents.models import Agent, Offer, Site, VirtualMachine
from agents.services import offer_grant
from migrations_app.domain.lifecycle import CLOSED
from migrations_app.models import MigrationUnit
from portal.lib.paging import page_of
from portal.pages.attention import attention
from portal.pages.dossier import NARROWED_BY, dossier, policies_offered, tenants_wanted
from portal.pages.numbers import MOVING, customers, tenants_foremost, tenants_told
from tenants.domain.roles import Right, TenantKind
from tenants.domain.standing import TenantStanding
from tenants.interfaces import ProviderView
from tenants.interfaces.files import csv_answer
from tenants.models import Membership, Tenant
from tenants.services import tenant_onboard

PASSWORD_LENGTH = 16
TENANTS_SHOWN = 10
COLUMNS = (
    "tenant",
    "needs_somebody",
    "moving",
    "committed",
    "failed",
    "sites",
    "machines",
    "since_utc",
    "id",
    *("people", "moved_this_month", "standing", "policy", "setup_step", "setup_since_utc"),
)


class ProviderHome(ProviderView):
    """What needs the provider's staff first, then how the tenants stand."""

    template = "pages/provider_home.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show it."""
        now = timezone.now()
        needs = attention(now=now, reader=self.actor.tenant_id, everywhere=True)
        foremost = tenants_foremost([item.tenant_id for item in needs.items], limit=TENANTS_SHOWN)
        units = MigrationUnit.objects.aggregate(
            moving=Count("id", filter=MOVING), groups=Count("group", filter=MOVING, distinct=True)
        )
        return self.show(
            items=needs.items,
            count=needs.count,
            tenants=tenants_told(foremost, now=now),
            tenants_count=customers().count(),
            moving=units["moving"],
            groups=units["groups"],
            now=now,
        )


class _Tenants(ProviderView):
    """The list as the address describes it."""

    def wanted(self) -> tuple[QuerySet[Tenant], dict[str, Any]]:
        """Return the tenants that the address asks for, and by what they were narrowed."""
        asked = {name: self.request.GET.get(name, "").strip()[:100] for name in NARROWED_BY}
        return tenants_wanted(asked, now=timezone.now()), asked


class Tenants(_Tenants):
    """The provider's tenants."""

    template = "pages/tenants.html"
    rights: ClassVar = {"POST": Right.PROVIDER_MANAGE}

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show them."""
        return self.page()

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Make a tenant with its first owner, whose password is on this answer and nowhere else."""
        password = get_random_string(PASSWORD_LENGTH)
        email = request.POST.get("owner_email", "").strip()
        tenant = tenant_onboard(
            name=request.POST.get("name", ""),
            email=email,
            person_name=request.POST.get("owner_name", ""),
            password=password,
        )
        return self.page(made=tenant, email=email, password=password)

    def page(self, **more: Any) -> HttpResponseBase:
        """Show one page of them by name."""
        rows, asked = self.wanted()
        page = page_of(rows, sort="name", cursor=self.request.GET.get("cursor", ""))
        tenants = tenants_told(page.rows, now=timezone.now())
        return self.show(
            tenants=tenants,
            page=page,
            count=rows.count(),
            narrowed=any(asked.values()),
            policies=policies_offered(self.actor.tenant_id),
            standings=[standing.value for standing in TenantStanding],
            **{**asked, **more},
        )


class TenantsCsv(_Tenants):
    """The same as a file."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Return all of them by name."""
        rows, _ = self.wanted()
        told = tenants_told(list(rows.order_by("name", "id")), now=timezone.now())
        return csv_answer("tenants.csv", [COLUMNS, *(_line(tenant) for tenant in told)])


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
            **dossier(tenant, provider_id=self.actor.tenant_id, now=timezone.now()),
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


def _line(told: dict[str, Any]) -> tuple[str, ...]:
    numbers = [str(told[word]) for word in ("wrong", "moving", "committed", "failed", "sites", "machines")]
    step = told["step"] or {"name": "", "since": None}
    since = f"{step['since']:%Y-%m-%d %H:%M:%S}" if step["since"] else ""
    more = (str(told["people"]), str(told["moved"]), told["standing"], told["policy"], step["name"], since)
    return (told["name"], *numbers, f"{told['created_at']:%Y-%m-%d %H:%M:%S}", str(told["id"]), *more)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
