"""A group's itinerary and figures, as its pages show them."""

from collections.abc import Sequence
from typing import Any

from migrations_app.domain.lifecycle import Phase
from migrations_app.selectors import GroupDetail, UnitRow

_WAY: Sequence[tuple[str, frozenset[Phase]]] = (
    ("Planned", frozenset({Phase.PLANNED})),
    ("Validated", frozenset({Phase.VALIDATING})),
    ("Copied", frozenset({Phase.SYNCING})),
    ("Ready", frozenset({Phase.READY})),
    ("Cut over", frozenset({Phase.QUIESCING, Phase.FINAL_DELTA, Phase.SWITCHING})),
    ("Verified", frozenset({Phase.VERIFYING})),
    ("Your decision", frozenset({Phase.AWAITING_COMMIT})),
    ("Committed", frozenset({Phase.COMMITTED})),
)
_TONES = {"Ready": "good", "Your decision": "warn", "Committed": "good"}
_BACK = frozenset({Phase.ROLLING_BACK, Phase.ROLLED_BACK})


def steps_of(detail: GroupDetail) -> list[dict[str, Any]]:
    """Return the steps of the way; the current one is where the last machine stands."""
    places = [_place(_stood(unit)) for unit in detail.units]
    standing = [place for place in places if place is not None]
    current = min(standing, default=0)
    total = len(detail.units)
    steps = []
    for at, (name, phases) in enumerate(_WAY):
        here = sum(unit.phase in phases for unit in detail.units)
        passed = sum(place > at for place in standing)
        ended = at < current
        failed = sum(unit.phase == Phase.FAILED and unit.failed_in in phases for unit in detail.units)
        steps.append(
            {
                "name": name,
                "is": "done" if ended else "current" if at == current and standing else "next",
                "when": f"{failed} failed"
                if failed
                else f"{here} here"
                if here
                else f"{passed} of {total}"
                if passed
                else "",
                "tone": "bad" if failed else _TONES.get(name, "run"),
            }
        )
    return steps


def figures_of(detail: GroupDetail) -> dict[str, Any]:
    """Return the group's figures: sizes in bytes, rates in bytes per second, times in seconds."""
    units = detail.units
    paused = [unit.paused_s for unit in units if unit.paused_s is not None]
    known = [unit.remaining_bytes for unit in units if unit.remaining_bytes is not None]
    wire = sum(unit.wire_bytes for unit in units)
    moved = sum(ended.content for unit in units for ended in unit.rounds)
    return {
        "remaining": sum(known) if known else None,
        "allocated": sum(unit.allocated_bytes for unit in units),
        "wire": wire,
        "ratio": f"{moved / wire:.1f} : 1" if wire and moved else "–",
        "verified": sum(unit.verified_at is not None for unit in units),
        "pause": max(paused, default=None),
    }


def _stood(unit: UnitRow) -> Phase:
    """Return where the unit stands, or stood when it failed."""
    return Phase(unit.failed_in) if unit.phase == Phase.FAILED and unit.failed_in else unit.phase


def _place(phase: Phase) -> int | None:
    if phase in _BACK or phase in (Phase.FAILED, Phase.CANCELLED):
        return None
    return next(at for at, (_, phases) in enumerate(_WAY) if phase in phases)
