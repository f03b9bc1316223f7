"""The frozen picture of a group, for `decide`: a constant number of queries, however many units."""

import base64
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import timedelta
from uuid import UUID

from agents.domain.delivery import CommandPhase
from agents.domain.protocol import DiskShape, Endpoint
from agents.models import Command, Site, VirtualMachine
from migrations_app.domain.facts import facts_read
from migrations_app.domain.holds import ROUNDS_TO_TELL
from migrations_app.domain.lifecycle import Condition, Desired, Phase, ShutdownPolicy, Side, TierGate
from migrations_app.domain.snapshot import (
    AgentView,
    CommandView,
    MachineView,
    NicView,
    RoundView,
    Snapshot,
    TierView,
    UnitView,
)
from migrations_app.models import BootTier, MigrationGroup, MigrationUnit, UnitRound
from migrations_app.selectors.ends import Ends, ends_of
from migrations_app.selectors.rounds import rounds_last

_NOBODY = AgentView(id=None, last_seen_at=None)


def group_snapshot(group: MigrationGroup) -> Snapshot:
    """Return the frozen picture of a group that its caller has locked."""
    related = group.units.select_related("machine__site").prefetch_related("machine__disks")
    units = list(related.order_by("tier", "id"))
    tiers = {tier.number: _tier(tier) for tier in group.tiers.all()}
    ids = [unit.id for unit in units]
    commands, ends = _commands(ids), ends_of(units)
    rounds = rounds_last(ids, limit=ROUNDS_TO_TELL)
    return Snapshot(
        desired=Desired(group.desired),
        paused=group.paused,
        cutover_at=group.cutover_at,
        cutover_budget_bytes=group.cutover_budget_bytes,
        shutdown_policy=ShutdownPolicy(group.shutdown_policy),
        shutdown_deadline=timedelta(seconds=group.shutdown_deadline_s),
        rate_limit=group.rate_limit,
        datastore_moid=group.datastore_moid,
        network_map=group.network_map,
        keep_mac=group.keep_mac,
        destination_endpoint=_endpoint_elsewhere(group.offer.site_id),
        tiers=tiers,
        units=tuple(
            _unit(unit, tiers, ends, commands[unit.id, unit.generation], rounds[unit.id]) for unit in units
        ),
    )


def _tier(tier: BootTier) -> TierView:
    return TierView(
        number=tier.number,
        delay=timedelta(seconds=tier.delay_s),
        gate=TierGate(tier.gate),
        gate_limit=timedelta(seconds=tier.gate_limit_s),
    )


def _commands(unit_ids: Iterable[UUID]) -> Mapping[tuple[UUID, int], dict[str, CommandView]]:
    """Return the latest command of each step, by unit and generation."""
    latest = (
        Command.objects.filter(unit_id__in=unit_ids)
        .order_by("unit_id", "generation", "step", "-seq")
        .distinct("unit_id", "generation", "step")
    )
    found: defaultdict[tuple[UUID, int], dict[str, CommandView]] = defaultdict(dict)
    for row in latest:
        found[row.unit_id, row.generation][row.step] = _command(row)
    return found


def _command(row: Command) -> CommandView:
    return CommandView(
        id=row.id,
        step=row.step,
        round=row.round,
        attempt=row.attempt,
        seq=row.seq,
        phase=CommandPhase(row.phase),
        deadline=row.deadline,
        result=row.result if isinstance(row.result, dict) else {},
        progress=row.progress if isinstance(row.progress, dict) else {},
    )


def _round(row: UnitRound) -> RoundView:
    return RoundView(
        number=row.number,
        planned=row.planned,
        content=row.content,
        wire=row.wire,
        remaining=row.remaining,
        seconds=row.seconds,
        final=row.final,
    )


def _unit(
    unit: MigrationUnit,
    tiers: Mapping[int, TierView],
    ends: Ends,
    latest: Mapping[str, CommandView],
    rounds: Iterable[UnitRound],
) -> UnitView:
    tier = tiers.get(unit.tier) or TierView(number=unit.tier)
    return UnitView(
        id=unit.id,
        name=unit.name,
        phase=Phase(unit.phase),
        phase_since=unit.phase_since,
        tier=unit.tier,
        generation=unit.generation,
        wanted_generation=unit.wanted_generation,
        machine=_machine(unit.machine),
        ends=_sides(unit, ends),
        source_endpoint=_endpoint(unit.machine.site),
        gate=tier.gate,
        destination_host_moid=unit.destination_host_moid,
        destination_machine_moid=unit.destination_machine_moid,
        retry_wanted=unit.retry_wanted,
        failed_in=unit.failed_in,
        quiesced=unit.quiesced,
        was_powered_on=unit.was_powered_on,
        unverified_accepted=unit.unverified_accepted,
        fence_waived=unit.fence_waived,
        ready_at=unit.ready_at,
        frozen_at=unit.frozen_at,
        started_at=unit.started_at,
        verified_at=unit.verified_at,
        committed_at=unit.committed_at,
        # One that another release knew is simply found again, or not.
        conditions=frozenset(Condition(code) for code in unit.conditions if code in set(Condition)),
        facts=facts_read(unit.facts),
        latest=latest,
        rounds=tuple(_round(row) for row in rounds),
    )


def _machine(machine: VirtualMachine) -> MachineView:
    disks = sorted(machine.disks.all(), key=lambda disk: disk.number)
    return MachineView(
        moid=machine.moid,
        power=machine.power,
        cpus=machine.cpus,
        memory_mib=machine.memory_mib,
        guest_id=machine.guest_id,
        firmware=machine.firmware,
        disks=tuple(DiskShape(name=str(disk.number), size=disk.size_bytes) for disk in disks),
        nics=tuple(
            NicView(
                network_moid=str(nic.get("network_moid", "")),
                mac=str(nic.get("mac", "")),
                kind=str(nic.get("kind") or "vmxnet3"),
            )
            for nic in machine.nics
        ),
    )


def _sides(unit: MigrationUnit, ends: Ends) -> dict[Side, AgentView]:
    ids: dict[Side, UUID | None] = {
        Side.SOURCE: unit.source_id,
        Side.SOURCE_CONNECTOR: unit.source_connector_id,
        Side.DESTINATION: unit.destination_agent_id,
        Side.DESTINATION_CONNECTOR: unit.destination_connector_id,
    }
    return {side: ends.get(id_, _NOBODY) if id_ else _NOBODY for side, id_ in ids.items()}


def _endpoint(site: Site) -> Endpoint:
    return Endpoint(
        site=site.id,
        host=site.host,
        port=site.port,
        username=site.username,
        sealed_password=base64.b64encode(site.sealed_password).decode(),
        fingerprint=site.fingerprint,
    )


def _endpoint_elsewhere(site_id: UUID) -> Endpoint:
    """Return the provider's vCenter by its site alone: its connector knows the rest, the tenant need not."""
    return Endpoint(site=site_id, host="", port=0, username="", sealed_password="", fingerprint="")
