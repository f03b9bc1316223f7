"""Calls about what is at the sites: agents, machines, commands; and about destinations."""

from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.domain.agent import AgentState, health
from agents.models import Agent, Command, Offer, Site, VirtualMachine
from agents.selectors.machines import FIELDS, SORTS, machines_list
from agents.selectors.releases import release_served
from agents.selectors.upgrades import is_behind
from agents.services import agent_revoke, agent_upgrade, offer_grant
from portal.lib.filters import parse
from portal.lib.paging import page_of
from tenants.domain.roles import Right
from tenants.interfaces import TenantApi, listed
from tenants.interfaces.api import following, limit_of, uuid_or_404

_Q = OpenApiParameter("q", str, description="the filter language: web size>100GiB not power:off")
_SORTS = [*SORTS, *(f"-{sort}" for sort in SORTS)]
_SORT = OpenApiParameter("sort", str, enum=_SORTS)
_SITE = OpenApiParameter("site", str)
_CURSOR = OpenApiParameter("cursor", str, description="from `next` of the page before")


class AgentOut(serializers.ModelSerializer[Agent]):
    """An agent and how it does; `behind` says whether the portal serves a newer release."""

    health = serializers.SerializerMethodField()
    behind = serializers.SerializerMethodField()

    class Meta:
        model = Agent
        fields = (
            *(
                "id",
                "name",
                "site",
                "host_name",
                "duties",
                "state",
                "health",
                "version",
                "behind",
                "capabilities",
            ),
            *("clock_skew_ms", "last_seen_at", "enrolled_at", "fingerprint"),
        )

    def get_health(self, agent: Agent) -> str:
        """Return the agent's health now."""
        state = AgentState(agent.state)
        return health(state=state, last_seen_at=agent.last_seen_at, now=timezone.now()).value

    def get_behind(self, agent: Agent) -> bool:
        """Return whether a newer release is served than it runs."""
        return is_behind(agent, release_served())


class MachineOut(serializers.ModelSerializer[VirtualMachine]):
    """A virtual machine of the inventory."""

    class Meta:
        model = VirtualMachine
        fields = (
            *("id", "site", "moid", "name", "host_moid", "power", "cpus", "memory_mib", "guest_id"),
            *("disk_bytes", "snapshots", "tools", "nics", "gone_at"),
        )


class CommandOut(serializers.ModelSerializer[Command]):
    """A command sent on the organisation's behalf; what it was sealed with stays inside."""

    class Meta:
        model = Command
        fields = (
            *("id", "unit_id", "generation", "step", "round", "attempt", "seq", "phase", "phase_since"),
            *("deliver_after", "deadline", "deliveries", "progress_at"),
        )


class SortIn(serializers.Serializer[object]):
    """How machines are sorted."""

    sort = serializers.ChoiceField(_SORTS, default="name")


class OfferIn(serializers.Serializer[object]):
    """Which of the provider's sites a tenant may move to."""

    site = serializers.UUIDField()
    tenant = serializers.UUIDField()


class OfferOut(serializers.ModelSerializer[Offer]):
    """A destination: the provider's site as its tenant may see it."""

    hosts = serializers.SerializerMethodField()

    class Meta:
        model = Offer
        fields = ("id", "name", "datastores", "networks", "hosts", "refreshed_at")

    def get_hosts(self, offer: Offer) -> list[dict[str, str]]:
        """Return the hosts that can receive; how they are reached is not the tenant's business."""
        return [{"moid": host["moid"], "name": host["name"]} for host in offer.hosts]


class Agents(TenantApi):
    """The organisation's agents."""

    @extend_schema(responses=AgentOut(many=True))
    def get(self, request: Request) -> Response:
        """Return the agents by name."""
        rows = Agent.objects.visible_to(self.actor)
        return listed(request, rows, sort="name", shown=lambda page: AgentOut(page, many=True).data)


class AgentRevoke(TenantApi):
    """Putting an agent out."""

    right = Right.MANAGE_SITES

    @extend_schema(request=None, responses=AgentOut)
    def post(self, request: Request, agent: UUID) -> Response:
        """Revoke it."""
        own = Agent.objects.visible_to(self.actor).get(id=agent)
        agent_revoke(agent=own, actor=self.actor, now=timezone.now())
        own.refresh_from_db()
        return Response(AgentOut(own).data)


class AgentUpgrade(TenantApi):
    """Upgrading an agent."""

    right = Right.MANAGE_SITES

    @extend_schema(request=None, responses=AgentOut)
    def post(self, request: Request, agent: UUID) -> Response:
        """Ask it to take the release that the portal serves, at a moment when it moves nothing."""
        own = Agent.objects.visible_to(self.actor).get(id=agent)
        agent_upgrade(agent=own, actor=self.actor, now=timezone.now())
        return Response(AgentOut(own).data)


class Machines(TenantApi):
    """The organisation's virtual machines."""

    @extend_schema(responses=MachineOut(many=True), parameters=[_Q, _SORT, _SITE, _CURSOR])
    def get(self, request: Request) -> Response:
        """Return the machines that a filter describes; a term that does not parse is told in `faults`."""
        asked = request.query_params
        terms = parse(asked.get("q", ""), FIELDS)
        rows = machines_list(actor=self.actor, terms=terms)
        if site := asked.get("site"):
            rows = rows.filter(site_id=uuid_or_404(site))
        wanted = SortIn(data=asked.dict())
        wanted.is_valid(raise_exception=True)
        sort = wanted.validated_data["sort"]
        page = page_of(rows, sort=sort, cursor=asked.get("cursor", ""), limit=limit_of(request))
        return Response(
            {
                "results": MachineOut(page.rows, many=True).data,
                "next": following(request, page.next),
                "faults": {term.text: term.fault for term in terms if term.fault},
            }
        )


class Commands(TenantApi):
    """What was sent on the organisation's behalf."""

    @extend_schema(responses=CommandOut(many=True))
    def get(self, request: Request) -> Response:
        """Return the commands, the newest first, of one unit where `unit` names it."""
        rows = Command.objects.visible_to(self.actor).defer("body", "signature")
        if wanted := request.query_params.get("unit"):
            rows = rows.filter(unit_id=uuid_or_404(wanted))
        return listed(request, rows, sort="-phase_since", shown=lambda page: CommandOut(page, many=True).data)


class Destinations(TenantApi):
    """Where the organisation may move to."""

    @extend_schema(responses=OfferOut(many=True))
    def get(self, request: Request) -> Response:
        """Return the destinations by name."""
        rows = Offer.objects.visible_to(self.actor)
        return listed(request, rows, sort="name", shown=lambda page: OfferOut(page, many=True).data)


class Offers(TenantApi):
    """Granting a destination: the provider's own site to one tenant."""

    right = Right.PROVIDER_MANAGE

    @extend_schema(request=OfferIn, responses={201: OfferOut})
    def post(self, request: Request) -> Response:
        """Grant it."""
        asked = OfferIn(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        site = Site.objects.visible_to(self.actor).get(id=wanted["site"])
        self.leave()
        offer = offer_grant(site=site, tenant_id=wanted["tenant"], now=timezone.now())
        return Response(OfferOut(offer).data, status=201)
