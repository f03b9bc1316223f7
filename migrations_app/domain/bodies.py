"""What each order says: the bodies of a unit's commands, from the picture alone.

Tickets are not here: they are signed, and the domain has no keys.
"""

from collections.abc import Callable, Mapping

import msgspec

from agents.domain.protocol import (
    CreateMachine,
    Freeze,
    Machine,
    MachinePower,
    NicPlan,
    OpenLanding,
    PeerShape,
    Step,
    Sync,
    Validate,
)
from migrations_app.domain.lifecycle import Phase, Side
from migrations_app.domain.snapshot import Snapshot, UnitView
from migrations_app.domain.stops import Work

# The source stays down meanwhile: a guest that does not end is told again to power off.
FENCE_DEADLINE_S = 20.0

_NO_LANDING = PeerShape(address="", fingerprint="")


def body_of(work: Work, unit: UnitView, group: Snapshot, round_: int) -> dict[str, object]:
    """Return the JSON body of the order of `work` for its `round_`."""
    built: dict[str, object] = msgspec.to_builtins(_BUILDERS[work.order](work, unit, group, round_))
    return built


def marker_of(unit: UnitView) -> str:
    """Return what marks the new machine in the destination's vCenter as this unit's."""
    return f"landfall:{unit.id}"


def _validate(_work: Work, unit: UnitView, _group: Snapshot, _round: int) -> Validate:
    return Validate(
        machine=unit.machine.moid,
        disks=unit.machine.disks,
        peer_address=unit.ends[Side.DESTINATION].address,
    )


def _create(_work: Work, unit: UnitView, group: Snapshot, _round: int) -> CreateMachine:
    machine = unit.machine
    return CreateMachine(
        endpoint=group.destination_endpoint,
        marker=marker_of(unit),
        name=unit.name,
        host=unit.destination_host_moid,
        datastore=group.datastore_moid,
        disks=machine.disks,
        cpus=machine.cpus,
        memory_mib=machine.memory_mib,
        guest_id=machine.guest_id,
        firmware=machine.firmware,
        nics=_nics(unit, group),
    )


def _nics(unit: UnitView, group: Snapshot) -> tuple[NicPlan, ...]:
    """Return the new machine's cards; one whose network nobody mapped is left out, as pre-flight says."""
    return tuple(
        NicPlan(
            network=group.network_map[nic.network_moid],
            mac=nic.mac if group.keep_mac else "",
            kind=nic.kind,
        )
        for nic in unit.machine.nics
        if nic.network_moid in group.network_map
    )


def _power(work: Work, unit: UnitView, group: Snapshot, _round: int) -> MachinePower:
    if work.side is Side.SOURCE_CONNECTOR:
        return MachinePower(endpoint=unit.source_endpoint, machine=unit.machine.moid)
    return MachinePower(
        endpoint=group.destination_endpoint,
        machine=unit.destination_machine_moid,
        marker=marker_of(unit),
    )


def _landing(_work: Work, unit: UnitView, _group: Snapshot, _round: int) -> OpenLanding:
    return OpenLanding(
        machine=unit.destination_machine_moid,
        disks=unit.machine.disks,
        source_fingerprint=unit.ends[Side.SOURCE].fingerprint,
    )


def _peer(unit: UnitView) -> PeerShape:
    landing = unit.facts.landing
    if landing is None:
        return _NO_LANDING
    return PeerShape(address=landing.address, fingerprint=landing.fingerprint)


def _sync(_work: Work, unit: UnitView, group: Snapshot, round_: int) -> Sync:
    return Sync(
        machine=unit.machine.moid,
        round=round_,
        peer=_peer(unit),
        tickets={},
        rate_limit=group.rate_limit,
    )


def _freeze(work: Work, unit: UnitView, group: Snapshot, _round: int) -> Freeze:
    # Once frozen there is no guest to wait for, whatever became of the first attempt.
    deadline_s = 0.0 if work.phase is Phase.FINAL_DELTA else group.shutdown_deadline.total_seconds()
    return Freeze(machine=unit.machine.moid, peer=_peer(unit), tickets={}, deadline_s=deadline_s)


def _at_host(work: Work, unit: UnitView, group: Snapshot, _round: int) -> Machine:
    moid = unit.machine.moid if work.side is Side.SOURCE else unit.destination_machine_moid
    if work.order is Step.CHECK_RUNNING:
        return Machine(machine=moid, deadline_s=group.tier_of(unit).gate_limit.total_seconds())
    if work.order is Step.FENCE_DESTINATION:
        return Machine(machine=moid, deadline_s=FENCE_DEADLINE_S)
    return Machine(machine=moid)


_BUILDERS: Mapping[Step, Callable[[Work, UnitView, Snapshot, int], msgspec.Struct]] = {
    Step.VALIDATE: _validate,
    Step.CREATE_MACHINE: _create,
    Step.OPEN_LANDING: _landing,
    Step.SYNC: _sync,
    Step.FREEZE: _freeze,
    Step.SHUT_DOWN: _power,
    Step.POWER_OFF: _power,
    Step.POWER_ON: _power,
    Step.REMOVE_MACHINE: _power,
    Step.SWITCH: _at_host,
    Step.CHECK_RUNNING: _at_host,
    Step.VERIFY_SOURCE: _at_host,
    Step.VERIFY_DESTINATION: _at_host,
    Step.FENCE_DESTINATION: _at_host,
    Step.RELEASE_SOURCE: _at_host,
    Step.RELEASE_DESTINATION: _at_host,
}
