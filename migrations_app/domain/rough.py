"""A rough estimate from sizes alone, for before anything was observed: how long a whole move would copy."""

from dataclasses import dataclass
from datetime import timedelta

LINE_SHARE = 0.9
"""What of a line's own rate arrives as content's bytes on the wire; measured 0.93 to 0.95."""
DAY_S = 86_400
MBIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Assumed:
    """What nobody has measured yet: how well content compresses, and what share of it changes in a day."""

    compresses: float
    changes_a_day: float


LOW = Assumed(compresses=2.0, changes_a_day=0.01)
LIKELY = Assumed(compresses=1.5, changes_a_day=0.03)
HIGH = Assumed(compresses=1.0, changes_a_day=0.10)


@dataclass(frozen=True, slots=True)
class Rough:
    """How long it takes: at best, likely, at worst. None: at that change rate the copy never catches up."""

    low: timedelta | None
    likely: timedelta | None
    high: timedelta | None


def rough_estimate(*, used_bytes: int, line_mbit: int) -> Rough:
    """Return how long copying `used_bytes` over a line of `line_mbit` Mbit/s takes, changes included."""
    low, likely, high = (_taken(used_bytes, line_mbit, assumed) for assumed in (LOW, LIKELY, HIGH))
    return Rough(low, likely, high)


def _taken(used: int, line_mbit: int, assumed: Assumed) -> timedelta | None:
    """Return the copy with all of its rounds: what changes in one is the next one's (a geometric sum)."""
    rate = line_mbit * MBIT / 8 * LINE_SHARE * assumed.compresses
    changing = used * assumed.changes_a_day / DAY_S
    if changing >= rate:
        return None
    return timedelta(seconds=used / (rate - changing))
