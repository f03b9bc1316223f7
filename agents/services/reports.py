"""Reports: stored as they come, applied in the agent's order; inside a tenant_context."""

import logging
from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from django.db import transaction

from agents.domain.delivery import OPEN, TRANSITIONS, CommandPhase, ReportKind, phase_after
from agents.domain.protocol import InventoryKind, Step, report_digest
from agents.models import Command, Report
from agents.selectors.pulses import agent_key
from agents.services.commands import report_of
from agents.services.inventory import inventory_apply
from agents.services.watching import site_wake
from agents.signals import command_finished
from portal.lib.keys import signature_holds
from portal.lib.live import publish
from portal.lib.queue import enqueue
from portal.lib.transitions import move

log = logging.getLogger(__name__)


@transaction.atomic
def report_store(
    *,
    command: Command,
    number: int,
    kind: ReportKind,
    body: Mapping[str, object],
    signature: bytes,
    now: datetime,
) -> None:
    """Store a report for a worker to apply; a repeated one is ignored. The gateway does the same in SQL."""
    report = report_of(command, number, kind, body, now)
    report.applied_at = None
    report.signature = signature
    Report.objects.bulk_create([report], ignore_conflicts=True)


@transaction.atomic
def reports_apply(*, command_id: UUID, now: datetime) -> int:
    """Apply the command's stored reports in their order; return how many."""
    command = Command.objects.select_for_update().filter(id=command_id).first()
    if command is None:
        return 0
    waiting = list(command.reports.filter(applied_at=None).order_by("number"))
    for report in waiting:
        if _is_genuine(command, report):
            _apply(command, report, now)
        else:
            log.warning("a report on command %s is not signed by its agent", command.id)
    Report.objects.filter(id__in=[report.id for report in waiting]).update(applied_at=now)
    return len(waiting)


@transaction.atomic
def report_record(
    *,
    agent_id: UUID,
    command_id: UUID,
    number: int,
    kind: ReportKind,
    body: Mapping[str, object],
    now: datetime,
) -> None:
    """Store and apply one report at once, without a signature: for what speaks inside the portal.

    A repeated report is ignored, a late one is kept and changes nothing.
    """
    command = Command.objects.select_for_update().get(id=command_id, agent_id=agent_id)
    if command.reports.filter(number=number).exists():
        return
    report = report_of(command, number, kind, body, now)
    report.save(force_insert=True)
    _apply(command, report, now)


def _is_genuine(command: Command, report: Report) -> bool:
    digest = report_digest(
        agent_id=command.agent_id,
        command_id=command.id,
        number=report.number,
        kind=report.kind,
        body=report.body,
    )
    return signature_holds(agent_key(command.agent_id), bytes(report.signature), digest)


def _apply(command: Command, report: Report, now: datetime) -> None:
    kind = ReportKind(report.kind)
    before = CommandPhase(command.phase)
    if kind is ReportKind.PROGRESS and before in OPEN:
        _progress(command, report, now)
    to = phase_after(before, kind)
    if to is not None:
        result = report.body if to not in OPEN else command.result
        move(command, to=to, table=TRANSITIONS, history=None, now=now, result=result)
    if to is not None and to not in OPEN:
        _finished(command, now)
    publish(f"unit:{command.unit_id}", tenant_id=command.tenant_id)


def _progress(command: Command, report: Report, now: datetime) -> None:
    body: Mapping[str, object] = report.body
    if command.step == Step.WATCH_INVENTORY:
        inventory_apply(site_id=command.unit_id, generation=command.generation, body=body, now=now)
        body = {"kind": body.get("kind", "")}
        if body["kind"] == InventoryKind.SYNCED:  # what led here stands in the inventory now
            enqueue("agents.prune", command_id=command.id, tenant_id=command.tenant_id)
    if body.get("frozen") or not _is_overtaken(command, report):
        command.progress = dict(body)
        Command.objects.filter(id=command.id).update(progress=command.progress, progress_at=now)
    if body.get("frozen"):  # evidence that moves a unit on before the command has ended
        command_finished.send(sender=Command, unit_id=command.unit_id, now=now)


def _is_overtaken(command: Command, report: Report) -> bool:
    """Return whether newer progress has been applied: what comes late is kept, and undoes nothing."""
    newer = command.reports.filter(number__gt=report.number, kind=ReportKind.PROGRESS.value)
    return newer.exclude(applied_at=None).exists()


def _finished(command: Command, now: datetime) -> None:
    if command.step == Step.WATCH_INVENTORY:
        site_wake(site_id=command.unit_id, now=now)
    command_finished.send(sender=Command, unit_id=command.unit_id, now=now)
