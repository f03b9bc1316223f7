"""Price books: what a tenant pays, by versions that never change once they are there."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from tenants.models import TenantOwned


class PriceBook(TenantOwned):
    """The prices for one tenant; the provider publishes its versions."""

    name = models.CharField(max_length=200)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "price_book"
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="price_book_one_per_tenant"),
        ]

    def __str__(self) -> str:
        return self.name


class PriceBookVersion(TenantOwned):
    """Prices from `effective_from` until the next version's, exclusive. Published when inserted."""

    book = models.ForeignKey(PriceBook, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    vm_migrated_price = models.DecimalField(max_digits=20, decimal_places=10)
    effective_from = models.DateTimeField()
    published_at = models.DateTimeField()
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        db_table = "price_book_version"
        constraints = [
            models.UniqueConstraint(fields=["book", "number"], name="price_book_version_number_once"),
            models.UniqueConstraint(fields=["book", "effective_from"], name="price_book_version_moment_once"),
            models.CheckConstraint(
                condition=Q(vm_migrated_price__gte=0), name="price_book_version_price_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="price_book_version_currency_is_iso"
            ),
        ]

        indexes = [
            # selectors.usage: the version that holds at an event's moment
            models.Index(fields=["tenant", "-effective_from"], name="price_version_by_time"),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"
