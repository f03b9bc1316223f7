"""The demo's migration, click by click, and what is read off at the far side before the commit."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
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
    near: RunningMachine
    far: RunningMachine
    ended: Progress
    begun: Progress

    @property
    def source_stayed_silent(self) -> bool:
        """Whether the source's guest has written nothing since."""
        return self.near.progress() == self.ended


@dataclass(frozen=True, slots=True)
class Clock:
    """The monotonic clock's zero by the wall clock; read once, so that moments keep their order."""

    zero: float

    @classmethod
    def read(cls) -> "Clock":
        """As it stands now."""
        return cls(time.time() - time.monotonic())

    def told(self, monotonic: float) -> str:
        """A monotonic moment in UTC, as ISO 8601 with microseconds: in the order of time as text, too."""
        return datetime.fromtimestamp(self.zero + monotonic, UTC).isoformat(timespec="microseconds")


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
    clock = Clock.read()
    pairs = zip(MACHINES, evidence, strict=True)
    return [await _result(story, journey, machine, seen, clock) for machine, seen in pairs]


async def _evidence(story: Story, machine: DemoMachine, keep: Path) -> Evidence:
    near = await story.pair.near.machine(machine.name)
    far = await story.pair.far.machine(machine.name)
    source, destination = await asyncio.gather(
        source_image(near.disks, keep, machine.name),
        destination_image(far.folder / "nbd", len(far.disks), keep, machine.name),
    )
    return Evidence(source, destination, near, far, near.progress(), await _first_write(far))


async def _first_write(machine: RunningMachine) -> Progress:
    """The new guest's life so far, once it has written: Linux takes its time to boot."""
    deadline = time.monotonic() + CUTOVER_S
    while not machine.progress().first_at and time.monotonic() < deadline:
        await asyncio.sleep(0.2)
    return machine.progress()


async def _result(
    story: Story, journey: Journey, machine: DemoMachine, evidence: Evidence, clock: Clock
) -> Result:
    unit: dict[str, Any] = next(unit for unit in await journey.units() if unit["name"] == machine.name)
    lines = await story.invoice_lines(machine.name)
    found = await asyncio.to_thread(evidence.destination.decoded, slots=machine.runs.slots)
    ended, begun, now = evidence.ended, evidence.begun, evidence.far.progress()
    return Result(
        name=machine.name,
        what=machine.what,
        guest="linux" if machine.runs.linux else "writer",
        tier=machine.tier,
        bytes_allocated=unit["bytes_allocated"],
        bytes_on_wire=unit["bytes_on_wire"],
        rounds=len(unit["rounds"]),
        rounds_least=machine.rounds_least,
        mostly_holes=machine.mostly_holes,
        freeze_to_verified_seconds=unit["freeze_to_verified_s"],
        downtime_seconds=begun.first_at - ended.last_at,
        boot_seconds=begun.boot_seconds,
        source_digest=evidence.source.digest,
        destination_digest=evidence.destination.digest,
        last_write_acknowledged=ended.last,
        last_write_found=found.last,
        records_exact=found.exact,
        record_slots=machine.runs.slots,
        first_write_at_destination=begun.first,
        last_write_at_destination=now.last,
        source_stayed_silent=evidence.source_stayed_silent,
        guest_errors=ended.errors + now.errors,
        started_at=clock.told(begun.started_at),
        image_source=str(evidence.source.path),
        image_destination=str(evidence.destination.path),
        image_destination_disks=[str(disk) for disk in evidence.destination.disks],
        disk_sizes=[disk.stat().st_size for disk in evidence.source.disks],
        invoice_line=lines[0] if len(lines) == 1 else None,
        snapshots_taken=story.snapshots(),
    )
