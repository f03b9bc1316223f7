"""Calls about money: what was used and what it costs, and the provider's prices."""

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.selectors.prices import prices_list
from billing.selectors.usage import UsageFilter, usage_csv_rows, usage_page
from billing.services import price_publish
from tenants.domain.roles import Right
from tenants.interfaces import ProviderApi, TenantApi
from tenants.interfaces.files import csv_answer

LIMIT = 500
CURSOR_DIGITS = 10


class PriceIn(serializers.Serializer[object]):
    """A tenant's price from a moment on."""

    tenant = serializers.UUIDField()
    currency = serializers.CharField(min_length=3, max_length=3)
    vm_migrated_price = serializers.DecimalField(max_digits=20, decimal_places=10, min_value=0)
    effective_from = serializers.DateTimeField(required=False)


class UsageOut(serializers.Serializer[object]):
    """One priced event."""

    event_id = serializers.UUIDField()
    machine = serializers.CharField()
    destination = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    quantity = serializers.DecimalField(max_digits=30, decimal_places=10)
    amount = serializers.DecimalField(max_digits=30, decimal_places=2, allow_null=True)
    currency = serializers.CharField()


class UsageList(TenantApi):
    """What the organisation used."""

    right = Right.VIEW_MONEY

    @extend_schema(responses=UsageOut(many=True))
    def get(self, request: Request) -> Response:
        """Return the usage with its prices, the newest first."""
        return usage_answer(request, UsageFilter(tenant_id=self.actor.tenant_id))


class UsageCsv(TenantApi):
    """The same for a spreadsheet."""

    right = Right.VIEW_MONEY

    @extend_schema(responses={(200, "text/csv"): bytes})
    def get(self, request: Request) -> HttpResponse:
        """Return the usage as CSV; no cell begins a formula."""
        rows = usage_csv_rows(of=UsageFilter(tenant_id=self.actor.tenant_id))
        return csv_answer("usage.csv", rows)


class ProviderUsage(ProviderApi):
    """What all tenants used."""

    right = Right.PROVIDER_MONEY

    @extend_schema(responses=UsageOut(many=True))
    def get(self, request: Request) -> Response:
        """Return the usage with its prices, the newest first."""
        return usage_answer(request, UsageFilter())


class Prices(ProviderApi):
    """The provider's prices."""

    right = Right.PROVIDER_MONEY

    @extend_schema(responses=PriceIn(many=True))
    def get(self, request: Request) -> Response:
        """Return all versions by tenant, the newest first."""
        return Response({"results": msgspec.to_builtins(prices_list(now=timezone.now())), "next": None})

    @extend_schema(request=PriceIn, responses={201: PriceIn})
    def post(self, request: Request) -> Response:
        """Publish a price; it never changes, the next one follows it."""
        asked = PriceIn(data=request.data)
        asked.is_valid(raise_exception=True)
        wanted, now = asked.validated_data, timezone.now()
        self.leave()
        version = price_publish(
            actor=self.actor,
            tenant_id=wanted["tenant"],
            currency=wanted["currency"].upper(),
            vm_migrated_price=wanted["vm_migrated_price"],
            effective_from=wanted.get("effective_from") or now,
            now=now,
        )
        return Response({**asked.data, "number": version.number}, status=201)


def usage_answer(request: Request, of: UsageFilter) -> Response:
    """Return one page of usage and where the next is."""
    cursor = request.query_params.get("cursor", "")
    offset = int(cursor) if cursor.isdigit() and len(cursor) < CURSOR_DIGITS else 0
    page = usage_page(of=of, offset=offset, limit=LIMIT)
    following = f"{request.path}?cursor={offset + LIMIT}" if offset + LIMIT < page.count else None
    return Response({"results": msgspec.to_builtins(page.rows), "count": page.count, "next": following})
