"""Drops what nobody will ask for again; inside a tenant_context."""

from datetime import datetime
from uuid import UUID

from django.db import transaction

from agents.domain.delivery import ReportKind
from agents.domain.protocol import Step
from agents.models import Report


@transaction.atomic
def reports_prune(*, command_id: UUID, before: datetime) -> int:
    """Delete a watcher's applied progress reports from before then; return how many."""
    deleted, _ = Report.objects.filter(
        command_id=command_id,
        command__step=Step.WATCH_INVENTORY.value,
        kind=ReportKind.PROGRESS.value,
        applied_at__lt=before,
    ).delete()
    return deleted
