"""When a machine may be moved again without being billed again."""

from datetime import UTC, datetime, timedelta

from billing.domain.entitlement import FREE_AGAIN, entitlement_number

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def test_the_first_move_is_number_one() -> None:
    assert entitlement_number(last=0, granted_at=None, occurred_at=NOON) == 1


def test_a_move_soon_after_is_covered() -> None:
    assert entitlement_number(last=1, granted_at=NOON, occurred_at=NOON + FREE_AGAIN) == 1


def test_a_later_move_is_paid_again() -> None:
    later = NOON + FREE_AGAIN + timedelta(microseconds=1)

    assert entitlement_number(last=1, granted_at=NOON, occurred_at=later) == 2
