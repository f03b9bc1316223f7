"""What is billed and at which price: identities, entitlements, meter events, price books."""

from billing.models.ledger import BillingIdentity, ChainHead, Entitlement, MeterEvent
from billing.models.prices import PriceBook, PriceBookVersion

__all__ = [
    "BillingIdentity",
    "ChainHead",
    "Entitlement",
    "MeterEvent",
    "PriceBook",
    "PriceBookVersion",
]
