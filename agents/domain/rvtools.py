"""What an RVTools workbook says of machines: which columns count, what a row means, what is wrong with it.

RVTools exports what a vCenter tells, one sheet a subject; `vInfo` has a row for each machine and `vDisk`
one for each disk. Older versions write "MB" over the same figures, which are MiB in all of them.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

FILE_MAX = 32 << 20
"""Bytes of a workbook."""
MACHINES_MAX = 50_000
FAULTS_TOLD = 50
MIB = 2**20
NAME_MAX = 255
SIZE_MAX = 2**62
COUNT_MAX = 2**31 - 1

INFO = "vInfo"
DISK = "vDisk"
Cell = object
Row = Sequence[Cell]

_ALIASES: Mapping[str, tuple[str, ...]] = {
    "name": ("VM",),
    "moid": ("VM ID",),
    "power": ("Powerstate",),
    "template": ("Template",),
    "cpus": ("CPUs",),
    "memory": ("Memory",),
    "provisioned": ("Provisioned MiB", "Provisioned MB"),
    "used": ("In Use MiB", "In Use MB"),
    "host": ("Host",),
    "cluster": ("Cluster",),
    "guest": ("OS according to the configuration file", "OS"),
    "vcenter": ("VI SDK Server",),
    "capacity": ("Capacity MiB", "Capacity MB"),
}
_NEEDED = {INFO: ("name", "power", "cpus", "memory", "provisioned", "used"), DISK: ("name", "capacity")}


class Power(StrEnum):
    """A machine's power state, in vCenter's words."""

    ON = "poweredOn"
    OFF = "poweredOff"
    SUSPENDED = "suspended"


class WorkbookWrong(Exception):
    """The file is no workbook of RVTools, or more than one is taken; the text is for the person."""


@dataclass(frozen=True, slots=True)
class ToldMachine:
    """A machine as the workbook tells it; sizes in bytes."""

    name: str
    moid: str
    power: str
    template: bool
    cpus: int
    memory_mib: int
    provisioned_bytes: int
    used_bytes: int
    host: str = ""
    cluster: str = ""
    guest: str = ""
    disks: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """What tells it from others of its vCenter; old workbooks have no ids."""
        return self.moid or f"name:{self.name}"


@dataclass(frozen=True, slots=True)
class Told:
    """A whole workbook. `faults` are what was left out and why, the first of them; `faulty` is how many."""

    machines: tuple[ToldMachine, ...]
    vcenter: str = ""
    faults: tuple[str, ...] = ()
    faulty: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """What whoever reads a workbook says: its content, or why there is none."""

    told: Told | None = None
    wrong: str = ""


class _RowWrong(Exception):
    """A row that says no machine; the text says which column, and what stands there."""


@dataclass(slots=True)
class _Faults:
    told: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, text: str) -> None:
        """Count one, and keep its text while there is room."""
        self.count += 1
        if len(self.told) < FAULTS_TOLD:
            self.told.append(text)


def workbook_read(info: Iterable[Row], disks: Iterable[Row] | None) -> Told:
    """Return what the rows of `vInfo` and, where there is one, `vDisk` say; the first row is the headings.

    A row that cannot be understood is left out and told. Raises WorkbookWrong.
    """
    faults = _Faults()
    sizes = _disk_sizes(disks, faults) if disks is not None else {}
    rows = iter(info)
    columns = _columns(INFO, next(rows, ()))
    machines: dict[str, ToldMachine] = {}
    vcenter = ""
    for number, row in enumerate(rows, start=2):
        if all(cell in (None, "") for cell in row):
            continue
        try:
            machine = _machine(_Line(columns, row), sizes)
        except _RowWrong as wrong:
            faults.add(f"{INFO}, row {number}: {wrong}")
            continue
        if machine.key in machines:
            faults.add(f"{INFO}, row {number}: {machine.name} stands twice, and only the first counts")
            continue
        if len(machines) >= MACHINES_MAX:
            raise WorkbookWrong(f"It has more than {MACHINES_MAX:,} machines. Export one site at a time.")
        machines[machine.key] = machine
        vcenter = vcenter or _Line(columns, row).text("vcenter")
    if not machines:
        raise WorkbookWrong(f"The sheet {INFO} names no machine that could be read.")
    return Told(tuple(machines.values()), vcenter, tuple(faults.told), faults.count)


@dataclass(frozen=True, slots=True)
class _Line:
    columns: Mapping[str, int]
    row: Row

    def cell(self, column: str) -> Cell:
        """Return what stands there; None where the row or the sheet has no such place."""
        at = self.columns.get(column, -1)
        return self.row[at] if 0 <= at < len(self.row) else None

    def text(self, column: str) -> str:
        """Return it as text of at most what a name may have."""
        cell = self.cell(column)
        return "" if cell is None else str(cell).replace("\0", "").strip()[:NAME_MAX]

    def number(self, column: str, most: int) -> int:
        """Return it as a whole number. Raises _RowWrong."""
        cell = self.cell(column)
        if isinstance(cell, str):
            cell = _number_of(cell.replace(",", "").replace("\N{NO-BREAK SPACE}", "").strip())
        is_number = isinstance(cell, int | float) and not isinstance(cell, bool) and math.isfinite(cell)
        if not is_number or not 0 <= float(str(cell)) <= most:
            raise _RowWrong(f"{_ALIASES[column][0]} is {self.cell(column)!r:.40}, which is no such number")
        return round(float(str(cell)))


def _number_of(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _columns(sheet: str, headings: Row) -> dict[str, int]:
    """Return where each known column stands. Raises WorkbookWrong when a needed one is missing."""
    there = {str(heading).strip().casefold(): at for at, heading in reversed(list(enumerate(headings)))}
    found = {
        column: there[alias.casefold()]
        for column, aliases in _ALIASES.items()
        for alias in reversed(aliases)
        if alias.casefold() in there
    }
    missing = [_ALIASES[column][0] for column in _NEEDED[sheet] if column not in found]
    if missing:
        raise WorkbookWrong(f"The sheet {sheet} has no column {', '.join(missing)}.")
    return found


def _machine(line: _Line, sizes: Mapping[str, list[int]]) -> ToldMachine:
    name, moid, power = line.text("name"), line.text("moid"), line.text("power")
    if not name:
        raise _RowWrong("it has no name")
    if power not in tuple(Power):
        raise _RowWrong(f"Powerstate of {name:.60} is {power!r:.40}")
    return ToldMachine(
        name=name,
        moid=moid[:64],
        power=power,
        template=line.text("template").casefold() in ("true", "1", "yes"),
        cpus=line.number("cpus", COUNT_MAX),
        memory_mib=line.number("memory", COUNT_MAX),
        provisioned_bytes=line.number("provisioned", SIZE_MAX // MIB) * MIB,
        used_bytes=line.number("used", SIZE_MAX // MIB) * MIB,
        host=line.text("host"),
        cluster=line.text("cluster"),
        guest=line.text("guest"),
        disks=tuple(sizes.get(moid or f"name:{name}", ())),
    )


def _disk_sizes(rows: Iterable[Row], faults: _Faults) -> dict[str, list[int]]:
    """Return the sizes of each machine's disks, in bytes, by the machine's key."""
    lines = iter(rows)
    columns = _columns(DISK, next(lines, ()))
    sizes: dict[str, list[int]] = {}
    for number, row in enumerate(lines, start=2):
        line = _Line(columns, row)
        if not line.text("name"):
            continue
        try:
            size = line.number("capacity", SIZE_MAX // MIB) * MIB
        except _RowWrong as wrong:
            faults.add(f"{DISK}, row {number}: {wrong}")
            continue
        sizes.setdefault(line.text("moid") or f"name:{line.text('name')}", []).append(size)
    return sizes


class Change(StrEnum):
    """How a machine of a workbook stands to what was known before."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    MISSING = "missing"


def changes(
    before: Mapping[str, tuple[object, ...]], after: Mapping[str, tuple[object, ...]]
) -> dict[str, Change]:
    """Return for each key of either how it changed; the values are whatever is compared."""
    told = {
        key: Change.NEW if key not in before else Change.SAME if before[key] == value else Change.CHANGED
        for key, value in after.items()
    }
    return told | {key: Change.MISSING for key in before if key not in after}
