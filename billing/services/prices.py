"""Publishing prices: a version never changes; a new one says from when it holds."""

from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from billing.models import PriceBook, PriceBookVersion
from portal.lib.refusal import Refusal
from portal.lib.tenancy import tenant_context
from tenants.domain.roles import Actor, Right, TenantKind
from tenants.models import Tenant

PLACES = 10
# What the column, numeric(20, 10), has no room for.
BEYOND = 10**10
AHEAD_MAX = timedelta(days=2 * 366)


class PricePublishRefused(Refusal):
    """A price was given that cannot be published."""

    code = "price_publish_refused"


def price_publish(
    *,
    actor: Actor,
    tenant_id: UUID,
    currency: str,
    vm_migrated_price: Decimal,
    effective_from: datetime,
    now: datetime,
) -> PriceBookVersion:
    """Return the new version of a customer's prices, published by the provider.

    Raises PricePublishRefused, and Tenant.DoesNotExist for no customer.
    Outside any tenant: it enters `tenant_id`'s itself, whose book it is.
    """
    actor.require(Right.PROVIDER_MONEY)
    _check(currency, vm_migrated_price)
    _beginning_check(effective_from, now)
    with tenant_context(tenant_id), transaction.atomic():
        Tenant.objects.get(id=tenant_id, kind=TenantKind.CUSTOMER)
        book = _book(tenant_id, now)
        last = book.versions.order_by("-effective_from").first()
        if last is not None and effective_from < max(now, last.effective_from):
            raise PricePublishRefused(
                "The price was not published.",
                why="It would hold for a time whose price is already known.",
                remedy="Let it hold from now on or later, after the last one that is planned.",
            )
        return PriceBookVersion.objects.create(
            tenant_id=tenant_id,
            book=book,
            number=last.number + 1 if last else 1,
            currency=currency,
            vm_migrated_price=vm_migrated_price,
            effective_from=effective_from,
            published_at=now,
            published_by_id=actor.user_id,
        )


def _check(currency: str, price: Decimal) -> None:
    if not price.is_finite() or not 0 <= price < BEYOND or -int(price.as_tuple().exponent) > PLACES:
        raise PricePublishRefused(
            "The price was not published.",
            why=f"A price is zero or more and less than {BEYOND:,}, with at most {PLACES} decimal places.",
            remedy="Correct the price.",
        )
    if len(currency) != 3 or not (currency.isascii() and currency.isupper() and currency.isalpha()):
        raise PricePublishRefused(
            "The price was not published.",
            why="A currency is three capital letters, such as EUR.",
            remedy="Correct the currency.",
        )


def _beginning_check(effective_from: datetime, now: datetime) -> None:
    # No version is taken back, and none may begin before the last one: a mistyped year would close the book.
    if effective_from > now + AHEAD_MAX:
        raise PricePublishRefused(
            "The price was not published.",
            why=f"It would hold from {effective_from:%d %b %Y} on, which is more than two years ahead.",
            remedy="Correct the year, or publish it when it is nearer.",
        )


def _book(tenant_id: UUID, now: datetime) -> PriceBook:
    """Return the tenant's price book, locked: two publications in one moment must not share a number."""
    PriceBook.objects.bulk_create(
        [PriceBook(tenant_id=tenant_id, name="Prices", created_at=now)], ignore_conflicts=True
    )
    return PriceBook.objects.select_for_update().get(tenant_id=tenant_id)
