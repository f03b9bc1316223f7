"""The hash chain of a tenant's meter events: each link holds the one before it."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

GENESIS = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """What of an event is under the hash."""

    tenant_id: UUID
    number: int
    meter: str
    identity_id: UUID
    quantity: Decimal
    occurred_at: datetime
    recorded_at: datetime
    source: str
    dedupe_key: str
    payload: Mapping[str, object]
    corrects_id: UUID | None = None


def link_hash(link: Link, previous: str) -> str:
    """Return the SHA-256, hex, of the event and the hash before it."""
    content = {
        "corrects": str(link.corrects_id or ""),
        "dedupe_key": link.dedupe_key,
        "identity": str(link.identity_id),
        "meter": link.meter,
        "number": link.number,
        "occurred_at": _moment(link.occurred_at),
        "payload": dict(link.payload),
        "previous": previous,
        "quantity": format(link.quantity.normalize(), "f"),
        "recorded_at": _moment(link.recorded_at),
        "source": link.source,
        "tenant": str(link.tenant_id),
    }
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(b"landfall-meter\0" + canonical.encode()).hexdigest()


def first_break(links: Iterable[tuple[Link, str, str]]) -> int | None:
    """Return the number of the first event that does not fit, or None when the chain is whole.

    `links` are (event, previous hash, hash) in the order of their numbers.
    """
    previous = GENESIS
    for number, (link, says_previous, says_hash) in enumerate(links, start=1):
        fits = link.number == number and says_previous == previous and says_hash == link_hash(link, previous)
        if not fits:
            return link.number
        previous = says_hash
    return None


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
