"""Sites and agents in the order in which they need somebody, as the database sorts them."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Case, CharField, Count, F, Model, Q, Value, When
from django.db.models.functions import Concat

from agents.domain.agent import LATE_AFTER, UNREACHABLE_AFTER, AgentState
from agents.domain.site import SiteState
from agents.models import Agent, Site
from tenants.domain.roles import Actor
from tenants.models import TenantQuerySet

PLACE = "place"
"""The column to sort by: a digit for how much a row needs somebody, then its name."""
WELL = (SiteState.NEW, SiteState.CONNECTING, SiteState.CONNECTED)


@dataclass(frozen=True, slots=True)
class Standing:
    """How many there are, and how many of them need somebody."""

    count: int
    needing: int


def sites_standing(actor: Actor) -> tuple[TenantQuerySet[Site], Standing]:
    """Return the sites with their `place` and how many agents each has, and how they stand."""
    rows = Site.objects.visible_to(actor)
    needs = ~Q(state__in=WELL)
    enrolled = Count("agents", filter=Q(agents__state=AgentState.ENROLLED))
    placed = rows.annotate(place=_place(When(needs, then=Value("0")), usual="1"), agents_count=enrolled)
    return placed, _stand(rows, needs)


def agents_standing(actor: Actor, *, now: datetime) -> tuple[TenantQuerySet[Agent], Standing]:
    """Return the agents with their `place`, as `domain.agent.health` has it, and how they stand."""
    rows = Agent.objects.visible_to(actor)
    revoked = Q(state=AgentState.REVOKED)
    silent = ~revoked & (Q(last_seen_at=None) | Q(last_seen_at__lt=now - UNREACHABLE_AFTER))
    late = Q(last_seen_at__lt=now - LATE_AFTER)
    order = _place(
        When(revoked, then=Value("3")),
        When(silent, then=Value("0")),
        When(late, then=Value("1")),
        usual="2",
    )
    return rows.select_related("site").annotate(place=order), _stand(rows, silent)


def _place(*cases: When, usual: str) -> Concat:
    return Concat(Case(*cases, default=Value(usual)), F("name"), output_field=CharField())


def _stand(rows: TenantQuerySet[Model], needing: Q) -> Standing:
    return Standing(**rows.aggregate(count=Count("id"), needing=Count("id", filter=needing)))
