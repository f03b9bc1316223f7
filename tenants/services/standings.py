"""What the provider does to a tenant's standing; closing is more than that (`migrations_app.services`)."""

from datetime import datetime
from uuid import UUID

from portal.lib.plain import name_fault
from portal.lib.refusal import Refusal
from portal.lib.tenancy import tenant_context
from portal.lib.transitions import move
from tenants.domain.roles import Actor, Right, TenantKind
from tenants.domain.standing import TRANSITIONS, TenantStanding
from tenants.models import StandingChange, Tenant

REASON_MAX = 500


class ReasonMissing(Refusal):
    """A tenant's people are told why; nobody said it."""

    code = "reason_missing"
    status = 422


class StandingUnfit(Refusal):
    """The tenant does not stand so that this could be done."""

    code = "standing_unfit"


def tenant_suspend(*, actor: Actor, tenant_id: UUID, reason: str, now: datetime) -> Tenant:
    """Let the tenant begin nothing new; what runs goes on. Raises ReasonMissing and StandingUnfit."""
    actor.require(Right.PROVIDER_MANAGE)
    with tenant_context(tenant_id):
        return standing_move(
            actor=actor, tenant_id=tenant_id, to=TenantStanding.SUSPENDED, reason=reason, now=now
        )


def tenant_resume(*, actor: Actor, tenant_id: UUID, reason: str, now: datetime) -> Tenant:
    """Let a suspended tenant work again. Raises ReasonMissing and StandingUnfit."""
    actor.require(Right.PROVIDER_MANAGE)
    with tenant_context(tenant_id):
        return standing_move(
            actor=actor, tenant_id=tenant_id, to=TenantStanding.ACTIVE, reason=reason, now=now
        )


def standing_move(*, actor: Actor, tenant_id: UUID, to: TenantStanding, reason: str, now: datetime) -> Tenant:
    """Return the tenant, moved; inside its tenant_context. Raises ReasonMissing and StandingUnfit."""
    tenant = tenant_lock(tenant_id)
    told = reason.strip()
    if name_fault(told, REASON_MAX):
        raise ReasonMissing(
            f"{tenant.name} was not changed.",
            why=f"Its people are told why, in a line of at most {REASON_MAX} characters.",
            remedy="Say why.",
        )
    was = TenantStanding(tenant.standing)
    if to not in TRANSITIONS[was]:
        raise StandingUnfit(
            f"{tenant.name} was not changed.",
            why=f"It is {was.value}, and cannot become {to.value} from there.",
            remedy="Look at the tenant as it stands now.",
        )
    history = StandingChange(
        tenant_id=tenant_id, from_standing=was, to_standing=to, reason=told, by_id=actor.user_id, at=now
    )
    move(
        tenant,
        to=to,
        table=TRANSITIONS,
        history=history,
        now=now,
        column="standing",
        standing_reason=_sentence(told),
    )
    return tenant


def tenant_lock(tenant_id: UUID) -> Tenant:
    """Return the customer, locked as `allowance_hold` locks it; inside its tenant_context."""
    return Tenant.objects.select_for_update(no_key=True).get(id=tenant_id, kind=TenantKind.CUSTOMER)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
