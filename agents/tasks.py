"""The tasks: apply what agents said, keep sites watched, keep offers true, and look for what is due."""

from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from agents.selectors import agents_waiting, reports_due, sites_due
from agents.services import offers_refresh as refresh
from agents.services import reports_apply
from agents.services import site_reconcile as reconcile
from agents.services.pruning import reports_prune
from portal.lib.live import wake
from portal.lib.queue import enqueue, task
from portal.lib.tenancy import tenant_context

TICK_LIMIT = 500
PRUNE_AFTER = timedelta(minutes=10)


@task
def apply_reports(*, command_id: str, tenant_id: str, **_: object) -> None:
    """Apply what an agent said of one command."""
    with tenant_context(UUID(tenant_id)):
        reports_apply(command_id=UUID(command_id), now=timezone.now())


@task
def site_reconcile(*, site_id: str, tenant_id: str, **_: object) -> None:
    """Look at one site's watcher."""
    with tenant_context(UUID(tenant_id)):
        reconcile(site_id=UUID(site_id), now=timezone.now())


@task
def offers_refresh(*, site_id: str, tenant_id: str, **_: object) -> None:
    """Bring the tenants' copies of one of the provider's sites up to date."""
    refresh(site_id=UUID(site_id), tenant_id=UUID(tenant_id), now=timezone.now())


@task
def tick(**_: object) -> None:
    """Hint at everything that is due, whatever became of earlier hints."""
    now = timezone.now()
    for due in reports_due(limit=TICK_LIMIT, now=now):
        enqueue("agents.apply_reports", command_id=due.id, tenant_id=due.tenant_id)
    for due in sites_due(limit=TICK_LIMIT, now=now):
        enqueue("agents.site_reconcile", site_id=due.id, tenant_id=due.tenant_id)
    with transaction.atomic():
        wake(agents_waiting(limit=TICK_LIMIT, now=now))


@task
def prune(*, command_id: str, tenant_id: str, **_: object) -> None:
    """Drop the applied inventory reports of one watcher: their content stands in the inventory."""
    with tenant_context(UUID(tenant_id)):
        reports_prune(command_id=UUID(command_id), before=timezone.now() - PRUNE_AFTER)
