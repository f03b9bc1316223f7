"""Runs one cell of the table, and says what must hold whatever died."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from lab.decode import decode
from lab.door import DoorShut
from lab.evidence import NoView, destination_image, source_image
from lab.faults.cells import Cell, Moment
from lab.faults.ground import SLOTS, Ground, NotReached
from lab.faults.writers import WritersWatch
from lab.session import PortalSaidNo
from lab.stack import NobodyThere
from lab.story import Journey, NotInTime

CUT_SHORT = (NotReached, NotInTime, PortalSaidNo, NoView, DoorShut, NobodyThere, OSError)
"""What may end a run without a word of its own: that breaks its cell, and is no reason to end the bench."""
BUDGET_S = 60.0
ENDS = frozenset({"committed", "rolled_back"})
STILL_S = 12.0
"""A unit that waits this long with a reason for a person is at an end, too."""
PORTAL_BACK_S = 30.0
RELEASE_S = 30.0
POLL_S = 0.25


@dataclass(slots=True)
class Outcome:
    """One cell's proof. `phase_hit` is the phase that the portal showed when the fault was done."""

    cell: str
    seconds: float = 0.0
    phase_hit: str = ""
    hit: str = ""
    end: str = ""
    reason: str = ""
    images_equal: bool | None = None
    records_exact: bool | None = None
    two_wrote: bool = False
    guest_errors: int = 0
    machines_made: int = 0
    invoice_lines: int = 0
    released: bool = True
    not_measured: str = ""
    broken: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything held."""
        return not self.broken

    def told(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "ok": self.ok}


@dataclass(slots=True)
class Run:
    """A machine on its way through one cell."""

    ground: Ground
    cell: Cell
    name: str
    outcome: Outcome
    journey: Journey
    watch: WritersWatch
    made_before: int

    @classmethod
    async def begin(cls, ground: Ground, cell: Cell, name: str, *, linger: float = 0.0) -> "Run":
        """A machine that writes, and a group for it alone."""
        pair = ground.story.pair
        await ground.machine_make(name, linger=linger)
        watch = WritersWatch(name, {"near": pair.near, "far": pair.far})
        watch.start()
        journey = await ground.story.group(name, {name: 1})
        made = pair.far.simulator.calls("CreateVM_Task")
        return cls(ground, cell, name, Outcome(cell.name), journey, watch, made)

    async def phase(self) -> str:
        """Where the unit stands; a portal that is down is asked again."""
        return str((await self.unit())["phase"])

    async def unit(self) -> dict[str, Any]:
        """The unit, as soon as the portal tells it."""
        units: list[dict[str, Any]] = await patiently(self.journey.units)
        return units[0]

    async def hit_at(self, moment: Moment, act: Callable[[], Awaitable[str]]) -> None:
        """Do the fault at a moment, and note which phase it hit."""

        async def noted() -> None:
            self.outcome.phase_hit = await self.phase()
            self.outcome.hit = await act()

        await self.ground.at(moment, noted)

    async def drive(self, *, back: bool) -> None:
        """Do what a person would: cut over when ready; then roll back, or check and commit."""
        await patiently(lambda: self.journey.ask("start"))
        asked: set[str] = set()
        stuck: tuple[str, float] = ("", time.monotonic())
        deadline = time.monotonic() + BUDGET_S
        while time.monotonic() < deadline:
            unit = await self.unit()
            phase = unit["phase"]
            if phase in ENDS:
                break
            if phase == "ready" and "cutover" not in asked:
                await self._person(asked, "cutover")
            elif phase == "awaiting_commit":
                await self._decide(asked, back=back)
            waits = f"{phase} {unit.get('reason')}" if needs_person(unit) else ""
            if waits != stuck[0]:
                stuck = (waits, time.monotonic())
            if waits and time.monotonic() - stuck[1] > STILL_S:
                break
            await asyncio.sleep(POLL_S)
        unit = await self.unit()
        self.outcome.end, self.outcome.reason = unit["phase"], told(unit)

    async def finish(self) -> Outcome:
        """Look at everything that must hold."""
        await self.watch.stop()
        if self.outcome.end == "committed":
            self.outcome.released = await self._released()
        outcome, pair = self.outcome, self.ground.story.pair
        outcome.two_wrote, outcome.guest_errors = self.watch.two_wrote, self.watch.errors
        await asyncio.sleep(0.3)  # the simulator writes its counts four times a second
        outcome.machines_made = pair.far.simulator.calls("CreateVM_Task") - self.made_before
        outcome.invoice_lines = len(await patiently(lambda: self.ground.story.invoice_lines(self.name)))
        outcome.broken = broken(outcome, self.cell)
        return outcome

    async def _released(self) -> bool:
        """Whether the source is let go in time: the next machine's barriers must not meet its steps."""
        unit = str((await self.unit())["id"])
        deadline = time.monotonic() + RELEASE_S
        while time.monotonic() < deadline:
            commands = await patiently(lambda: self.journey.commands(unit))
            if any(one["step"] == "release_source" and one["phase"] == "succeeded" for one in commands):
                return True
            await asyncio.sleep(POLL_S)
        return False

    async def _decide(self, asked: set[str], *, back: bool) -> None:
        if back:
            await self._person(asked, "rollback")
        elif "commit" not in asked:
            await self._images()
            await self._person(asked, "commit")

    async def _person(self, asked: set[str], what: str) -> None:
        if what not in asked:
            await patiently(lambda: self.journey.confirmed(what))
            asked.add(what)

    async def _images(self) -> None:
        """Both sides, while the source is frozen and the destination has its view."""
        pair, keep = self.ground.story.pair, self.ground.folder / "images"
        keep.mkdir(exist_ok=True)
        near, far = await pair.near.machine(self.name), await pair.far.machine(self.name)
        source = await source_image(near.disks, keep, self.name)
        destination = await destination_image(far.folder / "nbd", len(far.disks), keep, self.name)
        decoded = await asyncio.to_thread(decode, destination.disks, slots=SLOTS)
        ended = self.watch.last("near")
        self.outcome.images_equal = source.digest == destination.digest
        self.outcome.records_exact = decoded.exact and ended is not None and decoded.last == ended.last
        for path in (*source.disks, *destination.disks):
            path.unlink()


def needs_person(unit: dict[str, Any]) -> bool:
    """Whether the unit waits for somebody."""
    conditions = unit.get("conditions") or []
    return unit["phase"] == "failed" or any(condition.get("for_a_person") for condition in conditions)


def told(unit: dict[str, Any]) -> str:
    """Why the unit stands where it stands."""
    conditions = [condition.get("text") or condition["code"] for condition in unit.get("conditions") or []]
    return " ".join([str(unit.get("reason") or ""), *conditions]).strip()


async def patiently(ask: Callable[[], Awaitable[Any]]) -> Any:
    """Ask again while the portal is being started again. Raises what it says after that."""
    deadline = time.monotonic() + PORTAL_BACK_S
    while True:
        try:
            return await ask()
        except PortalSaidNo as error:
            if error.status < 500 or time.monotonic() > deadline:
                raise
        except OSError:
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(POLL_S)


def broken(outcome: Outcome, cell: Cell) -> list[str]:
    """What did not hold, in words."""
    committed = outcome.end == "committed"
    waits = outcome.end not in ENDS
    checks = {
        "two guests wrote": outcome.two_wrote,
        "a guest saw an error": outcome.guest_errors > 0 and "daemon" not in cell.name,
        "it waits and does not say why": waits and not outcome.reason,
        "committed, and the images differ": committed and outcome.images_equal is not True,
        "committed, and a write is missing": committed and outcome.records_exact is not True,
        "more than one machine was made": outcome.machines_made > 1,
        "billed more than once": outcome.invoice_lines > 1,
        "billed without a commit": outcome.invoice_lines > 0 and not committed,
        "committed, and the source was not let go": not outcome.released,
        "committed and not billed": committed and outcome.invoice_lines == 0,
        "the fault hit nothing": not outcome.phase_hit and not outcome.not_measured,
    }
    if cell.moment is not None and outcome.phase_hit not in cell.moment.phases:
        checks[f"it hit {outcome.phase_hit}, not {sorted(cell.moment.phases)}"] = True
    return [fault for fault, found in checks.items() if found]


async def kill_cell(ground: Ground, cell: Cell, name: str) -> Outcome:
    """Somebody dies at a moment."""
    moment, victim = cell.moment, cell.victim
    assert moment is not None and victim is not None  # noqa: S101, PT018  a cell of that kind
    run = await Run.begin(ground, cell, name)
    hitting = asyncio.create_task(run.hit_at(moment, lambda: ground.kill(victim, moment)))
    try:
        await run.drive(back=moment.back)
        await hitting
    except CUT_SHORT as error:
        run.outcome.broken.append(f"the run itself came to an end: {error!r}")
    finally:
        hitting.cancel()
        with suppress(asyncio.CancelledError, *CUT_SHORT):
            await hitting
    return await run.finish()
