"""Writes what `decide` said of a unit; inside the reconcile's transaction."""

from dataclasses import fields
from datetime import datetime
from typing import Any

from django.db.models import F, Max

from migrations_app.domain.decision import PhaseMove, UnitDecision
from migrations_app.domain.facts import facts_stored
from migrations_app.domain.lifecycle import CLOSED, TRANSITIONS, Desired, Phase
from migrations_app.domain.snapshot import UnitView
from migrations_app.models import MigrationGroup, MigrationUnit, Transition, UnitRound
from migrations_app.services.metering import migration_metered
from portal.lib.transitions import move

# What a decision may change of a unit beside its phase, by the same name in both.
_KEPT = (
    "destination_machine_moid",
    "retry_wanted",
    "failed_in",
    "quiesced",
    "was_powered_on",
    "ready_at",
    "frozen_at",
    "started_at",
    "verified_at",
    "committed_at",
)


def unit_apply(*, unit: MigrationUnit, was: UnitView, decided: UnitDecision, now: datetime) -> bool:
    """Write the moves, rounds, facts and conditions of one unit; return whether anything changed."""
    after = decided.after
    changes: dict[str, object] = {
        name: getattr(after, name) for name in _KEPT if getattr(after, name) != getattr(was, name)
    }
    if after.facts != was.facts:
        changes["facts"] = facts_stored(after.facts)
    conditions = {
        code.value: unit.conditions.get(code.value, now.isoformat()) for code in sorted(decided.conditions)
    }
    if conditions != unit.conditions:
        changes["conditions"] = conditions
    if decided.moves:
        _move_all(unit, decided.moves, changes, now)
    elif changes:
        MigrationUnit.objects.filter(id=unit.id).update(**changes)
    _rounds_insert(unit, was, after, now)
    if any(step.to is Phase.COMMITTED for step in decided.moves):
        migration_metered(unit=unit, now=now)
    return bool(changes or decided.moves)


def _move_all(
    unit: MigrationUnit, moves: tuple[PhaseMove, ...], changes: dict[str, Any], now: datetime
) -> None:
    """Move the unit through all `moves`; what is new comes with the first, for constraints look at both."""
    told = Transition.objects.filter(unit=unit).aggregate(last=Max("number"))["last"] or 0
    for number, step in enumerate(moves, start=told + 1):
        history = Transition(
            tenant_id=unit.tenant_id,
            unit=unit,
            from_phase=unit.phase,
            to_phase=step.to,
            generation=step.generation,
            reason=step.reason,
            at=now,
            number=number,
        )
        more = changes if number == told + 1 else {}
        move(
            unit,
            to=step.to,
            table=TRANSITIONS,
            history=history,
            now=now,
            generation=step.generation,
            **more,
        )


def _rounds_insert(unit: MigrationUnit, was: UnitView, after: UnitView, now: datetime) -> None:
    known = {ended.number for ended in was.rounds}
    fresh = [ended for ended in after.rounds if ended.number not in known]
    UnitRound.objects.bulk_create(
        UnitRound(
            tenant_id=unit.tenant_id,
            unit=unit,
            generation=after.generation,
            at=now,
            **{field.name: getattr(ended, field.name) for field in fields(ended)},
        )
        for ended in fresh
    )


def group_abort(*, group: MigrationGroup, now: datetime) -> None:
    """Send the whole group back, by its own policy and not by a person."""
    group.desired = Desired.ROLL_BACK
    group.generation += 1
    group.paused = False
    group.save(update_fields=["desired", "generation", "paused"])
    units_recall(group=group)


def units_recall(*, group: MigrationGroup) -> int:
    """Want every unit back that is not on its way; return how many.

    Its next generation fences all commands given so far.
    """
    here = group.units.exclude(phase__in=CLOSED | {Phase.ROLLING_BACK})
    return here.filter(wanted_generation=F("generation")).update(wanted_generation=F("generation") + 1)
