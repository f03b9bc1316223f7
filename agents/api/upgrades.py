"""Calls of the provider about all tenants' agents: who is behind, and asking them to upgrade."""

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.api.estate import AgentOut
from agents.domain.agent import AgentState
from agents.models import Agent
from agents.selectors.releases import release_served
from agents.selectors.upgrades import behind
from agents.services import agents_upgrade_everywhere
from tenants.domain.roles import Right
from tenants.interfaces import ProviderApi, listed

MOST = 500
_BEHIND = OpenApiParameter("behind", str, enum=["yes"], description="only those that could be upgraded")


class TenantAgentOut(AgentOut):
    """An agent with whose it is."""

    class Meta:
        model = Agent
        fields = ("tenant", *AgentOut.Meta.fields)


class UpgradesIn(serializers.Serializer[object]):
    """Which agents to ask, of whatever tenants."""

    agents = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=MOST)


class UpgradeAskedOut(serializers.Serializer[object]):
    """What became of one: asked, or a code with why not."""

    agent = serializers.UUIDField()
    asked = serializers.BooleanField()
    code = serializers.CharField()
    detail = serializers.CharField()


class ProviderAgents(ProviderApi):
    """All tenants' agents."""

    @extend_schema(responses=TenantAgentOut(many=True), parameters=[_BEHIND])
    def get(self, request: Request) -> Response:
        """Return the agents of all tenants by name, but revoked ones."""
        rows = Agent.objects.exclude(state=AgentState.REVOKED)
        if request.query_params.get("behind") == "yes":
            rows = behind(rows, release_served())
        return listed(request, rows, sort="name", shown=lambda page: TenantAgentOut(page, many=True).data)


class ProviderAgentsUpgrade(ProviderApi):
    """Upgrading agents of any tenants."""

    right = Right.PROVIDER_MANAGE

    @extend_schema(request=UpgradesIn, responses=UpgradeAskedOut(many=True))
    def post(self, request: Request) -> Response:
        """Ask them; return what became of each. Ids that are no agent's are not among them."""
        wanted = UpgradesIn(data=request.data)
        wanted.is_valid(raise_exception=True)
        chosen = list(Agent.objects.filter(id__in=wanted.validated_data["agents"]).order_by("name", "id"))
        told = agents_upgrade_everywhere(agents=chosen, actor=self.actor, now=timezone.now())
        rows = [
            {
                "agent": asked.agent.id,
                "asked": asked.refusal is None,
                "code": asked.refusal.code if asked.refusal else "",
                "detail": str(asked.refusal or ""),
            }
            for asked in told
        ]
        return Response(UpgradeAskedOut(rows, many=True).data)
