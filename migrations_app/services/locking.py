"""The one way for a request to get hold of a group, and to wake it."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from migrations_app.models import MigrationGroup, MigrationUnit
from portal.lib.live import publish
from portal.lib.queue import enqueue
from tenants.domain.roles import Actor, Right


def group_lock(group: MigrationGroup, actor: Actor, right: Right) -> MigrationGroup:
    """Return the group, locked and as it is now; raises RightMissing, and DoesNotExist to an outsider."""
    actor.require(right)
    return MigrationGroup.objects.visible_to(actor).select_for_update().get(id=group.id)


def group_ask(group: MigrationGroup, *, now: datetime, **intent: object) -> None:
    """Write the intent and make the group due now: the row is the guarantee, the task a hint."""
    MigrationGroup.objects.filter(id=group.id).update(wake_at=now, **intent)
    enqueue("migrations_app.reconcile", group_id=group.id, tenant_id=group.tenant_id)
    group_changed(group)


@transaction.atomic
def group_wake(*, unit_id: UUID, now: datetime) -> None:
    """Make the unit's group due; nothing happens where the unit is not a migration's."""
    for group in MigrationGroup.objects.filter(units__id=unit_id):
        group_ask(group, now=now)


def unit_lock(unit: MigrationUnit, actor: Actor, right: Right) -> tuple[MigrationGroup, MigrationUnit]:
    """Return the unit as it is now and its group, which is what is locked."""
    group = group_lock(unit.group, actor, right)
    return group, group.units.get(id=unit.id)


def group_changed(group: MigrationGroup) -> None:
    """Tell the browsers that look at the group, or at the list of them."""
    publish(f"group:{group.id}", tenant_id=group.tenant_id)
    publish("groups", tenant_id=group.tenant_id)
