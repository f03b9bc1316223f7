"""Calls of the provider about policies, and which tenant has which."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.domain.quota import UNBOUNDED, Limit, Measure, Quota
from tenants.domain.roles import Right, TenantKind
from tenants.interfaces import ProviderApi, listed
from tenants.models import Policy, Tenant
from tenants.selectors import quota_from
from tenants.services import PolicyTerms, policy_assign, policy_create, policy_update


class LimitShape(serializers.Serializer[object]):
    """From where on it warns, and what is never passed; null is no limit."""

    soft = serializers.IntegerField(min_value=0, max_value=UNBOUNDED - 1, allow_null=True, default=None)
    hard = serializers.IntegerField(min_value=0, max_value=UNBOUNDED - 1, allow_null=True, default=None)


class LimitsShape(serializers.Serializer[object]):
    """A limit for each measure; sizes in bytes, bandwidth in bytes per second."""

    moving = LimitShape(required=False, help_text="machines moving at once")
    machines = LimitShape(required=False, help_text="machines in open groups")
    bytes = LimitShape(required=False, help_text="their size")
    bandwidth = LimitShape(required=False, help_text="the sum of the groups' rate limits")
    sites = LimitShape(required=False)
    agents = LimitShape(required=False)
    people = LimitShape(required=False)


class PolicyIn(serializers.Serializer[object]):
    """The whole of a policy; a limit that is not named is none."""

    name = serializers.CharField(max_length=200)
    contact = serializers.CharField(max_length=200, allow_blank=True, default="")
    is_default = serializers.BooleanField(default=False)
    migration_in = serializers.BooleanField(default=True)
    limits = LimitsShape(default=dict)


class PolicyChangeIn(PolicyIn):
    """The same, with the version that was read: whoever read an older one is refused."""

    version = serializers.IntegerField(min_value=1)


class PolicyOut(PolicyIn):
    """A policy."""

    id = serializers.UUIDField()
    version = serializers.IntegerField()
    changed_at = serializers.DateTimeField()


class AssignIn(serializers.Serializer[object]):
    """A policy, or null for the default one."""

    policy = serializers.UUIDField(allow_null=True)


class Policies(ProviderApi):
    """The provider's policies."""

    rights = {"POST": Right.PROVIDER_MANAGE}  # noqa: RUF012

    @extend_schema(responses=PolicyOut(many=True))
    def get(self, request: Request) -> Response:
        """Return the policies by name."""
        rows = Policy.objects.filter(tenant_id=self.actor.tenant_id)
        return listed(request, rows, sort="name", shown=lambda page: [told(policy) for policy in page])

    @extend_schema(request=PolicyIn, responses={201: PolicyOut})
    def post(self, request: Request) -> Response:
        """Make a policy."""
        asked = PolicyIn(data=request.data)
        asked.is_valid(raise_exception=True)
        policy = policy_create(actor=self.actor, terms=terms_of(asked.validated_data), now=timezone.now())
        return Response(told(policy), status=201)


class OnePolicy(ProviderApi):
    """One policy."""

    rights = {"PUT": Right.PROVIDER_MANAGE}  # noqa: RUF012

    @extend_schema(responses=PolicyOut)
    def get(self, request: Request, policy: UUID) -> Response:
        """Return it."""
        return Response(told(Policy.objects.get(id=policy, tenant_id=self.actor.tenant_id)))

    @extend_schema(request=PolicyChangeIn, responses=PolicyOut)
    def put(self, request: Request, policy: UUID) -> Response:
        """Replace it, unless somebody else did since it was read."""
        asked = PolicyChangeIn(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        changed = policy_update(
            actor=self.actor,
            policy_id=policy,
            terms=terms_of(wanted),
            version=wanted["version"],
            now=timezone.now(),
        )
        return Response(told(changed))


class TenantPolicy(ProviderApi):
    """Which policy a tenant has."""

    right = Right.PROVIDER_MANAGE

    @extend_schema(request=AssignIn, responses={204: None})
    def put(self, request: Request, organisation: UUID) -> Response:
        """Assign it, from now on."""
        asked = AssignIn(data=request.data)
        asked.is_valid(raise_exception=True)
        tenant = Tenant.objects.get(id=organisation, kind=TenantKind.CUSTOMER)
        policy = asked.validated_data["policy"]
        policy_assign(actor=self.actor, tenant_id=tenant.id, policy_id=policy, now=timezone.now())
        return Response(status=204)


def terms_of(asked: dict[str, Any]) -> PolicyTerms:
    """Return what was asked for as terms."""
    limits = {Measure(name): Limit(**ends) for name, ends in asked["limits"].items()}
    names = ("name", "contact", "is_default", "migration_in")
    return PolicyTerms(**{name: asked[name] for name in names}, limits=limits)


def told(policy: Policy) -> dict[str, Any]:
    """Return the policy as JSON."""
    names = ("id", "name", "contact", "is_default", "migration_in", "version", "changed_at")
    return {**{name: getattr(policy, name) for name in names}, "limits": limits_told(quota_from(policy))}


def limits_told(quota: Quota) -> dict[str, dict[str, int | None]]:
    """Return every limit as JSON."""
    limits = {measure.value: quota.of(measure) for measure in Measure}
    return {name: {"soft": limit.soft, "hard": limit.hard} for name, limit in limits.items()}
