"""What changes money: usage is recorded, price books are published."""

from billing.services.prices import PricePublishRefused, price_publish
from billing.services.usage import UsageFact, usage_record

__all__ = ["PricePublishRefused", "UsageFact", "price_publish", "usage_record"]
