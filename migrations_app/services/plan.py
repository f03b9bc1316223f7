"""Making and changing the plan of a group, until it starts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from agents.models import Network, Offer, VirtualMachine
from migrations_app.domain.lifecycle import Desired, Phase, ShutdownPolicy, TierGate
from migrations_app.models import BootTier, MigrationGroup, MigrationUnit
from migrations_app.models.group import CUTOVER_BUDGET_BYTES, SHUTDOWN_DEADLINE_S
from migrations_app.services.ends import ENDS, ends_assign
from migrations_app.services.locking import group_lock
from migrations_app.services.refusals import GroupStarted, NameTaken, PlanInvalid
from migrations_app.services.room import group_room
from portal.lib.plain import name_fault, storable
from tenants.domain.roles import Actor, Right
from tenants.services import allowance_hold

LONGEST_SHUTDOWN_S = 3600
NAME_MAX = 200
MOID_MAX = 64
TIER_MAX = 99
_CHOOSE = "Choose again from the lists: the inventory may have changed meanwhile."
_NUMBER = "Correct the number."
_NOT_SAVED = "The plan was not saved."


@dataclass(frozen=True, slots=True)
class PlannedMachine:
    """A virtual machine to move, and its boot tier."""

    machine_id: UUID
    tier: int = 1


@dataclass(frozen=True, slots=True)
class PlannedTier:
    """A place in the boot order."""

    number: int
    delay_s: int = 0
    gate: TierGate = TierGate.RUNNING
    gate_limit_s: int = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything a person chooses before the start."""

    name: str
    offer_id: UUID
    datastore_moid: str
    machines: Sequence[PlannedMachine]
    network_map: Mapping[str, str] = field(default_factory=dict)
    tiers: Sequence[PlannedTier] = ()
    keep_mac: bool = True
    cutover_budget_bytes: int = CUTOVER_BUDGET_BYTES
    shutdown_policy: ShutdownPolicy = ShutdownPolicy.WAIT
    shutdown_deadline_s: int = SHUTDOWN_DEADLINE_S
    rate_limit: int = 0


@transaction.atomic
def group_create(*, actor: Actor, plan: Plan, now: datetime) -> MigrationGroup:
    """Return a new group, planned and at rest.

    Raises PlanInvalid, NameTaken, QuotaExceeded, MigrationNotAllowed and TenantSuspended.
    """
    actor.require(Right.OPERATE)
    allowance = allowance_hold(tenant_id=actor.tenant_id)
    allowance.migrate(_NOT_SAVED)
    group = MigrationGroup(tenant_id=actor.tenant_id, created_at=now)
    _fill(group, actor, plan)
    _save(group)
    _units_set(group, actor, plan, now)
    group_room(group=group, allowance=allowance, what=_NOT_SAVED)
    return group


@transaction.atomic
def group_update(*, group: MigrationGroup, actor: Actor, plan: Plan, now: datetime) -> None:
    """Replace the whole plan of a group that has not started.

    Raises GroupStarted, PlanInvalid, NameTaken, QuotaExceeded and TenantSuspended.
    """
    locked = _lock_unstarted(group, actor)
    allowance = allowance_hold(tenant_id=locked.tenant_id)
    allowance.migrate(_NOT_SAVED)
    _fill(locked, actor, plan)
    _save(locked)
    locked.units.all().delete()
    locked.tiers.all().delete()
    _units_set(locked, actor, plan, now)
    group_room(group=locked, allowance=allowance, what=_NOT_SAVED)


@transaction.atomic
def tiers_update(
    *, group: MigrationGroup, actor: Actor, tiers: Sequence[PlannedTier], units: Mapping[UUID, int]
) -> None:
    """Set the tiers and each unit's place in them, until the cut-over; raises GroupStarted, PlanInvalid."""
    locked = group_lock(group, actor, Right.OPERATE)
    if locked.desired not in (Desired.HOLD, Desired.SYNC):
        raise GroupStarted(
            "The boot order was not changed.",
            why="The cut-over has been asked for, and machines may be on their way in this order.",
            remedy="Roll back first, or let it finish.",
        )
    _check_tiers(tiers)
    own = list(locked.units.all())
    if not units.keys() <= {unit.id for unit in own}:
        raise _invalid("It names a machine that is not in this group.")
    if not {units.get(unit.id, unit.tier) for unit in own} <= {tier.number for tier in tiers}:
        raise _invalid("A machine stands in a boot tier that is not there.")
    locked.tiers.all().delete()
    _tiers_insert(locked, tiers)
    for unit in [unit for unit in own if unit.id in units]:
        unit.tier = units[unit.id]
        unit.save(update_fields=["tier"])


def _lock_unstarted(group: MigrationGroup, actor: Actor) -> MigrationGroup:
    locked = group_lock(group, actor, Right.OPERATE)
    if locked.desired != Desired.HOLD:
        raise GroupStarted(
            "The plan was not changed.",
            why="The group has started.",
            remedy="Roll it back, or make another group.",
        )
    return locked


def _fill(group: MigrationGroup, actor: Actor, plan: Plan) -> None:
    # A foreign key is checked past row-level security: only these look-ups keep strangers' rows out.
    offer = Offer.objects.visible_to(actor).filter(id=plan.offer_id).first()
    if offer is None:
        raise _invalid("It names a destination that this organisation was not granted.")
    if plan.datastore_moid not in {store["moid"] for store in offer.datastores}:
        raise _invalid("It names a datastore that the destination does not offer.")
    if not set(plan.network_map.values()) <= {network["moid"] for network in offer.networks}:
        raise _invalid("It maps to a network that the destination does not offer.")
    if not all(0 < len(moid) <= MOID_MAX and storable(moid) for moid in plan.network_map):
        raise _invalid("It maps from something that is no network.")
    _check_numbers(plan)
    group.offer = offer
    group.name = plan.name.strip()
    group.datastore_moid = plan.datastore_moid
    group.network_map = dict(plan.network_map)
    group.keep_mac = plan.keep_mac
    group.cutover_budget_bytes = plan.cutover_budget_bytes
    group.shutdown_policy = plan.shutdown_policy
    group.shutdown_deadline_s = plan.shutdown_deadline_s
    group.rate_limit = plan.rate_limit


def _check_numbers(plan: Plan) -> None:
    if not plan.name.strip():
        raise _invalid("It has no name.")
    if fault := name_fault(plan.name.strip(), NAME_MAX):
        raise _invalid(fault)
    if not 0 < plan.shutdown_deadline_s <= LONGEST_SHUTDOWN_S:
        raise _invalid(f"A shutdown deadline is between 1 and {LONGEST_SHUTDOWN_S} seconds.", _NUMBER)
    if plan.cutover_budget_bytes < 0 or plan.rate_limit < 0:
        raise _invalid("A number of bytes is negative.")
    if any(not 0 < machine.tier <= TIER_MAX for machine in plan.machines):
        raise _invalid(f"A boot tier is a number from 1 to {TIER_MAX}.", _NUMBER)
    _check_tiers(plan.tiers)


def _check_tiers(tiers: Sequence[PlannedTier]) -> None:
    if len({tier.number for tier in tiers}) != len(tiers):
        raise _invalid("A boot tier is there twice.")
    if any(not 0 < tier.number <= TIER_MAX for tier in tiers):
        raise _invalid(f"A boot tier is a number from 1 to {TIER_MAX}.", _NUMBER)
    if any(tier.delay_s < 0 or not 0 < tier.gate_limit_s <= LONGEST_SHUTDOWN_S for tier in tiers):
        raise _invalid("A boot tier's delay or limit is out of range.", _NUMBER)


def _save(group: MigrationGroup) -> None:
    try:
        with transaction.atomic():
            group.save()
    except IntegrityError as error:
        if "migration_group_name_once" not in str(error):
            raise
        raise NameTaken(
            "The group was not saved.",
            why=f"There is a group named {group.name} already.",
            remedy="Choose another name.",
        ) from error


def _units_set(group: MigrationGroup, actor: Actor, plan: Plan, now: datetime) -> None:
    wanted = {planned.machine_id: planned.tier for planned in plan.machines}
    machines = VirtualMachine.objects.visible_to(actor).select_related("site").filter(id__in=list(wanted))
    found = list(machines)
    if len(found) != len(plan.machines):
        raise _invalid("It names a machine twice, or one that this organisation does not have.")
    if not found:
        raise _invalid("It names no machine.")
    _check_networks(actor, plan, found)
    units = [_unit(group, machine, wanted[machine.id], now) for machine in found]
    ends_assign(group=group, units=units)
    MigrationUnit.objects.bulk_create(units)
    _tiers_insert(group, plan.tiers)


def _check_networks(actor: Actor, plan: Plan, machines: Sequence[VirtualMachine]) -> None:
    """Refuse to map what is no network: a form may well map one that no chosen machine is in."""
    named = {nic.get("network_moid") for machine in machines for nic in machine.nics}
    more = set(plan.network_map) - named
    known = Network.objects.visible_to(actor).filter(moid__in=more).values_list("moid", flat=True)
    if more and not more <= set(known):
        raise _invalid("It maps from a network that is not at the organisation's sites.")


def _unit(group: MigrationGroup, machine: VirtualMachine, tier: int, now: datetime) -> MigrationUnit:
    return MigrationUnit(
        tenant_id=group.tenant_id,
        group=group,
        machine=machine,
        name=machine.name,
        tier=tier,
        phase=Phase.PLANNED,
        phase_since=now,
    )


def _tiers_insert(group: MigrationGroup, tiers: Sequence[PlannedTier]) -> None:
    BootTier.objects.bulk_create(
        BootTier(
            tenant_id=group.tenant_id,
            group=group,
            number=tier.number,
            delay_s=tier.delay_s,
            gate=tier.gate,
            gate_limit_s=tier.gate_limit_s,
        )
        for tier in tiers
    )


def ends_renew(*, group: MigrationGroup) -> None:
    """Look again who serves the group's machines: agents come and go between the plan and the start."""
    units = list(group.units.select_related("machine__site"))
    ends_assign(group=group, units=units)
    MigrationUnit.objects.bulk_update(units, ENDS)


def _invalid(why: str, remedy: str = _CHOOSE) -> PlanInvalid:
    return PlanInvalid(_NOT_SAVED, why=why, remedy=remedy)
