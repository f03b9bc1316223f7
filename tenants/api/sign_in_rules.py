"""Calls about what an organisation asks of how its people sign in."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.domain.roles import Right
from tenants.interfaces import TenantApi
from tenants.services import second_factor_require


class SignInRulesIn(serializers.Serializer[object]):
    """Whether everybody of the organisation needs a second factor."""

    second_factor_required = serializers.BooleanField()


class SignInRules(TenantApi):
    """The rule of the caller's organisation."""

    rights: ClassVar = {"PUT": Right.MANAGE_PEOPLE}

    @extend_schema(responses=SignInRulesIn)
    def get(self, request: Request) -> Response:
        """Return it."""
        return Response({"second_factor_required": self.belonging.second_factor})

    @extend_schema(request=SignInRulesIn, responses=SignInRulesIn)
    def put(self, request: Request) -> Response:
        """Change it."""
        asked = SignInRulesIn(data=request.data)
        asked.is_valid(raise_exception=True)
        required = asked.validated_data["second_factor_required"]
        second_factor_require(tenant_id=self.actor.tenant_id, required=required, actor=self.actor)
        return Response({"second_factor_required": required})
