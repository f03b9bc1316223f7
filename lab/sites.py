"""A site of the simulated estate: one vCenter and its hosts, each a process that may be killed."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.children import Child
from lab.door import Door
from lab.progress import NAME, Progress, progress_read
from lab.simulator import Simulator

ADOPT_S = 30.0
POLL_S = 0.05
FILL_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class PlannedMachine:
    """A machine of the tenant's: disks in bytes, and how much of each is filled, from where on."""

    name: str
    host: str
    sizes: Sequence[int]
    filled: int = 0
    fill_from: int = 0
    compressible: bool = True


@dataclass(frozen=True, slots=True)
class RunningMachine:
    """A machine of a site, and where its host keeps it."""

    moid: str
    name: str
    folder: Path
    disks: tuple[Path, ...]

    def progress(self) -> Progress:
        """What its guest's latest life has written."""
        return progress_read(self.folder / NAME)

    @property
    def console(self) -> str:
        """What its guest has said."""
        return (self.folder / "console").read_text(errors="replace")


@dataclass(slots=True)
class LabSite:
    """One vCenter with its hosts; `hosts` are the processes that stand for them, by name."""

    folder: Path
    simulator: Simulator
    store: Path
    hosts: dict[str, Child]

    @property
    def door(self) -> Door:
        """A way to its vCenter that the product does not have; to be closed."""
        return Door(self.simulator.door)

    def machines_folder(self, host: str) -> Path:
        """What an agent on that host is given as --machines."""
        return self.folder / host

    async def machine_make(self, planned: PlannedMachine) -> RunningMachine:
        """Make a machine, powered off, and install it: fill its disks as planned."""
        async with self.door as door:
            await door.machine_create(planned.name, planned.host, planned.sizes)
        made = await self.machine(planned.name)
        for disk in made.disks:
            await asyncio.to_thread(_fill, disk, planned)
        return made

    async def machine(self, name: str) -> RunningMachine:
        """The machine of that name, once a host has taken it on. Raises TimeoutError."""
        async with asyncio.timeout(ADOPT_S), self.door as door:
            while True:
                for seen in await door.machines():
                    folder = self.machines_folder(seen.host) / seen.moid
                    if seen.name == name and (folder / "machine.json").exists():
                        return RunningMachine(seen.moid, name, folder, tuple(d.path for d in seen.disks))
                await asyncio.sleep(POLL_S)

    async def power_on(self, name: str) -> None:
        """Power a machine on, as its owner does."""
        made = await self.machine(name)
        async with self.door as door:
            await door.power_on(made.moid)

    async def is_on(self, name: str) -> bool:
        """What vCenter says; never evidence."""
        async with self.door as door:
            return any(seen.on for seen in await door.machines() if seen.name == name)


@asynccontextmanager
async def site_up(
    binary: Path, folder: Path, *, hosts: Sequence[str], workloads: Path, store: str = "ds1"
) -> AsyncIterator[LabSite]:
    """A site in `folder` (short: sockets live there), ended with all that it runs.

    `store` names its datastore, a folder there; one that exists already, as a small file system, is taken.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / store).mkdir(exist_ok=True)
    simulator = await Simulator.start(binary, folder, hosts=hosts, store=folder / store)
    site = LabSite(folder, simulator, folder / store, {})
    try:
        for host in hosts:
            site.hosts[host] = _host(site, host, workloads)
            site.hosts[host].start()
        yield site
    finally:
        await asyncio.gather(*[host.stop() for host in site.hosts.values()])
        await simulator.stop()


def _host(site: LabSite, name: str, workloads: Path) -> Child:
    argv = [sys.executable, "-m", "lab.host", "--door", str(site.simulator.door), "--host", name]
    argv += ["--folder", str(site.machines_folder(name)), "--workloads", str(workloads)]
    return Child(argv, site.folder / f"{name}.log")


def _fill(disk: Path, planned: PlannedMachine) -> None:
    """Content as of an installed system: noise, or noise in every other 512 bytes (about 2:1)."""
    with disk.open("r+b") as file:
        file.seek(planned.fill_from)
        for _ in range(0, planned.filled, FILL_PIECE):
            file.write(_piece(compressible=planned.compressible))


def _piece(*, compressible: bool) -> bytes:
    if not compressible:
        return os.urandom(FILL_PIECE)
    noise = os.urandom(FILL_PIECE // 2)
    blank = bytes(512)
    return b"".join(noise[at : at + 512] + blank for at in range(0, len(noise), 512))
