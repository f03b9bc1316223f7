"""The demo's migration, click by click, and what is read off at the far side before the commit."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lab.demo.plan import MACHINES, DemoMachine
from lab.demo.results import Result
from lab.evidence import Image, destination_image, source_image
from lab.progress import Progress
from lab.sites import RunningMachine
from lab.story import Journey, Story

GROUP = "First landing"
BUDGET_BYTES = 12 << 20
"""What may remain for the cut-over: less than the hot writer's first round leaves behind."""
SYNC_S = 150.0
CUTOVER_S = 150.0
COMMIT_S = 60.0
VERIFIED = "awaiting_commit"
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Both sides of a machine, held against each other by nobody's word but their own."""

    source: Image
    destination: Image
    ended: Progress
    begun: Progress


async def machines_make(story: Story, tell: Tell) -> None:
    """The tenant's machines as they were before Landfall came: installed, and running."""
    site = story.pair.near
    for machine in MACHINES:
        await site.machine_make(machine.planned)
    await asyncio.gather(*[site.power_on(machine.name) for machine in MACHINES])
    tell(f"{len(MACHINES)} machines run at Acme")


async def migrate(story: Story, keep: Path, tell: Tell) -> list[Result]:
    """Plan, check, copy, cut over, verify and commit; what it came to."""
    journey = await story.group(
        GROUP, {machine.name: machine.tier for machine in MACHINES}, cutover_budget_bytes=BUDGET_BYTES
    )
    await journey.ask("preflight")
    await journey.ask("start")
    tell("copying, while the machines run")
    await journey.reach("ready", seconds=SYNC_S)
    tell("all copies fit the cut-over; cutting over")
    await journey.confirmed("cutover")
    await journey.reach(VERIFIED, seconds=CUTOVER_S)
    tell("verified by both sides; reading the images")
    evidence = [await _evidence(story, machine, keep) for machine in MACHINES]
    await journey.confirmed("commit")
    await journey.reach("committed", seconds=COMMIT_S)
    tell("committed")
    return [await _result(story, journey, *pair) for pair in zip(MACHINES, evidence, strict=True)]


async def _evidence(story: Story, machine: DemoMachine, keep: Path) -> Evidence:
    near = await story.pair.near.machine(machine.name)
    far = await story.pair.far.machine(machine.name)
    source, destination = await asyncio.gather(
        source_image(near.disks, keep, machine.name),
        destination_image(far.folder / "nbd", len(far.disks), keep, machine.name),
    )
    return Evidence(source, destination, near.progress(), await _first_write(far))


async def _first_write(machine: RunningMachine) -> Progress:
    """The new guest's life so far, once it has written: Linux takes its time to boot."""
    deadline = time.monotonic() + CUTOVER_S
    while not machine.progress().first_at and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
    return machine.progress()


async def _result(story: Story, journey: Journey, machine: DemoMachine, evidence: Evidence) -> Result:
    unit: dict[str, Any] = next(unit for unit in await journey.units() if unit["name"] == machine.name)
    lines = await story.invoice_lines(machine.name)
    found = await asyncio.to_thread(evidence.destination.decoded, slots=machine.runs.slots)
    return Result(
        name=machine.name,
        tier=machine.tier,
        bytes_allocated=unit["bytes_allocated"],
        bytes_on_wire=unit["bytes_on_wire"],
        rounds=len(unit["rounds"]),
        freeze_to_verified_seconds=unit["freeze_to_verified_s"],
        downtime_seconds=evidence.begun.first_at - evidence.ended.last_at,
        boot_seconds=evidence.begun.boot_seconds,
        source_digest=evidence.source.digest,
        destination_digest=evidence.destination.digest,
        last_write_acknowledged=evidence.ended.last,
        last_write_found=found.last,
        records_exact=found.exact,
        guest_errors=evidence.ended.errors + evidence.begun.errors,
        started_at=started_at(evidence.begun),
        image_source=str(evidence.source.path),
        image_destination=str(evidence.destination.path),
        disk_sizes=[disk.stat().st_size for disk in evidence.source.disks],
        invoice_line=lines[0] if len(lines) == 1 else None,
        snapshots_taken=story.pair.near.simulator.calls("Snapshot")
        + story.pair.far.simulator.calls("Snapshot"),
    )


def started_at(progress: Progress) -> str:
    """When the guest's process was started, by the wall clock."""
    ago = time.monotonic() - progress.started_at
    return datetime.fromtimestamp(time.time() - ago).astimezone().isoformat()
