"""How much of an estate its organisations use: what policies limit."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Count, QuerySet

from agents.domain.agent import AgentState
from agents.models import Agent, Enrolment, Site
from tenants.domain.quota import Measure


def estate_used(ids: Sequence[UUID] | None = None) -> Mapping[Measure, Mapping[UUID, int]]:
    """Return how many sites and enrolled agents each organisation has (of `ids`, if given)."""
    enrolled = Agent.objects.filter(state=AgentState.ENROLLED)
    return {Measure.SITES: _counted(Site.objects.all(), ids), Measure.AGENTS: _counted(enrolled, ids)}


def keys_open(tenant_id: UUID, *, now: datetime) -> int:
    """Return how many install keys of the organisation could still let an agent in."""
    return Enrolment.objects.filter(
        tenant_id=tenant_id, used_at=None, revoked_at=None, expires_at__gt=now
    ).count()


def _counted(rows: QuerySet[Site] | QuerySet[Agent], ids: Sequence[UUID] | None) -> dict[UUID, int]:
    wanted = rows if ids is None else rows.filter(tenant_id__in=ids)
    return dict(wanted.order_by().values_list("tenant_id").annotate(number=Count("id")))
