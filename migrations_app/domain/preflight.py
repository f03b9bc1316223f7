"""What would fail if the group started now, in plain words and before it starts."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether a finding keeps the group from starting."""

    FAIL = "fail"
    WARN = "warn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check that did not pass; `machine` is empty where it is about the whole group."""

    code: str
    severity: Severity
    machine: str
    what: str
    evidence: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskPlan:
    """A disk to move."""

    number: int
    label: str
    size: int
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitPlan:
    """A machine of the plan, as the inventory has it; agents are healthy, silent or not there."""

    name: str
    gone: bool
    snapshots: int
    disks: tuple[DiskPlan, ...]
    networks: tuple[str, ...]
    source_host: str
    source_agent: str
    source_connector: str
    destination_host: str
    destination_agent: str
    destination_connector: str
    destination_address: str
    path_fault: str
    elsewhere: str
    survives_power_off: bool | None
    power: str
    tools: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupPlan:
    """The plan of a group against what its destination offers."""

    datastore: str
    datastore_free: int | None
    network_map: Mapping[str, str]
    names_taken: frozenset[str]
    units: tuple[UnitPlan, ...]


HEALTHY, SILENT, MISSING = "healthy", "silent", "missing"
_GIB = 1024**3
_MOVABLE = frozenset({"flat"})


def findings_of(plan: GroupPlan) -> tuple[Finding, ...]:
    """Return all that is wrong with the plan, failures first."""
    found = [*_room(plan), *_names_twice(plan)]
    for unit in plan.units:
        for check in _CHECKS:
            found.extend(check(unit, plan))
    return tuple(sorted(found, key=lambda finding: (finding.severity, finding.machine)))


def _fail(unit: UnitPlan | None, code: str, what: str, evidence: str, remedy: str) -> Finding:
    return Finding(
        code=code,
        severity=Severity.FAIL,
        machine=unit.name if unit else "",
        what=what,
        evidence=evidence,
        remedy=remedy,
    )


def _room(plan: GroupPlan) -> Iterator[Finding]:
    wanted = sum(disk.size for unit in plan.units for disk in unit.disks)
    if plan.datastore_free is None:
        what = "The chosen datastore is no longer offered."
        yield _fail(None, "PRE-01", what, plan.datastore, "Choose another datastore.")
    elif plan.datastore_free < wanted:
        evidence = f"{wanted / _GIB:.1f} GiB wanted, {plan.datastore_free / _GIB:.1f} GiB free"
        what = f"The datastore {plan.datastore} is too small."
        yield _fail(None, "PRE-02", what, evidence, "Choose a larger datastore, or move fewer machines.")


def _names_twice(plan: GroupPlan) -> Iterator[Finding]:
    names = [unit.name for unit in plan.units]
    for name in sorted({name for name in names if names.count(name) > 1}):
        what = f"Two machines of the group are named {name}."
        yield _fail(None, "PRE-03", what, name, "Move them in two groups, or rename one.")


def _there(unit: UnitPlan, _plan: GroupPlan) -> Iterator[Finding]:
    if unit.gone:
        what = f"{unit.name} is no longer in its vCenter."
        yield _fail(unit, "PRE-04", what, "gone from the inventory", "Take it out of the group.")
    if unit.elsewhere:
        what = f"{unit.name} is under way in the group {unit.elsewhere}."
        yield _fail(unit, "PRE-05", what, unit.elsewhere, "Take it out of one of the two groups.")


def _name_free(unit: UnitPlan, plan: GroupPlan) -> Iterator[Finding]:
    if unit.name in plan.names_taken:
        what = f"The destination has a machine named {unit.name} already."
        yield _fail(unit, "PRE-06", what, unit.name, "Rename one of the two.")


def _disks(unit: UnitPlan, _plan: GroupPlan) -> Iterator[Finding]:
    if not unit.disks:
        what = f"{unit.name} has no disk that could be moved."
        yield _fail(unit, "PRE-07", what, "no disks", "Take it out of the group.")
    for disk in unit.disks:
        if disk.kind not in _MOVABLE:
            what = f"{disk.label or f'Disk {disk.number}'} of {unit.name} is of a kind that cannot be moved."
            remedy = "Convert it to an ordinary disk of this machine alone, or take the machine out."
            yield _fail(unit, "PRE-08", what, disk.kind, remedy)
    if unit.snapshots:
        what = f"{unit.name} has snapshots: its disks are chains, and the filter sees only their ends."
        evidence = f"{unit.snapshots} snapshot(s)"
        yield _fail(unit, "PRE-09", what, evidence, "Delete or consolidate the snapshots in vCenter.")


def _networks(unit: UnitPlan, plan: GroupPlan) -> Iterator[Finding]:
    for network in unit.networks:
        if network not in plan.network_map:
            what = f"A network of {unit.name} is mapped to none at the destination."
            yield _fail(unit, "PRE-10", what, network, "Choose a destination for every network.")


def _source_agents(unit: UnitPlan, _plan: GroupPlan) -> Iterator[Finding]:
    host = unit.source_host or "its host"
    if unit.source_agent == MISSING:
        what = f"No agent serves {host}, where {unit.name} runs."
        remedy = f"Install an agent on {host}: see the page of its site."
        yield _fail(unit, "PRE-11", what, "no agent", remedy)
    elif unit.source_agent == SILENT:
        what = f"The agent on {host}, where {unit.name} runs, is silent."
        remedy = "Start it, or look at the network between it and the portal."
        yield _fail(unit, "PRE-12", what, "no heartbeat for a minute", remedy)
    if unit.source_connector != HEALTHY:
        what = f"The connector of the site of {unit.name} is {unit.source_connector}."
        remedy = "Start it; if it is gone, revoke it and install an agent with the connector's duty."
        yield _fail(unit, "PRE-13", what, unit.source_connector, remedy)


def _destination_agents(unit: UnitPlan, plan: GroupPlan) -> Iterator[Finding]:
    ask = "Ask the provider, or choose another datastore."
    if unit.destination_agent == MISSING:
        what = f"No host of the destination with an agent sees the datastore {plan.datastore}."
        yield _fail(unit, "PRE-14", what, "no agent", ask)
    elif unit.destination_agent == SILENT:
        what = f"The agent on the destination's host {unit.destination_host} is silent."
        yield _fail(unit, "PRE-15", what, "no heartbeat for a minute", ask)
    elif not unit.destination_address:
        what = f"There is no path to the destination's host {unit.destination_host}."
        yield _fail(unit, "PRE-16", what, "its agent listens at no address", ask)
    elif unit.path_fault:
        what = f"There is no path from {unit.source_host} to the destination's {unit.destination_host}."
        remedy = "Open the way to that address and port in the firewalls between, then retry."
        yield _fail(unit, "PRE-16", what, unit.path_fault, remedy)
    if unit.destination_connector != HEALTHY:
        what = f"The destination's connector is {unit.destination_connector}."
        yield _fail(unit, "PRE-17", what, unit.destination_connector, "Ask the provider.")


def _filter(unit: UnitPlan, _plan: GroupPlan) -> Iterator[Finding]:
    if unit.survives_power_off is False:
        what = f"The filter of {unit.name} would end with its guest, and the last changes with it."
        remedy = "Start the machine with -no-shutdown, or behind a storage daemon of its own."
        yield _fail(unit, "PRE-18", what, "survives_power_off is false", remedy)


CHECKS_NAMED: Mapping[str, str] = {
    "PRE-01": "datastore offered",
    "PRE-02": "room at the destination",
    "PRE-03": "names differ",
    "PRE-04": "machine in inventory",
    "PRE-05": "in one group only",
    "PRE-06": "name free",
    "PRE-07": "disks",
    "PRE-08": "disk kinds",
    "PRE-09": "no snapshots",
    "PRE-10": "networks mapped",
    "PRE-11": "agent at the source",
    "PRE-12": "agent at the source answers",
    "PRE-13": "connector at the source",
    "PRE-14": "agent at the destination",
    "PRE-15": "agent at the destination answers",
    "PRE-16": "path between agents",
    "PRE-17": "connector at the destination",
    "PRE-18": "filter survives power-off",
    "PRE-19": "guest can be asked to shut down",
}


def _tools(unit: UnitPlan, _plan: GroupPlan) -> Iterator[Finding]:
    if unit.tools in ("toolsNotInstalled", "guestToolsNotRunning") and unit.power == "poweredOn":
        yield Finding(
            code="PRE-19",
            severity=Severity.WARN,
            machine=unit.name,
            what=f"vCenter cannot ask the guest of {unit.name} to shut down.",
            evidence=unit.tools,
            remedy="Install VMware Tools, shut it down by hand at the cut-over, or choose a hard power-off.",
        )


_CHECKS: tuple[Callable[[UnitPlan, GroupPlan], Iterator[Finding]], ...] = (
    _there,
    _name_free,
    _disks,
    _networks,
    _source_agents,
    _destination_agents,
    _filter,
    _tools,
)
