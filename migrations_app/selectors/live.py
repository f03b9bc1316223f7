"""The round under way, as its agent last told it."""

from collections.abc import Iterable, Mapping
from uuid import UUID

import msgspec

from agents.domain.delivery import OPEN
from agents.domain.protocol import Step, SyncProgress
from agents.models import Command
from migrations_app.selectors.rows import LiveRow

_CARRYING = (Step.SYNC.value, Step.FREEZE.value)
_NOTHING = SyncProgress(planned=0, content=0, wire=0, rate=0.0)


def open_commands(unit_ids: Iterable[UUID]) -> Mapping[UUID, Command]:
    """Return the open command of each unit that carries data."""
    rows = Command.objects.filter(
        unit_id__in=list(unit_ids), phase__in=[phase.value for phase in OPEN], step__in=_CARRYING
    )
    return {row.unit_id: row for row in rows}


def live_of(command: Command) -> LiveRow:
    """Return the progress of an open command; what cannot be read counts as nothing said."""
    try:
        said = msgspec.convert(command.progress, SyncProgress)
    except msgspec.ValidationError:
        said = _NOTHING
    left = max(said.planned - said.content, 0)
    return LiveRow(
        number=command.round,
        planned=said.planned,
        content=said.content,
        wire=said.wire,
        rate=said.rate,
        connections=said.connections,
        at=command.progress_at,
        fraction=min(said.content / said.planned, 1.0) if said.planned > 0 else 0.0,
        left_s=left / said.rate if said.rate > 0 else None,
        disks=_disks(command.progress),
    )


def _disks(progress: Mapping[str, object]) -> dict[str, int]:
    """Return the bytes by disk, from an agent that tells them."""
    told = progress.get("disks")
    if not isinstance(told, dict):
        return {}
    return {str(name): count for name, count in told.items() if isinstance(count, int)}
