"""What was used and what it costs, for tenants and for the provider; and the provider's prices."""

import re
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from billing.selectors.prices import prices_page
from billing.selectors.usage import UsageFilter, usage_csv_rows, usage_page, usage_totals
from billing.services import PricePublishRefused, price_publish
from tenants.domain.roles import Right, TenantKind
from tenants.interfaces import ProviderView, TenantView
from tenants.interfaces.api import uuid_or_404
from tenants.interfaces.files import csv_answer
from tenants.models import Tenant

PAGE = 50
PRICES_SHOWN = 12
TENANTS_OFFERED = 100
# What Decimal takes besides, such as 1_000 and other scripts' digits, a person may have meant otherwise.
_AMOUNT = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")


class Usage(TenantView):
    """What the organisation used."""

    right: ClassVar = Right.VIEW_MONEY
    template = "billing/usage.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show it, the newest first."""
        wanted = UsageFilter(tenant_id=self.actor.tenant_id)
        page = usage_page(of=wanted, cursor=request.GET.get("cursor", ""), limit=PAGE)
        prices = prices_page(now=timezone.now(), tenant_id=self.actor.tenant_id, limit=PRICES_SHOWN)
        return self.show(
            rows=page.rows,
            count=page.count,
            page=page,
            totals=usage_totals(of=wanted),
            prices=prices.rows,
            more_prices=prices.count - len(prices.rows),
        )


class UsageCsv(TenantView):
    """The same for a spreadsheet."""

    right: ClassVar = Right.VIEW_MONEY

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the file."""
        return csv_answer("usage.csv", usage_csv_rows(of=UsageFilter(tenant_id=self.actor.tenant_id)))


class ProviderUsage(ProviderView):
    """What all tenants used."""

    right: ClassVar = Right.PROVIDER_MONEY
    template = "billing/usage.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show it, the newest first."""
        page = usage_page(of=UsageFilter(), cursor=request.GET.get("cursor", ""), limit=PAGE)
        totals = usage_totals(of=UsageFilter())
        return self.show(rows=page.rows, count=page.count, page=page, totals=totals, everybody=True)


class Prices(ProviderView):
    """The provider's prices."""

    right: ClassVar = Right.PROVIDER_MONEY
    template = "billing/prices.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show all versions and the form for the next one."""
        text = request.GET.get("q", "").strip()[:100]
        tenants = Tenant.objects.filter(kind=TenantKind.CUSTOMER, name__icontains=text).order_by("name", "id")
        page = prices_page(now=timezone.now(), cursor=request.GET.get("cursor", ""), limit=PAGE)
        return self.show(
            prices=page.rows, count=page.count, page=page, tenants=tenants[:TENANTS_OFFERED], q=text
        )

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Publish a price."""
        tenant = Tenant.objects.get(id=uuid_or_404(request.POST.get("tenant", "")))
        now = timezone.now()
        price_publish(
            actor=self.actor,
            tenant_id=tenant.id,
            currency=request.POST.get("currency", "").upper(),
            vm_migrated_price=_amount(request.POST.get("price", "")),
            effective_from=_moment(request.POST.get("from", "")) or now,
            now=now,
        )
        return redirect("prices")

    def refused_to(self, request: HttpRequest) -> str:
        """Return the list of prices."""
        return reverse("prices")


def _amount(text: str) -> Decimal:
    typed = text.strip()
    if not _AMOUNT.fullmatch(typed):
        raise PricePublishRefused(
            "The price was not published.", why="It is not a number.", remedy="Enter an amount like 49.00."
        )
    return Decimal(typed)


def _moment(text: str) -> datetime | None:
    try:
        return parse_datetime(f"{text}:00+00:00") if text else None
    except ValueError:
        return None
