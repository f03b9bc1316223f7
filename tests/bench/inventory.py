"""`./landfall bench inventory --json [--pairs N] [--machines N]`: a whole site into PostgreSQL.

Ours is the connector (its journal on disk, its vCenter's killable child), every report signed, stored and
applied by the worker's role; the alternative reads the same properties in the same batches and drops them.
"""

import argparse
import asyncio
import secrets
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lab.simulator import simulator_build
from tests.bench.inventory_ground import ROOT, Database, Estate, Sample, database_up, estate_up
from tests.bench.measure import Bar, at_most, finish, interleaved, ratios, tell

SMALL = 2000
FULL_LIMIT, RESYNC_LIMIT, MEMORY_LIMIT = 1.5, 1.2, 1.3
MIB = 1 << 20


@dataclass(slots=True)
class Bench:
    """One run, and what it has found."""

    binary: Path
    folder: Path
    machines: int
    pairs: int
    bare: list[float] = field(default_factory=list)
    ours: list[Sample] = field(default_factory=list)
    small: list[Sample] = field(default_factory=list)
    counted: int = 0

    async def run(self, database: Database) -> None:
        """The small site once, for its memory; the large one beside the bare read."""
        async with estate_up(database, self.binary, self.folder / "small", machines=SMALL) as estate:
            self.small.append(await estate.ours())
        async with estate_up(database, self.binary, self.folder / "large", machines=self.machines) as estate:
            await self._pairs(database, estate)

    async def _pairs(self, database: Database, estate: Estate) -> None:
        async def ours() -> float:
            self.ours.append(await estate.ours())
            return self.ours[-1].full

        found = await interleaved({"bare": estate.bare, "ours": ours}, pairs=self.pairs)
        self.bare = found["bare"]
        self.counted = await asyncio.to_thread(database.count, "virtual_machine")

    @property
    def bars(self) -> list[Bar]:
        """What was asked for, by what was measured."""
        full = ratios([sample.full for sample in self.ours], self.bare)
        resync = ratios([sample.resync for sample in self.ours], self.bare)
        peak, small = _peak(self.ours), _peak(self.small)
        note = "from the order to the last row; the start of the vCenter's process is in it"
        return [
            Bar("machines in PostgreSQL", self.counted, "", f"= {self.machines}", self._whole),
            at_most("full load / bare batched read", full, FULL_LIMIT, note=note),
            at_most("resync without changes / bare batched read", resync, RESYNC_LIMIT),
            Bar(
                f"peak memory / at {SMALL} machines",
                round(peak / small, 4),
                "×",
                f"<= {MEMORY_LIMIT}",
                peak <= MEMORY_LIMIT * small,
                note=f"connector, its vCenter's process and applier: {peak >> 20} and {small >> 20} MiB",
            ),
        ]

    @property
    def _whole(self) -> bool:
        return self.counted == self.machines

    @property
    def samples(self) -> dict[str, object]:
        """Everything as it was measured; seconds and MiB."""
        return {
            "machines": self.machines,
            "bare_s": self.bare,
            "full_s": [sample.full for sample in self.ours],
            "resync_s": [sample.resync for sample in self.ours],
            "cpu_of_full_and_resync_s": [dict(sample.cpu) for sample in self.ours],
            "peaks_mib": [_mebibytes(sample) for sample in self.ours],
            f"peaks_at_{SMALL}_mib": [_mebibytes(sample) for sample in self.small],
        }


def main(arguments: list[str]) -> int:
    """Run; 0 when every bar is ok."""
    asked = _parser().parse_args(arguments)
    kept = ROOT / "var" / "bench"
    kept.mkdir(parents=True, exist_ok=True)
    binary = simulator_build(kept)
    # Unix sockets have 107 bytes for their path, so the folder is not below the checkout.
    folder = Path(tempfile.gettempdir()) / f"lf-{secrets.token_hex(4)}"
    folder.mkdir(mode=0o700)
    bench = Bench(binary, folder, asked.machines, asked.pairs)
    try:
        with database_up(folder) as database:
            tell(f"{SMALL} and {asked.machines} machines, {asked.pairs} pairs")
            asyncio.run(bench.run(database))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return finish("inventory", bars=bench.bars, samples=bench.samples, as_json=asked.json)


def _peak(samples: Sequence[Sample]) -> int:
    return max(sum(sample.peaks.values()) for sample in samples)


def _mebibytes(sample: Sample) -> dict[str, float]:
    return {name: round(size / MIB, 1) for name, size in sample.peaks.items()}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./landfall bench inventory", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--pairs", type=int, default=4, help="how often each is run")
    parser.add_argument("--machines", type=int, default=10_000, help="in the large vCenter")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
