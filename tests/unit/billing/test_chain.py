"""The chain of events: whatever is changed, left out or put in between is found."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from billing.domain.chain import GENESIS, Link, first_break, link_hash

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def link(number: int) -> Link:
    """Return an event."""
    return Link(
        tenant_id=UUID(int=1),
        number=number,
        meter="vm.migrated",
        identity_id=UUID(int=number),
        quantity=Decimal(1),
        occurred_at=NOON,
        recorded_at=NOON,
        source="landfall",
        dedupe_key=f"mig:{number}",
        payload={"name": "db01"},
    )


def chain(*links: Link) -> list[tuple[Link, str, str]]:
    """Return the events as they are stored."""
    stored, previous = [], GENESIS
    for each in links:
        stored.append((each, previous, link_hash(each, previous)))
        previous = stored[-1][2]
    return stored


def test_a_whole_chain_has_no_break() -> None:
    assert first_break(chain(link(1), link(2), link(3))) is None


def test_an_empty_chain_has_no_break() -> None:
    assert first_break([]) is None


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": Decimal(2)},
        {"payload": {"name": "db02"}},
        {"occurred_at": NOON + timedelta(seconds=1)},
        {"dedupe_key": "mig:9"},
        {"identity_id": UUID(int=9)},
    ],
)
def test_a_changed_event_is_found(change: dict[str, object]) -> None:
    stored = chain(link(1), link(2), link(3))
    forged = replace(stored[1][0], **change)  # type: ignore[arg-type]

    assert first_break([stored[0], (forged, *stored[1][1:]), stored[2]]) == 2


def test_a_missing_event_is_found() -> None:
    stored = chain(link(1), link(2), link(3))

    assert first_break([stored[0], stored[2]]) == 3


def test_a_rehashed_event_breaks_the_next_one() -> None:
    stored = chain(link(1), link(2), link(3))
    forged = replace(stored[1][0], quantity=Decimal(2))
    rehashed = (forged, stored[1][1], link_hash(forged, stored[1][1]))

    assert first_break([stored[0], rehashed, stored[2]]) == 3


def test_the_hash_does_not_depend_on_how_a_number_or_a_moment_is_written() -> None:
    elsewhere = NOON.astimezone(timezone(timedelta(hours=5)))
    same = replace(link(1), quantity=Decimal("1.000000000000"), occurred_at=elsewhere)

    assert link_hash(same, GENESIS) == link_hash(link(1), GENESIS)
