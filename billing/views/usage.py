"""What was used and what it costs, for tenants and for the provider; and the provider's prices."""

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from billing.selectors.prices import PriceRow, prices_page
from billing.selectors.usage import UsageFilter, usage_csv_rows, usage_page, usage_totals
from billing.services import PricePublishRefused, price_publish
from portal.templatetags.landfall import dated
from tenants.domain.roles import Right, TenantKind
from tenants.interfaces import ProviderView, TenantView
from tenants.interfaces.api import uuid_or_404
from tenants.interfaces.files import csv_answer
from tenants.models import Tenant

PAGE = 50
PRICES_SHOWN = 12
TENANTS_OFFERED = 100
PRICES_MAX = 50_000
"""Versions in a file, which is made in memory."""
PRICE_COLUMNS = (
    *("tenant_id", "tenant", "version", "vm_migrated_price", "currency"),
    *("effective_from", "effective_to", "published_at"),
)
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


class ProviderUsageCsv(ProviderView):
    """What all tenants used, as a file."""

    right: ClassVar = Right.PROVIDER_MONEY

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Return all of it, the newest first."""
        return csv_answer("usage.csv", usage_csv_rows(of=UsageFilter()))


class PricesCsv(ProviderView):
    """All tenants' prices as a file."""

    right: ClassVar = Right.PROVIDER_MONEY

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Return all versions, the latest first."""
        prices = prices_page(now=timezone.now(), limit=PRICES_MAX).rows
        return csv_answer("prices.csv", [PRICE_COLUMNS, *(_price_line(price) for price in prices)])


class Prices(ProviderView):
    """The provider's prices."""

    right: ClassVar = Right.PROVIDER_MONEY
    template = "billing/prices.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show all versions and the form for the next one."""
        return self.page(QueryDict())

    def page(self, typed: QueryDict, **more: Any) -> HttpResponseBase:
        """Show all versions, and the form with what was typed."""
        request = self.request
        text = request.GET.get("q", "").strip()[:100]
        tenants = Tenant.objects.filter(kind=TenantKind.CUSTOMER, name__icontains=text).order_by("name", "id")
        page = prices_page(now=timezone.now(), cursor=request.GET.get("cursor", ""), limit=PAGE)
        return self.show(
            prices=page.rows,
            count=page.count,
            page=page,
            tenants=tenants[:TENANTS_OFFERED],
            q=text,
            typed=typed,
            **more,
        )

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """Publish a price; a refusal is told above the form, with all that was typed."""
        tenant = Tenant.objects.get(id=uuid_or_404(request.POST.get("tenant", "")), kind=TenantKind.CUSTOMER)
        now = timezone.now()
        try:
            version = price_publish(
                actor=self.actor,
                tenant_id=tenant.id,
                currency=request.POST.get("currency", "").upper(),
                vm_migrated_price=_amount(request.POST.get("price", "")),
                effective_from=_moment(request.POST.get("from", ""), now),
                now=now,
            )
        except PricePublishRefused as refusal:
            return self.page(request.POST, refusal=refusal)
        messages.success(
            request,
            f"{tenant.name} pays {version.vm_migrated_price:f} {version.currency} for a migrated machine"
            f" from {dated(version.effective_from)} UTC on.",
        )
        return redirect("prices")


def _amount(text: str) -> Decimal:
    typed = text.strip()
    if not _AMOUNT.fullmatch(typed):
        raise PricePublishRefused(
            "The price was not published.", why="It is not a number.", remedy="Enter an amount like 49.00."
        )
    return Decimal(typed)


def _moment(text: str, now: datetime) -> datetime:
    """Return the time that was typed, in UTC, `now` for none. Raises PricePublishRefused.

    What cannot be read is never taken for now: a published price stays.
    """
    if not text.strip():
        return now
    try:
        found = parse_datetime(text.strip())
    except ValueError:
        found = None
    if found is None:
        raise PricePublishRefused(
            "The price was not published.",
            why="The time from which it is to hold cannot be read.",
            remedy="Write it as 2027-02-01T08:00, or leave it empty for now.",
        )
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _price_line(price: PriceRow) -> tuple[str, ...]:
    until = price.effective_to.isoformat() if price.effective_to else ""
    amount = f"{price.vm_migrated_price:f}"
    front = (str(price.tenant_id), price.tenant_name, str(price.number), amount, price.currency)
    return (*front, price.effective_from.isoformat(), until, price.published_at.isoformat())
