"""`./landfall bench replication --json [--pairs N] [--size MIB] [--only PART…] [--folder DIR]`.

Ours always with TLS, digests and compression, beside nbdcopy and qemu-img; shaped lines; a guest that writes.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.ground import MIB, Ground, ground_up, mix_write, own_name
from tests.bench.guest_cost import iops, pauses, rounds
from tests.bench.lines import LOOPBACK, Line, LineUnavailable, gigabit, wan
from tests.bench.measure import Bar, at_least, finish, interleaved, not_measured, ratios, tell
from tests.bench.rivals import Rivals, tls_server

ROOT = Path(__file__).resolve().parents[2]
SHAPED_MIB, SHAPED_PAIRS = 768, 5
WAN_MIB, WAN_ONE_MIB, WAN_PAIRS = 512, 48, 2


@dataclass(slots=True)
class Bench:
    """One run: where, how much, and what has been found."""

    folder: Path
    size: int
    pairs: int
    bars: list[Bar] = field(default_factory=list)
    samples: dict[str, Any] = field(default_factory=dict)

    async def full(self) -> None:
        """A full copy of the mix on the loopback, beside the others."""
        disk = self._disk("mix", self.size)
        async with ground_up(self.folder / "full", LOOPBACK, disk) as ground:
            with tls_server(ground.folder, ground.target) as uri:
                rivals = Rivals(ground, uri)
                runs: dict[str, Callable[[], Awaitable[float]]] = {
                    "ours": lambda: _seconds(ground),
                    "nbdcopy": rivals.nbdcopy,
                    "nbdcopy_tls": rivals.nbdcopy_tls,
                    "qemu_img": rivals.qemu_img,
                }
                found = await interleaved(runs, pairs=self.pairs)
        self.samples["full_copy_s"] = found
        against = {name: ratios(found[name], found["ours"]) for name in found if name != "ours"}
        note = "both ends, both daemons and the copy share this machine's cores"
        self.bars += [
            at_least("full copy / nbdcopy over TLS", against["nbdcopy_tls"], 1.0, note=note),
            at_least("full copy / nbdcopy plain", against["nbdcopy"], 0.7, note=note),
        ]
        self.samples["full_copy_to_qemu_img"] = against["qemu_img"]

    async def gigabit(self) -> None:
        """Noise, and what shrinks by half, over 1 Gbit/s."""
        for kind, letter, limit in (("noise", "n", 0.93), ("half", "c", 1.7)):
            name = f"1 Gbit/s, {kind} / line"
            try:
                with gigabit() as line:
                    disk = self._disk(kind, SHAPED_MIB * MIB, letter)
                    shares = await self._shares(line, disk, pairs=min(self.pairs, SHAPED_PAIRS))
            except LineUnavailable as error:
                self.bars.append(not_measured(name, f">= {limit}", str(error)))
                continue
            self.samples[name] = shares
            self.bars.append(at_least(name, shares, limit))

    async def wan(self) -> None:
        """A long line that loses packets, with one connection beside."""
        name = "100 Mbit/s, 40 ms, 0.1 % loss / line"
        try:
            with wan() as line:
                whole, part = (
                    self._disk("noise", WAN_MIB * MIB, "n"),
                    self._disk("part", WAN_ONE_MIB * MIB, "n"),
                )
                shares = await self._shares(line, whole, pairs=min(self.pairs, WAN_PAIRS))
                single = await self._shares(line, part, pairs=1, connections_max=1)
        except LineUnavailable as error:
            self.bars.append(not_measured(name, ">= 0.85", str(error)))
            return
        self.samples[name] = shares
        self.samples["one connection / line"] = single
        self.bars.append(at_least(name, shares, 0.85, note=f"one connection: {single[0]:.3f}"))

    async def rounds(self) -> None:
        """Delta rounds under a writer of 20 MB/s."""
        async with ground_up(self.folder / "rounds", LOOPBACK, self._disk("mix", self.size)) as ground:
            bar, self.samples["rounds"] = await rounds(ground)
        self.bars.append(bar)

    async def iops(self) -> None:
        """What the filter costs a guest's writes."""
        async with ground_up(self.folder / "iops", LOOPBACK, self._disk("blank", 1024 * MIB, ".")) as ground:
            bar, self.samples["iops"] = await iops(ground, pairs=self.pairs)
        self.bars.append(bar)

    async def pause(self) -> None:
        """The pause of the cut-over does not grow with the disk."""
        found: dict[str, list[float]] = {}
        for size in (256, 8192):
            disk = self._disk(
                f"sparse-{size}", size * MIB, "." * 15 + "n" if size == 256 else "." * 511 + "n"
            )
            async with ground_up(self.folder / "pause", LOOPBACK, disk) as ground:
                found[str(size)] = await pauses(ground, count=min(self.pairs, 10))
        self.samples["pause_s"] = found
        small, large = (sorted(found[size])[len(found[size]) // 2] for size in ("256", "8192"))
        limit = small * 1.25 + 0.05
        self.bars.append(
            Bar(
                "pause, 8 GiB", round(large, 4), "s", f"<= {limit:.4f}", large <= limit, note="median of each"
            )
        )

    async def _shares(self, line: Line, disk: Path, *, pairs: int, connections_max: int = 16) -> list[float]:
        """Content per second, to what the line carries."""
        shares = []
        async with ground_up(self.folder / "shaped", line, disk) as ground:
            for _ in range(pairs):
                done = await ground.copy(connections_max=connections_max)
                rate = ground.size / done.took.total_seconds()
                shares.append(rate * 8 / line.rate)
                tell(f"{rate / 1e6:.1f} MB/s over {done.connections} connections")
        return shares

    def _disk(self, name: str, size: int, kinds: str = "nnnnnnncccccccz.") -> Path:
        path = self.folder / f"{name}-{size // MIB}.raw"
        mix_write(path, size, kinds)
        return path


async def _seconds(ground: Ground) -> float:
    return (await ground.copy()).took.total_seconds()


PARTS: dict[str, Callable[[Bench], Awaitable[None]]] = {
    "full": Bench.full,
    "gigabit": Bench.gigabit,
    "wan": Bench.wan,
    "rounds": Bench.rounds,
    "iops": Bench.iops,
    "pause": Bench.pause,
}


def main(arguments: list[str]) -> int:
    """Run the parts; 0 when every bar is ok."""
    asked = _parser().parse_args(arguments)
    folder = asked.folder / own_name()
    folder.mkdir(parents=True)
    bench = Bench(folder, asked.size * MIB, asked.pairs)
    try:
        for part in asked.only or PARTS:
            tell(part)
            asyncio.run(_run(PARTS[part], bench))
    finally:
        for path in folder.glob("*.raw"):
            path.unlink()
        folder.rmdir()
    return finish("replication", bars=bench.bars, samples=bench.samples, as_json=asked.json)


async def _run(part: Callable[[Bench], Awaitable[None]], bench: Bench) -> None:
    await part(bench)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./landfall bench replication", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--pairs", type=int, default=20, help="how often each is run")
    parser.add_argument("--size", type=int, default=4096, metavar="MIB", help="of the disk for full copies")
    parser.add_argument("--only", nargs="+", choices=PARTS, help="these parts")
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "bench", help="where disks are made")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
