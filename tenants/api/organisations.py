"""Calls about organisations: who am I, and, for the provider, which tenants there are."""

from django.utils.crypto import get_random_string
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.domain.roles import Right, TenantKind
from tenants.interfaces import ProviderApi, TenantApi, listed
from tenants.models import Tenant
from tenants.services import tenant_onboard

PASSWORD_LENGTH = 16


class MeOut(serializers.Serializer[object]):
    """The person and the organisation of the call."""

    email = serializers.EmailField()
    tenant = serializers.UUIDField()
    tenant_name = serializers.CharField()
    kind = serializers.CharField()
    role = serializers.CharField()


class TenantIn(serializers.Serializer[object]):
    """A new tenant with its first owner; without a password one is made and answered, once."""

    name = serializers.CharField(max_length=200)
    owner_email = serializers.EmailField()
    owner_name = serializers.CharField(max_length=200, default="")
    owner_password = serializers.CharField(min_length=10, max_length=200, required=False)


class TenantOut(serializers.Serializer[object]):
    """A tenant."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    created_at = serializers.DateTimeField()
    standing = serializers.CharField(default="active")


class TenantMade(TenantOut):
    """A new tenant, with the password of its owner."""

    owner_email = serializers.EmailField()
    owner_password = serializers.CharField()


class Me(TenantApi):
    """Who is calling."""

    @extend_schema(responses=MeOut)
    def get(self, request: Request) -> Response:
        """Return the person and the organisation of the call."""
        own = self.belonging
        return Response(
            {
                "email": getattr(request.user, "email", ""),
                "tenant": own.tenant_id,
                "tenant_name": own.name,
                "kind": own.kind.value,
                "role": own.role.value,
            }
        )


class Tenants(ProviderApi):
    """The provider's tenants."""

    rights = {"POST": Right.PROVIDER_MANAGE}  # noqa: RUF012

    @extend_schema(responses=TenantOut(many=True))
    def get(self, request: Request) -> Response:
        """Return the tenants by name."""
        rows = Tenant.objects.filter(kind=TenantKind.CUSTOMER)
        return listed(request, rows, sort="name", shown=lambda page: TenantOut(page, many=True).data)

    @extend_schema(request=TenantIn, responses={201: TenantMade})
    def post(self, request: Request) -> Response:
        """Make a tenant with its first owner."""
        asked = TenantIn(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted = asked.validated_data
        password = wanted.get("owner_password") or get_random_string(PASSWORD_LENGTH)
        tenant = tenant_onboard(
            name=wanted["name"],
            email=wanted["owner_email"],
            person_name=wanted["owner_name"],
            password=password,
        )
        made = {
            "id": tenant.id,
            "name": tenant.name,
            "created_at": tenant.created_at,
            "owner_email": wanted["owner_email"],
            "owner_password": password,
        }
        return Response(TenantMade(made).data, status=201)
