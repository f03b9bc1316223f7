"""Calls about API tokens. No token reaches them: whoever finds one must not be able to keep the door open."""

from typing import ClassVar
from uuid import UUID

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.domain.roles import Right
from tenants.domain.tokens import LIFETIMES_DAYS
from tenants.interfaces import TenantApi, listed
from tenants.interfaces.factors import confirmation_check
from tenants.models import ApiToken
from tenants.selectors import tokens_of
from tenants.services import token_make, token_revoke

RIGHTS_MAX = 32


class TokenIn(serializers.Serializer[object]):
    """A new token: what will use it, what it may, and for how many days."""

    name = serializers.CharField(max_length=200)
    rights = serializers.ListField(
        child=serializers.ChoiceField([right.value for right in Right]), max_length=RIGHTS_MAX
    )
    days = serializers.ChoiceField(LIFETIMES_DAYS)


class TokenOut(serializers.ModelSerializer[ApiToken]):
    """A token without its secret."""

    made_by = serializers.EmailField(source="user.email")
    rights = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = ApiToken
        fields: tuple[str, ...] = (
            *("id", "name", "made_by", "rights", "public_id", "created_at", "expires_at", "revoked_at"),
            *("last_used_at", "last_address"),
        )


class TokenMadeOut(TokenOut):
    """A new token, with its text: this once."""

    token = serializers.CharField()

    class Meta(TokenOut.Meta):
        fields = (*TokenOut.Meta.fields, "token")


class Tokens(TenantApi):
    """The organisation's tokens: one's own, or as who manages people all."""

    by_token: ClassVar = False

    @extend_schema(responses=TokenOut(many=True))
    def get(self, request: Request) -> Response:
        """Return them, the newest first."""
        rows = tokens_of(self.actor).select_related("user")
        return listed(request, rows, sort="-created_at", shown=lambda page: TokenOut(page, many=True).data)

    @extend_schema(request=TokenIn, responses={201: TokenMadeOut})
    def post(self, request: Request) -> Response:
        """Make one."""
        asked = TokenIn(data=request.data)
        asked.is_valid(raise_exception=True)
        confirmation_check(request)
        made = token_make(actor=self.actor, now=timezone.now(), **asked.validated_data)
        told = {**TokenOut(made.token).data, "token": made.text}
        return Response(told, status=201, headers={"Cache-Control": "no-store"})


class TokenRevoke(TenantApi):
    """Revoking one."""

    by_token: ClassVar = False

    @extend_schema(request=None, responses=TokenOut)
    def post(self, request: Request, token: UUID) -> Response:
        """Revoke it."""
        token_revoke(token_id=token, actor=self.actor, now=timezone.now())
        return Response(TokenOut(tokens_of(self.actor).select_related("user").get(id=token)).data)
