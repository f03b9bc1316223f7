"""Price books, the metering ledger, rating, invoices and exports."""

from django.apps import AppConfig


class BillingConfig(AppConfig):
    """Prices neutral facts; it knows no migration."""

    name = "billing"
