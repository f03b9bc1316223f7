"""Closing an organisation: nothing is under way, its agents are put out, its people read and export."""

from datetime import datetime
from uuid import UUID

from agents.domain.delivery import OPEN
from agents.models import Command, Site
from agents.services import agents_revoke_all
from migrations_app.selectors.usage import under_way
from migrations_app.services.refusals import ConfirmationWrong
from portal.lib.refusal import Refusal
from portal.lib.tenancy import tenant_context
from tenants.domain.roles import Actor, Right
from tenants.domain.standing import TenantStanding
from tenants.models import Tenant
from tenants.services import standing_move, tenant_lock


class TenantBusy(Refusal):
    """Machines of the organisation are under way, so that it cannot be closed."""

    code = "tenant_busy"


def tenant_close(*, actor: Actor, tenant_id: UUID, confirmation: str, reason: str, now: datetime) -> Tenant:
    """Return the customer, closed for good; `confirmation` is its name, typed.

    Raises ConfirmationWrong, TenantBusy, ReasonMissing and StandingUnfit. A group that was planned and never
    started is no obstacle: it starts no more.
    """
    actor.require(Right.PROVIDER_MANAGE)
    with tenant_context(tenant_id):
        tenant = tenant_lock(tenant_id)
        what = f"{tenant.name} was not closed."
        if confirmation.strip() != tenant.name:
            raise ConfirmationWrong(
                what,
                why="What was typed is not the organisation's name.",
                remedy=f"Type {tenant.name} to confirm.",
            )
        _idle_check(tenant_id, what)
        closed = standing_move(
            actor=actor, tenant_id=tenant_id, to=TenantStanding.CLOSED, reason=reason, now=now
        )
        agents_revoke_all(tenant_id=tenant_id, now=now)
    return closed


def _idle_check(tenant_id: UUID, what: str) -> None:
    # A site's watcher is a command as well, and ends with its connector.
    watchers = Site.objects.filter(tenant_id=tenant_id).values("id")
    orders = Command.objects.filter(tenant_id=tenant_id, phase__in=OPEN).exclude(unit_id__in=watchers)
    busy = under_way(tenant_id)
    if busy or orders.exists():
        why = f"Machines under way: {busy}." if busy else "An agent still works on an order."
        raise TenantBusy(
            what, why=why, remedy="Let them be committed or rolled back, and wait until that is done."
        )
