"""A source whose disks are inside the guest's own QEMU, and the usual destination behind a storage daemon."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from agents.hostagent.engine_qemu import DiskPath, QemuEngine
from agents.hostagent.freeze import Frozen, freeze, keeper_ready
from agents.hostagent.lock import DiskLock
from agents.hostagent.mover import Mover
from agents.hostagent.presence import PresenceFile
from agents.hostagent.rounds import Round, delta_run, full_run
from lab.guest import Guest, InsideGuest, presence_path
from lab.initramfs import BootImage
from lab.processes import Found
from tests.integration.dataplane.conftest import Side, disk_blank, lock_end, side_open
from tests.integration.dataplane.passage import Passage

MIB = 1 << 20
SIZE = 64 * MIB
SLOTS = 1024


@dataclass(slots=True)
class Inside:
    """A machine whose engine is its own QEMU."""

    folder: Path
    disk: Path
    guest: Guest

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[QemuEngine]:
        disks = [DiskPath("0", self.disk)]
        async with QemuEngine.connect(
            qmp_socket=self.folder / "agent.qmp", nbd_socket=self.folder / "nbd", disks=disks
        ) as engine:
            yield engine

    @property
    def process(self) -> PresenceFile:
        return PresenceFile(presence_path(self.folder))

    def power_off(self) -> None:
        """Have the guest shut itself down."""
        os.kill(self.guest.process.pid, signal.SIGTERM)

    async def powered_off(self, engine: QemuEngine) -> int:
        """Have it shut down, and wait until it has; its last acknowledged write."""
        self.power_off()
        await until(lambda: not engine.guest(self.process).alive())
        return self.guest.written

    async def freeze(self, engine: QemuEngine) -> Frozen:
        presence, patience = engine.guest(self.process), timedelta(seconds=20)
        async with keeper_ready(engine, self.folder / "lock") as keeper:
            return await freeze(engine=engine, presence=presence, keeper=keeper, deadline=patience)

    async def freeze_anew(self) -> None:
        """Attach, have the guest shut down, and freeze."""
        async with self.connect() as engine:
            await engine.attach(known=False)
            await self.powered_off(engine)
            await self.freeze(engine)

    async def killed_under_the_agent(self) -> None:
        """Attach, and kill -9 what it is attached to."""
        async with self.connect() as engine:
            await engine.attach(known=False)
            await self.guest.process.end(signal.SIGKILL)
            await engine.swap()

    async def reset(self, engine: QemuEngine) -> None:
        """Start the guest again in the QEMU that it powered off in."""
        monitor = engine._monitor
        await monitor.execute("set-action", {"reboot": "reset"})
        await monitor.execute("system_reset")
        async with asyncio.timeout(10):
            while (await monitor.execute("query-status"))["status"] == "shutdown":
                await asyncio.sleep(0.05)
        await monitor.execute("cont")


@dataclass(slots=True)
class Way:
    """From there to a destination that is locked and landing."""

    source: Inside
    destination: Side
    movers: dict[str, Mover]

    async def full(self, engine: QemuEngine) -> Round:
        return await full_run(engine=engine, carriers=self.movers)

    async def delta(self, engine: QemuEngine) -> Round:
        return await delta_run(engine=engine, carriers=self.movers)


@asynccontextmanager
async def inside_run(folder: Path, boot: BootImage, *, survives: bool = True) -> AsyncIterator[Inside]:
    """A Linux that writes to a disk of its own QEMU."""
    folder.mkdir()
    disk = disk_blank(folder / "disk.raw", SIZE)
    guest = Guest.start(InsideGuest(SLOTS, boot, survives), folder, [str(disk)])
    try:
        await until(lambda: guest.written > 0)
        yield Inside(folder, disk, guest)
    finally:
        lock_end(folder / "lock")
        await guest.kill()


@asynccontextmanager
async def way_open(inside: Inside, folder: Path) -> AsyncIterator[Way]:
    """The destination's side, and movers to it."""
    async with AsyncExitStack() as stack:
        target = disk_blank(folder / "destination.raw", SIZE)
        destination = await side_open(stack, folder / "destination", [target])
        DiskLock.take([target], control=destination.control)
        stack.callback(lock_end, destination.control)
        exports = await stack.enter_async_context(destination.engine.landing())
        passage = await stack.enter_async_context(Passage.open(folder))
        async with inside.connect() as engine:
            await engine.attach(known=False)
            movers = await passage.movers(engine, exports)
        yield Way(inside, destination, movers)


@asynccontextmanager
async def bare_run(folder: Path) -> AsyncIterator[Inside]:
    """A QEMU with a disk whose guest has not been started: writes come from its monitor."""
    folder.mkdir()
    disk = disk_blank(folder / "disk.raw", SIZE)
    presence_path(folder).touch()
    argv = ["qemu-system-x86_64", "-accel", "tcg", "-nodefaults", "-display", "none", "-S", "-no-shutdown"]
    argv += ["-qmp", f"unix:{folder / 'agent.qmp'},server=on,wait=off", "-m", "32"]
    argv += ["-blockdev", f"driver=file,node-name=file-0,filename={disk}"]
    argv += ["-blockdev", "driver=raw,node-name=drive-0,file=file-0"]
    argv += ["-device", "virtio-blk-pci,id=disk0,drive=drive-0"]
    process = subprocess.Popen(argv, start_new_session=True)
    try:
        await until(lambda: listening(folder / "agent.qmp"))
        yield Inside(folder, disk, Guest(folder, Found(process.pid, "qemu-", process)))
    finally:
        process.kill()
        process.wait()


async def written_by_monitor(engine: QemuEngine, offset: int, length: int, byte: int) -> None:
    """Write by the guest's own device."""
    device = "/machine/peripheral/disk0/virtio-backend"
    line = f'qemu-io -d {device} "write -P {byte} {offset} {length}"'
    await engine._monitor.execute("human-monitor-command", {"command-line": line})


def listening(path: Path) -> bool:
    """Whether a socket there takes connections already: it is bound a moment before."""
    flags = [line.split()[3] for line in Path("/proc/net/unix").read_text().splitlines() if str(path) in line]
    return "00010000" in flags


async def until(ready: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not ready():
            await asyncio.sleep(0.05)
