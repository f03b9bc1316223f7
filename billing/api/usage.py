"""Calls about money: what was used and what it costs, and the provider's prices."""

from datetime import datetime
from uuid import UUID

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from billing.selectors.prices import prices_page
from billing.selectors.usage import UsageFilter, usage_csv_rows, usage_page, usage_totals
from billing.services import price_publish
from tenants.domain.roles import Right
from tenants.interfaces import ProviderApi, TenantApi
from tenants.interfaces.api import following, limit_of
from tenants.interfaces.files import csv_answer


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
    unit_price = serializers.DecimalField(max_digits=20, decimal_places=10, allow_null=True)
    amount = serializers.DecimalField(max_digits=30, decimal_places=3, allow_null=True)
    currency = serializers.CharField()
    version = serializers.IntegerField(allow_null=True, help_text="of the prices that it was rated by")
    dedupe_key = serializers.CharField()


class PeriodIn(serializers.Serializer[object]):
    """A period, its beginning included and its end not; the provider may name one tenant."""

    since = serializers.DateTimeField(required=False)
    before = serializers.DateTimeField(required=False)
    tenant = serializers.UUIDField(required=False)


PERIOD = [OpenApiParameter("since", datetime), OpenApiParameter("before", datetime)]
OF_TENANT = [*PERIOD, OpenApiParameter("tenant", UUID)]


class UsageList(TenantApi):
    """What the organisation used."""

    right = Right.VIEW_MONEY

    @extend_schema(responses=UsageOut(many=True), parameters=PERIOD)
    def get(self, request: Request) -> Response:
        """Return the usage with its prices, the newest first, and what it comes to."""
        return usage_answer(request, wanted(request, self.actor.tenant_id))


class UsageCsv(TenantApi):
    """The same for a spreadsheet."""

    right = Right.VIEW_MONEY

    @extend_schema(responses={(200, "text/csv"): bytes}, parameters=PERIOD)
    def get(self, request: Request) -> HttpResponse:
        """Return the usage as CSV; no cell begins a formula."""
        return csv_answer("usage.csv", usage_csv_rows(of=wanted(request, self.actor.tenant_id)))


class OwnPrices(TenantApi):
    """What the organisation pays."""

    right = Right.VIEW_MONEY

    @extend_schema(responses=PriceIn(many=True))
    def get(self, request: Request) -> Response:
        """Return the versions of its prices, the newest first."""
        return prices_answer(request, self.actor.tenant_id)


class ProviderUsage(ProviderApi):
    """What all tenants used."""

    right = Right.PROVIDER_MONEY

    @extend_schema(responses=UsageOut(many=True), parameters=OF_TENANT)
    def get(self, request: Request) -> Response:
        """Return the usage with its prices, the newest first, and what it comes to."""
        return usage_answer(request, wanted(request))


class ProviderUsageCsv(ProviderApi):
    """The same for a spreadsheet."""

    right = Right.PROVIDER_MONEY

    @extend_schema(responses={(200, "text/csv"): bytes}, parameters=OF_TENANT)
    def get(self, request: Request) -> HttpResponse:
        """Return the usage of all tenants, or of one, as CSV; no cell begins a formula."""
        return csv_answer("usage.csv", usage_csv_rows(of=wanted(request)))


class Prices(ProviderApi):
    """The provider's prices."""

    right = Right.PROVIDER_MONEY

    @extend_schema(responses=PriceIn(many=True))
    def get(self, request: Request) -> Response:
        """Return all versions, those that hold from latest first."""
        return prices_answer(request)

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


def wanted(request: Request, tenant_id: UUID | None = None) -> UsageFilter:
    """Return which usage the call is about: of `tenant_id` alone where given, whoever is asked for."""
    asked = PeriodIn(data=request.query_params.dict())
    asked.is_valid(raise_exception=True)
    given = asked.validated_data
    return UsageFilter(
        tenant_id=tenant_id or given.get("tenant"),
        since=given.get("since"),
        before=given.get("before"),
    )


def prices_answer(request: Request, tenant_id: UUID | None = None) -> Response:
    """Return one page of prices (of `tenant_id` alone where given), and where the next is."""
    cursor = request.query_params.get("cursor", "")
    page = prices_page(now=timezone.now(), tenant_id=tenant_id, cursor=cursor, limit=limit_of(request))
    rows = msgspec.to_builtins(page.rows)
    return Response({"results": rows, "count": page.count, "next": following(request, page.next)})


def usage_answer(request: Request, of: UsageFilter) -> Response:
    """Return one page of usage, where the next is, and what all of it comes to."""
    page = usage_page(of=of, cursor=request.query_params.get("cursor", ""), limit=limit_of(request))
    content = {"results": page.rows, "count": page.count, "totals": usage_totals(of=of)}
    return Response(msgspec.to_builtins({**content, "next": following(request, page.next)}))
