"""When a machine may be moved again without being billed again."""

from datetime import datetime, timedelta

# The same machine to the same destination within this time is the same, paid move.
FREE_AGAIN = timedelta(days=90)


def entitlement_number(*, last: int, granted_at: datetime | None, occurred_at: datetime) -> int:
    """Return the number of the entitlement that covers a move at `occurred_at`.

    `last` is the highest so far (0: none) and `granted_at` its moment. The number rises for a first move,
    and for one after the free time of the last has passed.
    """
    covered = granted_at is not None and occurred_at - granted_at <= FREE_AGAIN
    return last if covered else last + 1
