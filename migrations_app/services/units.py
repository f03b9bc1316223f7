"""What people ask of one machine of a group."""

from datetime import datetime

from django.db import transaction

from migrations_app.domain.lifecycle import CLOSED, Condition, Desired, Phase
from migrations_app.models import MigrationUnit
from migrations_app.services.locking import group_ask, unit_lock
from migrations_app.services.refusals import (
    ConfirmationWrong,
    NothingToAccept,
    RetryRefused,
    RollbackRefused,
)
from tenants.domain.roles import Actor, Right


@transaction.atomic
def unit_retry(*, unit: MigrationUnit, actor: Actor, now: datetime) -> None:
    """Ask for another attempt at what failed; raises RetryRefused."""
    group, locked = unit_lock(unit, actor, Right.OPERATE)
    if locked.phase != Phase.FAILED:
        raise RetryRefused(
            f"{locked.name} was not retried.",
            why="It has not failed.",
            remedy="Retry a machine that stands at failed.",
        )
    MigrationUnit.objects.filter(id=locked.id).update(retry_wanted=True)
    group_ask(group, now=now)


@transaction.atomic
def unit_rollback(*, unit: MigrationUnit, actor: Actor, now: datetime) -> None:
    """Ask for this one machine to run at its source again; raises RollbackRefused."""
    group, locked = unit_lock(unit, actor, Right.CUT_OVER)
    resting = locked.phase in CLOSED | {Phase.PLANNED, Phase.ROLLING_BACK}
    if resting or group.desired == Desired.COMMIT or locked.wanted_generation > locked.generation:
        raise RollbackRefused(
            f"{locked.name} was not rolled back.",
            why="It has not started, is on its way back, or is being committed.",
            remedy="A committed machine comes back by a migration the other way.",
        )
    MigrationUnit.objects.filter(id=locked.id).update(wanted_generation=locked.generation + 1)
    group_ask(group, now=now)


@transaction.atomic
def unverified_accept(*, unit: MigrationUnit, actor: Actor, confirmation: str, now: datetime) -> None:
    """Take a machine whose copy could not be compared; raises NothingToAccept and ConfirmationWrong.

    `confirmation` is the machine's name, typed.
    """
    group, locked = unit_lock(unit, actor, Right.CUT_OVER)
    _expect(locked, Condition.UNVERIFIED)
    _confirm(locked, confirmation)
    MigrationUnit.objects.filter(id=locked.id).update(unverified_accepted=True)
    group_ask(group, now=now)


@transaction.atomic
def destination_declared_off(*, unit: MigrationUnit, actor: Actor, confirmation: str, now: datetime) -> None:
    """Vouch that the destination cannot write any more; raises NothingToAccept and ConfirmationWrong.

    The source starts then without the destination's own word: two running copies are this person's risk.
    """
    group, locked = unit_lock(unit, actor, Right.CUT_OVER)
    _expect(locked, Condition.DESTINATION_UNKNOWN)
    _confirm(locked, confirmation)
    MigrationUnit.objects.filter(id=locked.id).update(fence_waived=True)
    group_ask(group, now=now)


def _expect(unit: MigrationUnit, condition: Condition) -> None:
    if condition.value not in unit.conditions:
        raise NothingToAccept(
            "Nothing was changed.",
            why=f"{unit.name} does not wait for this.",
            remedy="Look at the machine again: its state has changed.",
        )


def _confirm(unit: MigrationUnit, confirmation: str) -> None:
    if confirmation.strip() != unit.name:
        raise ConfirmationWrong(
            "Nothing was changed.",
            why="What was typed is not the machine's name.",
            remedy=f"Type {unit.name} to confirm.",
        )
