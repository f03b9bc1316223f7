"""Groups for lists, the board and their page: a constant number of queries."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet, Sum

from agents.models import VirtualDisk
from migrations_app.domain.lifecycle import CLOSED, Condition, Desired, Phase
from migrations_app.domain.standing import FOR_A_PERSON, Standing, asks_of, standing_of
from migrations_app.models import BootTier, MigrationGroup, MigrationUnit
from migrations_app.selectors.live import live_of, open_commands
from migrations_app.selectors.rows import GroupDetail, GroupPage, GroupRow, LiveRow, TierRow, UnitRow
from migrations_app.selectors.units import progress_of, unit_rows
from portal.lib.paging import page_of

SORTS = ("name", "-name", "created_at", "-created_at")
BOARD_LIMIT = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFilter:
    """Which groups: with `text` in the name, with a unit in `phase`, still open; None is no limit."""

    text: str = ""
    phase: Phase | None = None
    is_open: bool | None = None
    tenant_id: UUID | None = None
    sort: str = "-created_at"


def groups_page(
    groups: QuerySet[MigrationGroup], *, of: GroupFilter, cursor: str = "", limit: int = 50
) -> GroupPage:
    """Return one page of `groups`, which the caller has narrowed to what the actor may see."""
    found, sort = groups_found(groups, of=of)
    page = page_of(found, sort=sort, cursor=cursor, limit=limit)
    return GroupPage(rows=group_rows(page.rows), count=found.count(), next=page.next, previous=page.previous)


def groups_found(
    groups: QuerySet[MigrationGroup], *, of: GroupFilter
) -> tuple[QuerySet[MigrationGroup], str]:
    """Return those of `groups` that are wanted, ready for `group_rows`, and the column to sort them by."""
    sort = of.sort if of.sort in SORTS else "-created_at"
    return _filtered(groups, of).select_related("offer", "tenant"), sort


def board(
    groups: QuerySet[MigrationGroup], *, of: GroupFilter
) -> tuple[Mapping[Standing, tuple[GroupRow, ...]], int]:
    """Return the newest groups by where they stand, every place also if empty, and how many groups match."""
    places: dict[Standing, tuple[GroupRow, ...]] = {standing: () for standing in Standing}
    page = groups_page(groups, of=of, limit=BOARD_LIMIT)
    for row in page.rows:
        places[row.standing] += (row,)
    return places, page.count


def _filtered(groups: QuerySet[MigrationGroup], of: GroupFilter) -> QuerySet[MigrationGroup]:
    units = MigrationUnit.objects.filter(group=OuterRef("pk"))
    if of.text:
        groups = groups.filter(name__icontains=of.text)
    if of.phase is not None:
        groups = groups.filter(Exists(units.filter(phase=of.phase)))
    if of.is_open is not None:
        still = Exists(units.exclude(phase__in=CLOSED))
        groups = groups.filter(still if of.is_open else ~still)
    if of.tenant_id is not None:
        groups = groups.filter(tenant_id=of.tenant_id)
    return groups


def group_rows(groups: Sequence[MigrationGroup]) -> tuple[GroupRow, ...]:
    """Return the groups as rows; they come with offer and tenant. Three queries for all of them."""
    units: defaultdict[UUID, list[MigrationUnit]] = defaultdict(list)
    for unit in MigrationUnit.objects.filter(group__in=groups).select_related("machine"):
        units[unit.group_id].append(unit)
    live = {
        id_: live_of(command)
        for id_, command in open_commands(unit.id for found in units.values() for unit in found).items()
    }
    machines = [unit.machine_id for found in units.values() for unit in found]
    sizes = dict(
        VirtualDisk.objects.filter(machine_id__in=machines)
        .values_list("machine_id")
        .annotate(size=Sum("size_bytes"))
    )
    return tuple(_row(group, units[group.id], live, sizes) for group in groups)


def _row(
    group: MigrationGroup,
    units: Sequence[MigrationUnit],
    live: Mapping[UUID, LiveRow],
    sizes: Mapping[UUID, int],
) -> GroupRow:
    phases = Counter(Phase(unit.phase) for unit in units)
    codes = Counter(Condition(code) for unit in units for code in unit.conditions)
    size = sum(sizes.get(unit.machine_id, 0) for unit in units)
    return GroupRow(
        id=group.id,
        tenant_id=group.tenant_id,
        tenant_name=group.tenant.name,
        name=group.name,
        destination=group.offer.name,
        standing=standing_of(Desired(group.desired), set(phases)),
        desired=Desired(group.desired),
        paused=group.paused,
        cutover_at=group.cutover_at,
        created_at=group.created_at,
        machines=len(units),
        phases=phases,
        failed=phases[Phase.FAILED],
        conditions=codes,
        needs_person=sum(1 for unit in units if _needs_person(unit)),
        size_bytes=size,
        progress=_progress(units, live, sizes, size),
        rate=sum(live[unit.id].rate for unit in units if unit.id in live),
    )


def _needs_person(unit: MigrationUnit) -> bool:
    return unit.phase == Phase.FAILED or bool({Condition(code) for code in unit.conditions} & FOR_A_PERSON)


def _progress(
    units: Sequence[MigrationUnit],
    live: Mapping[UUID, LiveRow],
    sizes: Mapping[UUID, int],
    size: int,
) -> float:
    """Return how far the group is, each machine counting by its size."""
    done = 0.0
    for unit in units:
        fraction = live[unit.id].fraction if unit.id in live else 0.0
        ready = unit.ready_at is not None
        done += progress_of(Phase(unit.phase), ready, fraction) * sizes.get(unit.machine_id, 0)
    return done / size if size else 0.0


def group_detail(group: MigrationGroup) -> GroupDetail:
    """Return everything that the page of a group shows."""
    related = group.units.select_related("machine", "group").prefetch_related("machine__disks")
    units = list(related.order_by("tier", "name", "id"))
    (row,) = group_rows([group])
    rows = unit_rows(units, offer=group.offer)
    phases = [Phase(unit.phase) for unit in units]
    open_units = [unit for unit in units if unit.phase not in CLOSED]
    ready = bool(open_units) and all(unit.ready_at is not None for unit in open_units)
    stores = {store["moid"]: store["name"] for store in group.offer.datastores}
    return GroupDetail(
        row=row,
        units=rows,
        tiers=_tiers(group, rows),
        asks=asks_of(Desired(group.desired), phases, paused=group.paused, ready=ready),
        datastore=stores.get(group.datastore_moid, group.datastore_moid),
        network_map=group.network_map,
        keep_mac=group.keep_mac,
        cutover_budget_bytes=group.cutover_budget_bytes,
        shutdown_policy=group.shutdown_policy,
        shutdown_deadline_s=group.shutdown_deadline_s,
        rate_limit=group.rate_limit,
        desired_by=str(group.desired_by) if group.desired_by else "",
        generation=group.generation,
    )


def _tiers(group: MigrationGroup, rows: Sequence[UnitRow]) -> tuple[TierRow, ...]:
    chosen = {tier.number: tier for tier in group.tiers.all()}
    numbers = sorted({row.tier for row in rows} | set(chosen))
    return tuple(_tier(chosen.get(number) or BootTier(number=number), rows) for number in numbers)


def _tier(tier: BootTier, rows: Sequence[UnitRow]) -> TierRow:
    units = tuple(row for row in rows if row.tier == tier.number)
    return TierRow(
        number=tier.number,
        delay_s=tier.delay_s,
        gate=tier.gate,
        gate_limit_s=tier.gate_limit_s,
        units=units,
        running=sum(1 for row in units if row.started_at is not None),
    )
