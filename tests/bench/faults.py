"""`./landfall bench faults --json [--shard i/n] [--seed N] [--only CELL…]`: every fault at every moment.

An interrupted run goes on where it stopped: outcomes are kept below var/bench, a line each.
"""

import argparse
import asyncio
import json
import secrets
import signal
import sys
from pathlib import Path

from lab.children import ROOT
from lab.faults.bench import Bench, document, ground_up
from lab.faults.cells import CHOSEN, Cell, cells, shard
from lab.simulator import simulator_build

KEPT = ROOT / "var" / "bench"


def main(arguments: list[str]) -> int:
    """Run the shard; 0 when every rule held in every cell."""
    asked = _parser().parse_args(arguments)
    chosen = _chosen(asked)
    KEPT.mkdir(parents=True, exist_ok=True)
    done = KEPT / f"faults-{asked.shard.replace('/', '-of-')}.jsonl"
    seed = asked.seed if asked.seed is not None else _seed(done)
    tell(f"seed {seed}, {len(chosen)} cells")
    bench = Bench(chosen, done, seed, tell)
    try:
        asyncio.run(_run(bench, KEPT / f"ground-{asked.shard.replace('/', '-of-')}"))
    except asyncio.CancelledError:
        tell("interrupted; the same command goes on from here")
        return 130
    said = document(bench.outcomes(), seed=seed, of=len(chosen))
    print(json.dumps(said, indent=2) if asked.json else _told(said))
    return 0 if all(bar["ok"] for bar in said["bars"]) else 1


def tell(said: str) -> None:
    """What goes on, beside the result."""
    print(said, file=sys.stderr, flush=True)


async def _run(bench: Bench, folder: Path) -> None:
    running = asyncio.current_task()
    assert running is not None
    for number in (signal.SIGTERM, signal.SIGINT):  # whatever was started is ended on the way out
        asyncio.get_running_loop().add_signal_handler(number, running.cancel)
    if len(bench.outcomes()) < len(bench.cells):
        binary = simulator_build(KEPT)
        async with ground_up(binary, folder, str(bench.seed)) as ground:
            await bench.run(ground)


def _chosen(asked: argparse.Namespace) -> list[Cell]:
    number, of = (int(part) for part in asked.shard.split("/"))
    named = set(asked.only or (CHOSEN if asked.chosen else ()))
    return [cell for cell in shard(number, of) if not named or cell.name in named]


def _seed(done: Path) -> int:
    """The seed of the run that was interrupted, or a new one."""
    if done.exists() and (lines := done.read_text().splitlines()):
        return int(json.loads(lines[-1])["seed"])
    return secrets.randbelow(1 << 31)


def _told(said: dict[str, object]) -> str:
    bars = said["bars"]
    assert isinstance(bars, list)
    lines = [f"{'ok ' if bar['ok'] else 'BAD'} {bar['name']}: {bar['value']} {bar['unit']}" for bar in bars]
    return "\n".join([f"seed {said['seed']}", *lines])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./landfall bench faults", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--shard", default="1/1", help="which part of the table, as 2/4")
    parser.add_argument("--seed", type=int, help="the order of the cells")
    parser.add_argument(
        "--only", nargs="+", metavar="CELL", help=f"of these: {', '.join(c.name for c in cells())}"
    )
    parser.add_argument("--chosen", action="store_true", help="only what CI runs")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
