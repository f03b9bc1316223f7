"""Calls about what policies allow and what is used; and the end of a tenant."""

from typing import Any
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from migrations_app.selectors.compliance import (
    LEVELS,
    breaches,
    compliance_rows,
    narrowed,
    tenants_breaching,
)
from migrations_app.selectors.usage import used_of
from migrations_app.services import tenant_close
from tenants.domain.quota import Level, Measure, Quota, Use, uses
from tenants.domain.roles import Right, TenantKind
from tenants.interfaces import ProviderApi, TenantApi, listed
from tenants.models import Policy, Tenant
from tenants.selectors import quota_from, quota_of


class UseOut(serializers.Serializer[object]):
    """A measure with its use; null is no limit. Sizes in bytes, bandwidth in bytes per second."""

    measure = serializers.ChoiceField([measure.value for measure in Measure])
    used = serializers.IntegerField()
    soft = serializers.IntegerField(allow_null=True)
    hard = serializers.IntegerField(allow_null=True)
    level = serializers.ChoiceField([level.value for level in Level])


class QuotasOut(serializers.Serializer[object]):
    """An organisation's policy, beside what it uses."""

    policy = serializers.CharField(allow_blank=True)
    contact = serializers.CharField(allow_blank=True)
    migration_in = serializers.BooleanField()
    uses = UseOut(many=True)


class OneTenantOut(QuotasOut):
    """A tenant as its provider sees it."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    created_at = serializers.DateTimeField()
    policy_id = serializers.UUIDField(allow_null=True, help_text="null: it has the default one")
    standing = serializers.CharField()
    standing_since = serializers.DateTimeField(allow_null=True)
    standing_reason = serializers.CharField(allow_blank=True)


class BreachOut(serializers.Serializer[object]):
    """A tenant that is near, at or over a limit."""

    tenant = serializers.UUIDField()
    tenant_name = serializers.CharField()
    policy = serializers.CharField(allow_blank=True)
    level = serializers.ChoiceField([level.value for level in LEVELS])
    limits_since = serializers.DateTimeField(allow_null=True)
    uses = UseOut(many=True)


class WantedIn(serializers.Serializer[object]):
    """Which of them."""

    level = serializers.ChoiceField([level.value for level in LEVELS], default=None)
    measure = serializers.ChoiceField([measure.value for measure in Measure], default=None)


class CloseIn(serializers.Serializer[object]):
    """Why, and the tenant's name to confirm it."""

    reason = serializers.CharField(max_length=500)
    confirmation = serializers.CharField(max_length=200)


class Quotas(TenantApi):
    """What the organisation may use, and uses."""

    @extend_schema(responses=QuotasOut)
    def get(self, request: Request) -> Response:
        """Return every measure."""
        quota = quota_of(self.actor.tenant_id)
        return Response(_quotas_told(quota, used_of(self.actor.tenant_id)))


class OneTenant(ProviderApi):
    """One tenant."""

    @extend_schema(responses=OneTenantOut)
    def get(self, request: Request, organisation: UUID) -> Response:
        """Return it with its policy, its uses and its standing."""
        tenant = Tenant.objects.select_related("policy").get(id=organisation, kind=TenantKind.CUSTOMER)
        return Response(_tenant_told(tenant))


class Close(ProviderApi):
    """The end of a tenant."""

    right = Right.PROVIDER_MANAGE

    @extend_schema(request=CloseIn, responses=OneTenantOut)
    def post(self, request: Request, organisation: UUID) -> Response:
        """Close it for good: its agents are revoked, its people read and export."""
        asked = CloseIn(data=request.data)
        asked.is_valid(raise_exception=True)
        tenant = Tenant.objects.get(id=organisation, kind=TenantKind.CUSTOMER)
        tenant_close(actor=self.actor, tenant_id=tenant.id, now=timezone.now(), **asked.validated_data)
        return Response(_tenant_told(Tenant.objects.select_related("policy").get(id=organisation)))


class Compliance(ProviderApi):
    """Who is near, at or over a limit."""

    @extend_schema(
        responses=BreachOut(many=True),
        parameters=[
            OpenApiParameter("level", str, enum=[level.value for level in LEVELS]),
            OpenApiParameter("measure", str, enum=[measure.value for measure in Measure]),
        ],
    )
    def get(self, request: Request) -> Response:
        """Return the tenants by name."""
        asked = WantedIn(data=request.query_params.dict())
        asked.is_valid(raise_exception=True)
        level, measure = asked.validated_data["level"], asked.validated_data["measure"]
        found = narrowed(
            breaches(), level=Level(level) if level else None, measure=Measure(measure) if measure else None
        )

        def shown(page: Any) -> list[dict[str, Any]]:
            return [_breach_told(row) for row in compliance_rows(page, found)]

        return listed(request, tenants_breaching(found), sort="name", shown=shown)


def _breach_told(row: Any) -> dict[str, Any]:
    return {
        "tenant": row.tenant_id,
        "tenant_name": row.tenant_name,
        "policy": row.policy_name,
        "level": row.level.value,
        "limits_since": row.limits_since,
        "uses": [_use_told(use) for use in row.uses],
    }


def _tenant_told(tenant: Tenant) -> dict[str, Any]:
    policy = tenant.policy or Policy.objects.filter(is_default=True).first()
    names = ("id", "name", "created_at", "policy_id", "standing", "standing_since", "standing_reason")
    told = {name: getattr(tenant, name) for name in names}
    return {**told, **_quotas_told(quota_from(policy), used_of(tenant.id))}


def _quotas_told(quota: Quota, used: dict[Measure, int]) -> dict[str, Any]:
    return {
        "policy": quota.name,
        "contact": quota.contact,
        "migration_in": quota.migration_in,
        "uses": [_use_told(use) for use in uses(quota, used)],
    }


def _use_told(use: Use) -> dict[str, Any]:
    return {
        "measure": use.measure.value,
        "used": use.used,
        "soft": use.limit.soft,
        "hard": use.limit.hard,
        "level": use.level.value,
    }
