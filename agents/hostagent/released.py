"""Locks on copies that must never be started: held until their disks are removed."""

import asyncio
import logging
from contextlib import suppress

import msgspec

from agents.hostagent.host import Host
from agents.hostagent.lock import DiskLock, LockLost

EVERY_S = 2.0

log = logging.getLogger(__name__)


class Released:
    """Machines that a migration gave back: their locks go with their disks."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def add(self, machine: str) -> None:
        """The machine is released; a lock that is still held on it goes when its disks do."""
        place = self._host.place(machine)
        if place is not None:
            self._host.place_set(machine, msgspec.structs.replace(place, stage="released"))
        await self._look(machine)

    async def watch(self) -> None:
        """Look, for ever, whether disks are gone."""
        while True:
            for machine, place in self._host.places().items():
                if place.stage == "released":
                    await self._look(machine)
            await asyncio.sleep(EVERY_S)

    async def _look(self, machine: str) -> None:
        try:
            lock = await asyncio.to_thread(DiskLock.find, self._host.control(machine))
        except OSError as error:
            log.warning("the lock keeper of %s does not answer: %s", machine, error)
            return
        if lock is not None:
            if self._host.place(machine) is not None and any(disk.exists() for disk in lock.disks):
                return
            with suppress(LockLost):  # it has ended meanwhile
                await asyncio.to_thread(lock.release)
        self._host.forget(machine)
