"""Pages of sites: the list, one site with its set-up, and what a person does to it."""

from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from agents.domain.agent import AgentState
from agents.domain.site import SiteState
from agents.models import Agent, Datastore, Host, Network, Site, VirtualMachine
from agents.selectors.releases import install_command
from agents.selectors.standing import PLACE, sites_standing
from agents.services import enrolment_create, release_need, site_certificate_accept, site_connect, site_create
from agents.views.agents import shown
from agents.views.remedies import remedy_of, steps_of
from portal.lib.paging import page_of
from portal.lib.whole import whole
from tenants.domain.roles import Right
from tenants.interfaces import TenantView
from tenants.interfaces.files import csv_answer

HTTPS_PORT = 443
COLUMNS = ("site", "state", "code", "reason", "since_utc", "vcenter", "agents", "id")


class Sites(TenantView):
    """The organisation's sites."""

    rights: ClassVar = {"POST": Right.MANAGE_SITES}
    template = "agents/sites.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show the sites, those that need somebody first."""
        rows, stand = sites_standing(self.actor)
        page = page_of(rows, sort=PLACE, cursor=request.GET.get("cursor", ""))
        return self.show(
            sites=[{"row": site, "remedy": remedy_of(site)} for site in page.rows],
            page=page,
            stand=stand,
            all_connected=all(site.state == SiteState.CONNECTED for site in page.rows),
        )

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Make a site, and go on to its set-up."""
        site = site_create(actor=self.actor, name=request.POST.get("name", ""))
        return redirect("site", self.actor.tenant_id, site.id)


class SiteView(TenantView):
    """A page about one site."""

    template = "agents/site.html"

    def site(self, site: UUID) -> Site:
        """Return the site, if it is the organisation's."""
        return Site.objects.visible_to(self.actor).select_related("connector").get(id=site)

    def refused_to(self, request: HttpRequest) -> str:
        """Return the site's own page."""
        named = request.resolver_match.kwargs if request.resolver_match else {}
        return reverse("site", args=[self.actor.tenant_id, named["site"]])

    def page(self, site: Site, **more: Any) -> HttpResponseBase:
        """Show the site with what there is."""
        now = timezone.now()
        agents = Agent.objects.visible_to(self.actor).filter(site=site).order_by("name", "id")
        there = {"site": site, "gone_at": None}
        counts = {
            word: model.objects.visible_to(self.actor).filter(**there).count()
            for word, model in _COUNTED.items()
        }
        own = [shown(agent, now) for agent in agents]
        return self.show(
            site=site,
            agents=own,
            counts=counts,
            remedy=remedy_of(site),
            steps=steps_of(site, any(agent["row"].state == AgentState.ENROLLED for agent in own), counts),
            **more,
        )


_COUNTED = {"hosts": Host, "datastores": Datastore, "networks": Network, "machines": VirtualMachine}


class SitesCsv(TenantView):
    """The same as a file."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Return all of them, those that need attention first."""
        rows, _ = sites_standing(self.actor)
        lines = [_line(site) for site in rows.order_by(PLACE, "id")]
        return csv_answer(f"sites-{timezone.now():%Y-%m-%d}.csv", [COLUMNS, *lines])


class OneSite(SiteView):
    """One site: how it stands, what to do next."""

    def get(self, request: HttpRequest, site: UUID) -> HttpResponseBase:
        """Show it."""
        return self.page(self.site(site))


class SiteEnrol(SiteView):
    """A one-off key for one agent; its text is on this answer and nowhere else."""

    right = Right.MANAGE_SITES

    def get(self, request: HttpRequest, site: UUID) -> HttpResponseBase:
        """Go back to the site: a key is not shown twice."""
        return redirect("site", self.actor.tenant_id, site)

    def post(self, request: HttpRequest, site: UUID) -> HttpResponseBase:
        """Make a key and show the command that spends it."""
        own, release = self.site(site), release_need()
        enrolment, token = enrolment_create(site=own, actor=self.actor, now=timezone.now())
        command = install_command(portal=settings.PORTAL_URL, token=token, release=release)
        return self.page(
            own, enrolment=enrolment, command=command, release=release, portal=settings.PORTAL_URL
        )


class SiteConnect(SiteView):
    """A site's vCenter."""

    right = Right.MANAGE_SITES

    def post(self, request: HttpRequest, site: UUID) -> HttpResponseBase:
        """Seal the credentials to the connector, which tries them once."""
        port = request.POST.get("port", "")
        site_connect(
            site=self.site(site),
            actor=self.actor,
            host=request.POST.get("host", "").strip(),
            port=whole(port, 0 if port.strip() else HTTPS_PORT),
            username=request.POST.get("username", "").strip(),
            password=request.POST.get("password", ""),
            now=timezone.now(),
        )
        messages.success(request, "The connector has the credentials and is trying them.")
        return redirect("site", self.actor.tenant_id, site)


class SiteCertificate(SiteView):
    """The certificate of a site's vCenter."""

    right = Right.MANAGE_SITES

    def post(self, request: HttpRequest, site: UUID) -> HttpResponseBase:
        """Pin the one that the person compared."""
        pin = request.POST.get("fingerprint", "")
        site_certificate_accept(site=self.site(site), actor=self.actor, fingerprint=pin, now=timezone.now())
        messages.success(
            request, "The certificate is accepted. The connector goes on with it and with no other."
        )
        return redirect("site", self.actor.tenant_id, site)


def _line(site: Any) -> tuple[str, ...]:
    since = f"{site.state_since:%Y-%m-%d %H:%M:%S}" if site.state_since else ""
    told = (site.name, site.state, site.state_code, site.state_reason, since, site.host)
    return (*told, str(site.agents_count), str(site.id))
