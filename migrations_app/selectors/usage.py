"""How much the organisations use of what policies limit, in a constant number of queries."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum

from agents.selectors.usage import estate_used
from migrations_app.domain.lifecycle import CLOSED, WORKING, Desired
from migrations_app.models import MigrationGroup, MigrationUnit
from tenants.domain.quota import NO_LIMIT, UNBOUNDED, Level, Measure, Use, uses
from tenants.selectors import people_used, quota_of

Used = Mapping[Measure, Mapping[UUID, int]]
OF_MOVES = (Measure.MOVING, Measure.MACHINES, Measure.BYTES, Measure.BANDWIDTH)
"""What planning a group takes of."""


def used_by(ids: Sequence[UUID] | None = None) -> Used:
    """Return every measure of every organisation (of `ids`, if given): who has none of it is left out."""
    units = MigrationUnit.objects.all() if ids is None else MigrationUnit.objects.filter(tenant_id__in=ids)
    return {**moves_used(units), **estate_used(ids), Measure.PEOPLE: people_used(ids)}


def used_of(tenant_id: UUID) -> dict[Measure, int]:
    """Return every measure of one organisation."""
    return of_one(used_by([tenant_id]), tenant_id)


def uses_limited(tenant_id: UUID, *, only: Collection[Measure] = tuple(Measure)) -> tuple[Use, ...]:
    """Return the organisation's uses that have a limit; one query where none has."""
    quota = quota_of(tenant_id)
    if all(quota.of(measure) == NO_LIMIT for measure in only):
        return ()
    told = uses(quota, used_of(tenant_id))
    return tuple(use for use in told if use.measure in only and use.limit != NO_LIMIT)


def uses_warned(limited: Iterable[Use]) -> tuple[Use, ...]:
    """Return those that are near, at or over a limit."""
    return tuple(use for use in limited if use.level is not Level.WITHIN)


def of_one(used: Used, tenant_id: UUID) -> dict[Measure, int]:
    """Return one organisation's share of what was counted."""
    return {measure: found.get(tenant_id, 0) for measure, found in used.items()}


def moves_used(units: QuerySet[MigrationUnit]) -> Used:
    """Return what those of `units` use that are not closed, by organisation."""
    open_ = units.exclude(phase__in=CLOSED).order_by()
    counted = list(
        open_.values_list("tenant_id").annotate(
            machines=Count("id"), moving=Count("id", filter=Q(phase__in=WORKING))
        )
    )
    disks = Sum("machine__disks__size_bytes", filter=Q(machine__disks__gone_at=None), default=0)
    return {
        Measure.MACHINES: {tenant: machines for tenant, machines, _ in counted},
        Measure.MOVING: {tenant: moving for tenant, _, moving in counted},
        Measure.BYTES: dict(open_.values_list("tenant_id").annotate(size=disks)),
        Measure.BANDWIDTH: _bandwidth(open_),
    }


def _bandwidth(open_: QuerySet[MigrationUnit]) -> Mapping[UUID, int]:
    """Return what the groups may take of a line: each host keeps its group's limit by itself."""
    groups = open_.values_list("tenant_id", "group_id", "group__rate_limit")
    found: Counter[UUID] = Counter()
    for tenant, _, limit, hosts in groups.annotate(hosts=Count("source", distinct=True)):
        found[tenant] = min(UNBOUNDED, found[tenant] + (limit * max(hosts, 1) or UNBOUNDED))
    return found


def moving_now(tenant_id: UUID) -> int:
    """Return how many machines of the organisation are on the move at this moment."""
    return MigrationUnit.objects.filter(tenant_id=tenant_id, phase__in=WORKING).count()


def under_way(tenant_id: UUID) -> int:
    """Return how many machines of the organisation have begun, or are about to, and are not at their end."""
    started = MigrationGroup.objects.filter(tenant_id=tenant_id).exclude(desired=Desired.HOLD)
    return MigrationUnit.objects.filter(group__in=started).exclude(phase__in=CLOSED).count()
