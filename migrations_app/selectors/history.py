"""What became of a unit: the moves of its phases and the commands on its tenant's behalf."""

from uuid import UUID

from agents.models import Agent, Command
from migrations_app.domain.lifecycle import Phase
from migrations_app.models import MigrationGroup, MigrationUnit, Transition
from migrations_app.selectors.rows import CommandRow, EventRow, MoveRow

MOST = 200


def unit_history(unit: MigrationUnit, *, limit: int = MOST) -> tuple[MoveRow, ...]:
    """Return the unit's moves, the newest first."""
    moves = Transition.objects.filter(unit=unit).order_by("-number")[:limit]
    return tuple(
        MoveRow(
            at=move.at,
            from_phase=Phase(move.from_phase),
            to_phase=Phase(move.to_phase),
            generation=move.generation,
            reason=move.reason,
        )
        for move in moves
    )


def group_history(group: MigrationGroup, *, limit: int) -> tuple[EventRow, ...]:
    """Return the last moves of the group's units, the newest first."""
    moves = Transition.objects.filter(unit__group=group).select_related("unit").order_by("-at", "-number")
    return tuple(
        EventRow(at=move.at, name=move.unit.name, to_phase=Phase(move.to_phase), reason=move.reason)
        for move in moves[:limit]
    )


def unit_commands(unit: MigrationUnit, *, limit: int = MOST) -> tuple[CommandRow, ...]:
    """Return the unit's commands, the newest first; bodies stay inside, they hold sealed credentials."""
    commands = list(Command.objects.filter(unit_id=unit.id).order_by("-generation", "-seq")[:limit])
    names = dict(Agent.objects.filter(id__in=[row.agent_id for row in commands]).values_list("id", "name"))
    return tuple(
        CommandRow(
            id=row.id,
            step=row.step,
            generation=row.generation,
            seq=row.seq,
            round=row.round,
            attempt=row.attempt,
            phase=row.phase,
            since=row.phase_since,
            deliveries=row.deliveries,
            agent=names.get(row.agent_id, ""),
            said=_said(row.result),
        )
        for row in commands
    )


def _said(result: object) -> str:
    """Return the words of a failure or a closing, which are all that a person reads of a result."""
    if not isinstance(result, dict):
        return ""
    return " ".join(str(result[key]) for key in ("what", "why", "remedy") if result.get(key))[:500]


def unit_of_group(group: MigrationGroup, unit_id: UUID) -> MigrationUnit | None:
    """Return the group's unit of this id, or None."""
    return group.units.select_related("machine", "group").filter(id=unit_id).first()
