"""Inventory reports do not pile up: after a whole sync, what was applied long ago goes."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from celery import current_app
from django.utils import timezone

from agents.domain.delivery import CommandDraft, CommandKey, ReportKind
from agents.models import Command, Report
from agents.services import commands_insert, report_record
from agents.tasks import PRUNE_AFTER, prune
from portal.lib.roles import WORKER
from portal.lib.tenancy import tenant_context
from tests.cast import NOON, Cast, House
from tests.sessions import committed, login

SYNCED = {"kind": "synced", "sync": "s", "counts": {}}
OBJECTS = {"kind": "objects", "sync": "s", "objects": []}


def watching(house: House, step: str = "watch_inventory") -> UUID:
    """Let the house's agent watch its site; the command's id."""
    draft = CommandDraft(
        key=CommandKey(house.site.id, generation=1, step=step, round=1),
        agent_id=house.source.id,
        seq=1,
        deliver_after=NOON,
        deadline=NOON + timedelta(days=3650),
    )
    with tenant_context(house.tenant.id):
        commands_insert(tenant_id=house.tenant.id, drafts=[draft], now=NOON)
        return Command.objects.get(step=step).id


def tell(
    house: House, command_id: UUID, number: int, body: Mapping[str, object], now: datetime = NOON
) -> None:
    """Let the agent report, applied at `now`."""
    with tenant_context(house.tenant.id):
        report_record(
            agent_id=house.source.id,
            command_id=command_id,
            number=number,
            kind=ReportKind.PROGRESS,
            body=body,
            now=now,
        )
        Report.objects.filter(command_id=command_id, number=number).update(applied_at=now)


def left(house: House) -> list[int]:
    """The numbers of the reports that are still there."""
    with tenant_context(house.tenant.id):
        return list(Report.objects.order_by("number").values_list("number", flat=True))


def hints() -> list[str]:
    """The names of the tasks that the broker holds."""
    with current_app.connection_for_read() as broker:
        queue = broker.SimpleQueue(current_app.conf.task_default_queue)
        return [queue.get(block=False).headers["task"] for _ in range(queue.qsize())]


@committed
def test_a_whole_sync_asks_for_the_sweep(cast: Cast) -> None:
    watch = watching(cast.acme)
    hints()

    tell(cast.acme, watch, 1, SYNCED)

    assert hints().count("agents.prune") == 1


@committed
def test_a_batch_of_it_does_not(cast: Cast) -> None:
    watch = watching(cast.acme)
    hints()

    tell(cast.acme, watch, 1, OBJECTS)

    assert "agents.prune" not in hints()


@committed
def test_a_worker_drops_what_was_applied_long_ago(cast: Cast) -> None:
    watch = watching(cast.acme)
    tell(cast.acme, watch, 1, OBJECTS, timezone.now() - 2 * PRUNE_AFTER)
    tell(cast.acme, watch, 2, OBJECTS, timezone.now() - PRUNE_AFTER / 2)

    with login(WORKER):
        prune(command_id=str(watch), tenant_id=str(cast.acme.tenant.id))

    assert left(cast.acme) == [2]


@committed
def test_what_other_commands_say_is_kept(cast: Cast) -> None:
    sync = watching(cast.acme, "sync")
    tell(cast.acme, sync, 1, {"content": 1}, timezone.now() - 2 * PRUNE_AFTER)

    with login(WORKER):
        prune(command_id=str(sync), tenant_id=str(cast.acme.tenant.id))

    assert left(cast.acme) == [1]


@committed
def test_another_tenant_s_name_opens_nothing(cast: Cast) -> None:
    watch = watching(cast.acme)
    tell(cast.acme, watch, 1, OBJECTS, timezone.now() - 2 * PRUNE_AFTER)

    with login(WORKER):
        prune(command_id=str(watch), tenant_id=str(cast.globex.tenant.id))

    assert left(cast.acme) == [1]
