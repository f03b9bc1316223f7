"""The last rounds of units."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db.models import Sum

from migrations_app.models import UnitRound

# LATERAL, since a unit that is ready for weeks has thousands of rounds and only the last ones say anything.
_LAST = """
    SELECT last.* FROM unnest(%s::uuid[]) AS wanted (id)
    CROSS JOIN LATERAL (
        SELECT * FROM migration_round WHERE unit_id = wanted.id
        ORDER BY generation DESC, number DESC LIMIT %s
    ) AS last
    ORDER BY last.unit_id, last.generation, last.number
"""


def rounds_last(unit_ids: Sequence[UUID], *, limit: int) -> Mapping[UUID, list[UnitRound]]:
    """Return up to `limit` rounds of each unit, the newest last; no rounds is an empty list."""
    found: defaultdict[UUID, list[UnitRound]] = defaultdict(list)
    for row in UnitRound.objects.raw(_LAST, [list(unit_ids), limit]):
        found[row.unit_id].append(row)
    return found


def wire_of(unit_ids: Sequence[UUID]) -> Mapping[UUID, int]:
    """Return the bytes on the wire of all rounds of each unit."""
    rows = UnitRound.objects.filter(unit_id__in=unit_ids).values_list("unit_id")
    return dict(rows.annotate(wire=Sum("wire")))
