"""Calls about a tenant's standing, and everything of one's own organisation as a file."""

from collections.abc import Callable
from typing import ClassVar
from uuid import UUID

from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.domain.roles import Right, TenantKind
from tenants.interfaces import ProviderApi, TenantApi
from tenants.interfaces.archive import archive_answer
from tenants.models import Tenant
from tenants.services import tenant_resume, tenant_suspend
from tenants.services.standings import REASON_MAX


class ReasonIn(serializers.Serializer[object]):
    """Why; the tenant's people read it."""

    reason = serializers.CharField(max_length=REASON_MAX)


class StandingOut(serializers.Serializer[object]):
    """How the tenant stands now."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    standing = serializers.CharField()
    standing_since = serializers.DateTimeField()
    standing_reason = serializers.CharField()


class _Change(ProviderApi):
    """A change of a tenant's standing."""

    right = Right.PROVIDER_MANAGE
    change: ClassVar[Callable[..., Tenant]]

    @extend_schema(request=ReasonIn, responses=StandingOut)
    def post(self, request: Request, organisation: UUID) -> Response:
        """Change it."""
        asked = ReasonIn(data=request.data)
        asked.is_valid(raise_exception=True)
        tenant = Tenant.objects.get(id=organisation, kind=TenantKind.CUSTOMER)
        changed = type(self).change(
            actor=self.actor, tenant_id=tenant.id, now=timezone.now(), **asked.validated_data
        )
        return Response(StandingOut(changed).data)


class Suspend(_Change):
    """Nothing new begins; what runs goes on."""

    change = staticmethod(tenant_suspend)


class Resume(_Change):
    """A suspended tenant works again."""

    change = staticmethod(tenant_resume)


class Export(TenantApi):
    """Everything that is the organisation's."""

    right = Right.VIEW_MONEY

    @extend_schema(responses={(200, "application/zip"): OpenApiTypes.BINARY})
    def get(self, request: Request) -> HttpResponseBase:
        """Return a ZIP of JSON Lines and CSV, made while it is sent."""
        return archive_answer(self.actor.tenant_id, now=timezone.now())
