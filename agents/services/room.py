"""Whether an organisation's policy has room for another site or agent; the last thing locked."""

from datetime import datetime
from uuid import UUID

from agents.selectors.usage import estate_used, keys_open
from tenants.domain.quota import Measure
from tenants.services import allowance_hold


def site_room(*, tenant_id: UUID, what: str) -> None:
    """Hold the organisation; raise QuotaExceeded, TenantSuspended or TenantClosed for no more sites."""
    allowance = allowance_hold(tenant_id=tenant_id)
    allowance.begin(what)
    used = estate_used([tenant_id])[Measure.SITES].get(tenant_id, 0)
    allowance.room(Measure.SITES, used=used, adding=1, what=what)


def key_room(*, tenant_id: UUID, what: str, now: datetime) -> None:
    """The same for an install key: agents and keys that could still let one in are counted together."""
    allowance = allowance_hold(tenant_id=tenant_id)
    allowance.begin(what)
    used = estate_used([tenant_id])[Measure.AGENTS].get(tenant_id, 0) + keys_open(tenant_id, now=now)
    allowance.room(Measure.AGENTS, used=used, adding=1, what=what)


def agent_room(*, tenant_id: UUID, what: str) -> None:
    """The same for an agent that comes in: the policy may have been narrowed since its key was made."""
    allowance = allowance_hold(tenant_id=tenant_id)
    allowance.begin(what)
    used = estate_used([tenant_id])[Measure.AGENTS].get(tenant_id, 0)
    allowance.room(Measure.AGENTS, used=used, adding=1, what=what)
