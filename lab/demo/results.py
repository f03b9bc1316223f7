"""What the demo proves of each machine, and how it is told."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

DIGEST_SHOWN = 10
COLUMNS = (
    "machine",
    "tier",
    "disk",
    "wire",
    "rounds",
    "frozen→equal",
    "downtime",
    "boot",
    "last write",
    "price",
)


@dataclass(frozen=True, slots=True)
class Result:
    """One machine. Seconds are of monotonic clocks; digests are SHA-256 of `image_source` and
    `image_destination`, which hold all disks of a machine one after another.

    Each disk begins with `record_slots` numbered records (`python -m lab.decode` reads them from the
    `image_destination_disks`); after them comes what was installed.
    """

    name: str
    what: str
    guest: str
    tier: int
    bytes_allocated: int
    bytes_on_wire: int
    rounds: int
    rounds_least: int
    mostly_holes: bool
    freeze_to_verified_seconds: float | None
    downtime_seconds: float
    boot_seconds: float
    source_digest: str
    destination_digest: str
    last_write_acknowledged: int
    last_write_found: int
    records_exact: bool
    record_slots: int
    first_write_at_destination: int
    last_write_at_destination: int
    source_stayed_silent: bool
    guest_errors: int
    started_at: str
    image_source: str
    image_destination: str
    image_destination_disks: list[str]
    disk_sizes: list[int]
    invoice_line: dict[str, Any] | None
    snapshots_taken: int

    def faults(self) -> list[str]:
        """What is not as it must be, in words; nothing when all is."""
        checks = {**self._bytes_wrong(), **self._guest_wrong()}
        return [f"{self.name}: {fault}" for fault, found in checks.items() if found]

    def _bytes_wrong(self) -> dict[str, bool]:
        frozen = self.freeze_to_verified_seconds
        return {
            "the images differ": self.source_digest != self.destination_digest,
            "nothing went over the wire": self.bytes_on_wire < 1,
            f"fewer than {self.rounds_least} rounds": self.rounds < self.rounds_least,
            "its holes went over the wire": self.mostly_holes
            and self.bytes_on_wire * HOLES_SHARE > sum(self.disk_sizes),
            "no equal digests within 0.5 s of the freeze": frozen is None or frozen > FREEZE_LIMIT_S,
            "no invoice line": self.invoice_line is None,
            "a snapshot was taken": self.snapshots_taken > 0,
        }

    def _guest_wrong(self) -> dict[str, bool]:
        return {
            "a write is missing": self.last_write_found != self.last_write_acknowledged,
            "the guest never wrote": self.last_write_found < 1,
            "the records are not one history": not self.records_exact,
            "it did not go on from where it stopped": self.first_write_at_destination
            != self.last_write_acknowledged + 1,
            "it writes no more at the destination": self.last_write_at_destination
            <= self.first_write_at_destination,
            "the source wrote after it was frozen": not self.source_stayed_silent,
            "a guest saw an error": self.guest_errors > 0,
            "down for too long": self.downtime_seconds > DOWNTIME_LIMIT_S + self.boot_seconds,
        }


FREEZE_LIMIT_S = 0.5
DOWNTIME_LIMIT_S = 5.0
HOLES_SHARE = 4
"""Of a disk that is mostly holes, less than a quarter travels."""


def faults(results: Sequence[Result]) -> list[str]:
    """What is not as it must be over all machines."""
    found = [fault for result in results for fault in result.faults()]
    by_start = [result.tier for result in sorted(results, key=lambda result: result.started_at)]
    if by_start != sorted(by_start):
        found.append("the machines did not start in the order of their tiers")
    return found


def document(results: Sequence[Result], *, seconds: float, address: str) -> dict[str, Any]:
    """All of it as one JSON object."""
    wrong = faults(results)
    machines = [asdict(result) for result in results]
    return {
        "ok": not wrong,
        "faults": wrong,
        "seconds": round(seconds, 1),
        "portal": address,
        "vms": machines,
    }


def failure(reason: str) -> dict[str, Any]:
    """What is told of a demo that came to no results."""
    return {"ok": False, "faults": [reason], "vms": []}


def table(results: Sequence[Result]) -> str:
    """The closing table."""
    rows = [COLUMNS, *[_row(result) for result in results]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([lines[0], "  ".join("─" * width for width in widths), *lines[1:]])


def _row(result: Result) -> tuple[str, ...]:
    line = result.invoice_line or {}
    return (
        result.name,
        str(result.tier),
        _mib(result.bytes_allocated),
        _mib(result.bytes_on_wire),
        str(result.rounds),
        "–" if result.freeze_to_verified_seconds is None else f"{result.freeze_to_verified_seconds:.2f} s",
        f"{result.downtime_seconds:.1f} s",
        f"{result.boot_seconds:.1f} s",
        f"{result.last_write_found} = {result.last_write_acknowledged}",
        f"{line.get('amount', '–')} {line.get('currency', '')}".strip(),
    )


def _mib(size: int) -> str:
    return f"{size / (1 << 20):.0f} MiB"
