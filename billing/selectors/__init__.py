"""What others may ask about money; inside a tenant_context (or, to read, a provider_context)."""

from billing.selectors.prices import PricePage, PriceRow, prices_page
from billing.selectors.usage import (
    UsageFilter,
    UsagePage,
    UsageRow,
    chain_break,
    usage_csv_rows,
    usage_page,
    usage_totals,
)

__all__ = [
    "PricePage",
    "PriceRow",
    "UsageFilter",
    "UsagePage",
    "UsageRow",
    "chain_break",
    "prices_page",
    "usage_csv_rows",
    "usage_page",
    "usage_totals",
]
