"""Runs a shard of the table on one estate, and goes on where an interrupted run stopped."""

import json
import os
import platform
import random
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.demo.people import Person, tenant_join
from lab.door import DoorShut
from lab.faults.acts import small_file_system
from lab.faults.cells import Cell, Special
from lab.faults.ground import Ground
from lab.faults.run import CUT_SHORT, Outcome, kill_cell
from lab.faults.specials import special_cell
from lab.folders import folder_clean, short_folder
from lab.pair import FAR_STORE, pair_up
from lab.session import Session
from lab.stack import portal_up
from lab.story import Story
from lab.workloads import workloads_write

NEAR_HOST = "esx1.acme.lab"
FAR_HOST = "esx1.provider.lab"
STORE_SIZE = 1 << 30
CELL_LIMIT_S = 45.0
WHOLE_LIMIT_S = 6000.0
SPOILED = (Special.FLIPPED_BYTE, Special.SUPPRESSED_BIT)
Tell = Callable[[str], None]


def owner(seed: str) -> Person:
    """The tenant's owner of an estate with this seed."""
    return Person("Alice", "alice@acme.example", f"only-for-this-run-{seed}")


@asynccontextmanager
async def ground_up(binary: Path, folder: Path, seed: str) -> AsyncIterator[Ground]:
    """An estate for cells: a portal, a tenant with one host, and the provider's site."""
    folder_clean(folder)
    async with AsyncExitStack() as stack:
        short = stack.enter_context(short_folder(folder))
        (short / "hold").mkdir(exist_ok=True)
        workloads_write(short / "workloads.json", {})
        stack.enter_context(small_file_system(short / "f" / FAR_STORE, size=STORE_SIZE))
        portal = await stack.enter_async_context(portal_up(short / "p"))
        pair = await stack.enter_async_context(
            pair_up(binary, short, near_hosts=[NEAR_HOST], far_host=FAR_HOST)
        )
        for agent in pair.agents:
            agent.environment["LANDFALL_HOLD"] = str(short / "hold")
        provider, tenant = [await stack.enter_async_context(Session(portal.ready.portal)) for _ in range(2)]
        await provider.sign_in(portal.ready.email, portal.ready.password)
        alice = owner(seed)
        story = Story(provider, tenant, pair)
        acme = await tenant_join(provider, tenant, alice, organisation="Acme")
        await story.price(acme, "49.00")
        await story.provider_site("Landing zone", [acme])
        await story.tenant_site("Acme data centre")
        yield Ground(story, lambda: portal.pid, short)


@dataclass(frozen=True, slots=True)
class Bench:
    """A shard, and the file with an outcome per line that lets a second run go on."""

    cells: Sequence[Cell]
    done: Path
    seed: int
    tell: Tell

    def outcomes(self) -> list[dict[str, Any]]:
        """What is done already, of this shard and with this seed."""
        if not self.done.exists():
            return []
        names = {cell.name for cell in self.cells}
        *lines, _torn = self.done.read_text().split("\n")  # a killed run may leave half a line
        told = [json.loads(line) for line in lines]
        return [one for one in told if one["seed"] == self.seed and one["cell"] in names]

    async def run(self, ground: Ground) -> None:
        """Run what is left, in an order of the seed's."""
        left = [cell for cell in self.cells if cell.name not in {one["cell"] for one in self.outcomes()}]
        random.Random(self.seed).shuffle(left)  # noqa: S311  an order, not a secret
        for number, cell in enumerate(left, start=1):
            outcome = await cell_run(ground, cell)
            self.tell(
                f"{number}/{len(left)} {outcome.cell}: {outcome.end or outcome.not_measured}"
                f" in {outcome.seconds:.0f} s {outcome.broken or ''}"
            )
            self._note({"seed": self.seed, **outcome.told()})

    def _note(self, outcome: dict[str, Any]) -> None:
        """Add a line; half of one that a killed run left goes first."""
        with self.done.open("a+b") as file:
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
            file.write(json.dumps(outcome).encode() + b"\n")


async def cell_run(ground: Ground, cell: Cell) -> Outcome:
    """Run one cell on a machine of its own."""
    began = time.monotonic()
    name = ground.name()
    runner = special_cell if cell.special is not None else kill_cell
    try:
        outcome = await runner(ground, cell, name)
    except CUT_SHORT as error:
        outcome = Outcome(cell.name, broken=[f"the run itself came to an end: {error!r}"])
    outcome.seconds = round(time.monotonic() - began, 1)
    with suppress(DoorShut):  # its vCenter still comes to itself; the next cell has a machine of its own
        await ground.machine_end(name)
    return outcome


def document(outcomes: Iterable[dict[str, Any]], *, seed: int, of: int) -> dict[str, Any]:
    """The bench's one JSON object."""
    samples = list(outcomes)
    broken = [sample["cell"] for sample in samples if not sample["ok"]]
    longest = max((sample["seconds"] for sample in samples), default=0.0)
    whole = sum(sample["seconds"] for sample in samples)
    billed = max((sample["invoice_lines"] for sample in samples), default=0)
    found = [sample for sample in samples if sample["cell"] in SPOILED]
    bars = [
        _bar("cells run", len(samples), "cells", of, ok=len(samples) == of),
        _bar("cells that broke a rule", len(broken), "cells", 0, ok=not broken),
        _bar("longest cell", longest, "s", CELL_LIMIT_S, ok=longest <= CELL_LIMIT_S),
        _bar("all cells", round(whole, 1), "s", WHOLE_LIMIT_S, ok=whole <= WHOLE_LIMIT_S),
        _bar(
            "two guests wrote",
            sum(sample["two_wrote"] for sample in samples),
            "cells",
            0,
            ok=not any(sample["two_wrote"] for sample in samples),
        ),
        _bar("most invoice lines of a machine", billed, "lines", 1, ok=billed <= 1),
        _bar(
            "spoiled bytes found",
            sum(one["end"] != "committed" for one in found),
            "cells",
            len(found),
            ok=all(one["end"] != "committed" for one in found),
        ),
    ]
    return {
        "name": "faults",
        "seed": seed,
        "environment": _environment(),
        "bars": bars,
        "broken": broken,
        "samples": samples,
    }


def _bar(name: str, value: float, unit: str, limit: float, *, ok: bool) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": unit, "limit": limit, "ok": ok}


def _environment() -> dict[str, Any]:
    return {"cpus": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version()}
