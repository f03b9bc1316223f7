"""The landings of a destination host: opened under the lock, and found again after any restart.

A landing lives in the machine's storage daemon and outlives the agent; the daemon may be restarted too, which
takes it out. So each one that should be open is watched, and put in again when the daemon is another one.
"""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

from agents.hostagent.engine import Engine, EngineError, Exports, ResyncNeeded
from agents.hostagent.failures import StepFailed
from agents.hostagent.host import Host, MachineFolder, Place
from agents.hostagent.lock import DiskBusy, DiskLock
from agents.hostagent.receiver import Receiver

WATCH_EVERY_S = 1.0

log = logging.getLogger(__name__)


class Landings:
    """All open landings of this host, and the receiver that writes through them."""

    def __init__(self, *, host: Host, receiver: Receiver, address: str, fingerprint: str) -> None:
        self.address = address
        self.fingerprint = fingerprint
        self._host = host
        self._receiver = receiver
        self._watches: dict[str, asyncio.Task[None]] = {}

    @property
    def is_quiet(self) -> bool:
        """Whether nobody is sending at this moment."""
        return self._receiver.is_quiet

    async def open(self, machine: str, folder: MachineFolder, place: Place) -> None:
        """Lock, attach and open; again, when it was open. Raises DiskBusy, EngineGone and EngineRefused."""
        await self.close(machine)
        async with self._host.engine(folder) as engine:
            disks = await engine.disks()
            paths = [disk.path for disk in disks]
            await asyncio.to_thread(DiskLock.take, paths, control=self._host.control(machine))
            if self._host.place(machine) != place:
                await engine.release()  # what an older migration recorded says nothing of this one
            await attach_anew(engine)
            daemon = _daemon_mark(folder)
            self._admit(machine, place, await engine.landing_open())
        watch = self._watch(machine, folder, place, daemon)
        self._watches[machine] = asyncio.create_task(watch, name=f"landing {machine}")

    async def close(self, machine: str) -> None:
        """Let nobody write to this machine's disks any more; what was received is written by then."""
        if (watch := self._watches.pop(machine, None)) is not None and watch is not asyncio.current_task():
            watch.cancel()
            await asyncio.wait([watch])
        if (place := self._host.place(machine)) is not None:
            await asyncio.to_thread(self._receiver.landing_close, place.unit)

    def restore(self) -> None:
        """Open again, as soon as they can be, the landings that were open when the agent ended."""
        for machine, place in self._host.places().items():
            if place.stage == "landing":
                folder = MachineFolder(self._host.machines / machine)
                watch = self._watch(machine, folder, place, None)
                self._watches[machine] = asyncio.create_task(watch, name=f"landing {machine}")

    async def stop(self) -> None:
        """Stop watching and receiving; the landings themselves stay."""
        for watch in self._watches.values():
            watch.cancel()
        if self._watches:
            await asyncio.wait(self._watches.values())
        self._watches.clear()
        await asyncio.to_thread(self._receiver.close)

    def _admit(self, machine: str, place: Place, exports: Exports) -> None:
        folder = self._host.own_folder(machine)
        for disk in place.disks:
            self._receiver.landing_open(
                unit=place.unit,
                generation=place.generation,
                machine=machine,
                disk=disk.name,
                export=exports[disk.name],
                size=disk.size,
                applied_path=folder / f"applied-{disk.name}",
                digests_path=folder / f"digests-{disk.name}",
            )

    async def _watch(self, machine: str, folder: MachineFolder, place: Place, daemon: object) -> None:
        """Open the landing again whenever the machine's storage daemon is not the one it was opened in."""
        while True:
            if _daemon_mark(folder) != daemon:
                async with self._host.turn(machine):
                    if self._host.place(machine) != place:
                        return
                    with suppress(StepFailed):
                        try:
                            await self.open(machine, folder, place)
                        except (EngineError, DiskBusy, OSError) as error:
                            log.warning("the landing of %s cannot be opened again yet: %s", machine, error)
                        else:
                            log.info("the landing of %s is open again", machine)
                            return  # `open` has begun a watch of its own
            await asyncio.sleep(WATCH_EVERY_S)


async def attach_anew(engine: Engine) -> None:
    """Record writes from now on, whatever was recorded before."""
    try:
        await engine.attach(known=False)
    except ResyncNeeded:  # a part was there; it has been removed
        await engine.attach(known=False)


def _daemon_mark(folder: MachineFolder) -> object:
    """What differs between two daemons of one machine: each makes its NBD socket anew."""
    try:
        status = Path(folder.path / "nbd").stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_ctime_ns
