"""The faults that are no mere death: lines, disks, bytes, and guests that do not stop."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress

from lab.faults.acts import NotMeasured, bit_suppress, byte_flip, daemon_kill, disk_filled
from lab.faults.cells import MOMENTS, Cell, Holder, Moment, Special
from lab.faults.ground import FILLED, RECORD, SLOTS, Ground
from lab.faults.run import CUT_SHORT, Outcome, Run

CUT_S = 30.0
HUNG_S = 15.0
LINGER_S = 10.0
SLOW_RATE = 6 << 20
ROOM_LEFT = 4 << 20
SOMEWHERE = SLOTS * RECORD + FILLED // 2
"""A byte that was installed and that no guest ever writes."""
LATER_S = 2.0

_AT = {moment.barrier: moment for moment in MOMENTS}
_SWITCH_BEGINS = Moment("switch.started", Holder.DESTINATION, frozenset({"switching"}))
_BACK_RELEASE = Moment("release_source.started", Holder.SOURCE, frozenset({"rolling_back"}))


async def special_cell(ground: Ground, cell: Cell, name: str) -> Outcome:
    """Run a special cell."""
    special = cell.special
    assert special is not None  # noqa: S101  a cell of that kind
    linger = LINGER_S if special is Special.LINGERING_GUEST else 0.0
    run = await Run.begin(ground, cell, name, linger=linger)
    doing = asyncio.ensure_future(_DEEDS[special](run))
    try:
        await run.drive(back=special is Special.LATE_POWER_ON)
        await asyncio.wait_for(doing, CUT_S)
    except NotMeasured as error:
        run.outcome.not_measured = str(error)
    except CUT_SHORT as error:
        run.outcome.broken.append(f"the run itself came to an end: {error!r}")
    finally:
        doing.cancel()
        with suppress(asyncio.CancelledError, NotMeasured, *CUT_SHORT):
            await doing
    outcome = await run.finish()
    outcome.broken += _not_found(outcome, special)
    return outcome


def _not_found(outcome: Outcome, special: Special) -> list[str]:
    """A spoiled byte that nobody noticed is the worst that can happen."""
    spoiled = special in (Special.FLIPPED_BYTE, Special.SUPPRESSED_BIT)
    return ["the spoiled byte was not found"] if spoiled and outcome.end == "committed" else []


async def _source_daemon(run: Run) -> None:
    async def act() -> str:
        return f"daemon {daemon_kill(await run.ground.story.pair.near.machine(run.name))}"

    await run.hit_at(_AT["sync.started"], act)


async def _destination_daemon(run: Run) -> None:
    async def act() -> str:
        return f"daemon {daemon_kill(await run.ground.story.pair.far.machine(run.name))}"

    await run.hit_at(_AT["sync.started"], act)


async def _link_cut(run: Run) -> None:
    link = run.ground.story.pair.link
    link.rate = SLOW_RATE

    async def act() -> str:
        return "the line is slow, and will be cut"

    try:
        await run.hit_at(_AT["sync.started"], act)
        await asyncio.sleep(LATER_S)
        await link.down_for(CUT_S)
    finally:
        link.rate, link.down = 0, False


async def _disk_full(run: Run) -> None:
    far = run.ground.story.pair.far
    if not far.store.is_mount():
        raise NotMeasured("the destination's datastore is no file system of its own: mounting one needs root")
    full = asyncio.Event()

    async def act() -> str:
        full.set()
        await asyncio.sleep(0.5)  # until the disk is full
        return "destination disk"

    async def fill() -> None:
        await full.wait()
        with disk_filled(far.store, leave=ROOM_LEFT):
            await asyncio.sleep(HUNG_S)

    filling = asyncio.create_task(fill())
    try:
        await run.hit_at(_AT["sync.started"], act)
        await filling
    finally:
        filling.cancel()


async def _vcenter_hung(run: Run) -> None:
    simulator = run.ground.story.pair.far.simulator

    async def act() -> str:
        simulator.hang()
        return "destination vCenter"

    try:
        await run.hit_at(_AT["switch.done"], act)
        await asyncio.sleep(HUNG_S)
    finally:
        simulator.go_on()


async def _late_power_on(run: Run) -> None:
    far = run.ground.story.pair.far
    machine = await _far_machine(run)

    async def act() -> str:
        async with far.door as door:
            await door.power_on(machine)
        await asyncio.sleep(1.0)  # long enough for a guest to start and write, if it could
        return f"power-on of {machine}"

    await run.hit_at(_BACK_RELEASE, act)


async def _far_machine(run: Run) -> str:
    """The new machine's moid, once it is there."""
    while True:
        with suppress(TimeoutError):
            return (await run.ground.story.pair.far.machine(run.name)).moid


async def _lingering(run: Run) -> None:
    async def act() -> str:
        return "the guest goes on writing"

    await run.hit_at(_AT["freeze.started"], act)


async def _flipped(run: Run) -> None:
    async def act() -> str:
        machine = await run.ground.story.pair.far.machine(run.name)
        byte_flip(machine.disks[0], SOMEWHERE)
        return f"byte {SOMEWHERE}"

    await run.hit_at(_SWITCH_BEGINS, act)


async def _suppressed(run: Run) -> None:
    async def act() -> str:
        machine = await run.ground.story.pair.near.machine(run.name)
        bit_suppress(machine.disks[0], SOMEWHERE)
        return f"byte {SOMEWHERE}"

    await run.hit_at(_AT["shut_down.done"], act)


_DEEDS: Mapping[Special, Callable[[Run], Awaitable[None]]] = {
    Special.SOURCE_DAEMON: _source_daemon,
    Special.DESTINATION_DAEMON: _destination_daemon,
    Special.LINK_CUT: _link_cut,
    Special.DISK_FULL: _disk_full,
    Special.VCENTER_HUNG: _vcenter_hung,
    Special.LATE_POWER_ON: _late_power_on,
    Special.LINGERING_GUEST: _lingering,
    Special.FLIPPED_BYTE: _flipped,
    Special.SUPPRESSED_BIT: _suppressed,
}
