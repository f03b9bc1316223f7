"""The engine inside a guest's own QEMU: for machines that no storage daemon serves; a source only.

The bitmaps live in the guest's process and end with it, unless QEMU was started with `-no-shutdown`: then a
guest that powers off leaves it stopped, in the status `shutdown`, with its monitor, bitmaps and write lock.
The device is then given an empty node in the disk's place, which is what closing the guest's export is to a
storage daemon: QEMU lets go of the disk's write lock, the keeper takes it, and reading goes on.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from agents.hostagent.bitmaps import PREFIX
from agents.hostagent.engine import (
    Disk,
    EngineGone,
    EngineRefused,
    Exports,
    GuestEngineEnded,
)
from agents.hostagent.engine_blocks import BlockEngine, Nodes
from agents.hostagent.monitor import Monitor
from agents.hostagent.presence import Presence

NAME = "qemu"
EMPTY = f"{PREFIX}empty-"
DELTA = f"{PREFIX}delta-"
ENDED = "shutdown"
"""The status of a QEMU whose guest has powered off, or was reset under `-no-reboot`."""
END_S, END_POLL_S = 5.0, 0.02
NO_LANDING = "a guest's own QEMU takes no landing and no view: a destination needs a storage daemon"


@dataclass(frozen=True, slots=True)
class DiskPath:
    """A disk as the host describes it: its name to vCenter, and the file under it."""

    name: str
    path: Path


class QemuEngine(BlockEngine):
    """Adapter of `Engine` to a running qemu-system (7.2 or later)."""

    name: ClassVar[str] = NAME

    def __init__(self, monitor: Monitor, nbd_socket: Path, disks: Sequence[DiskPath]) -> None:
        super().__init__(monitor, nbd_socket)
        self._paths = {disk.name: disk.path for disk in disks}
        self._ended = False
        self._argv = _arguments(monitor.pid)

    @classmethod
    @asynccontextmanager
    async def connect(
        cls, *, qmp_socket: Path, nbd_socket: Path, disks: Sequence[DiskPath]
    ) -> AsyncIterator[Self]:
        """An engine on a QMP socket of the agent's own. Raises EngineGone when nobody answers there."""
        async with Monitor.connect(qmp_socket) as monitor, cls.over(monitor, nbd_socket, disks) as engine:
            yield engine

    @classmethod
    @asynccontextmanager
    async def over(cls, monitor: Monitor, nbd_socket: Path, disks: Sequence[DiskPath]) -> AsyncIterator[Self]:
        """An engine that follows its guest's state for as long as it is open."""
        engine = cls(monitor, nbd_socket, disks)
        following = asyncio.create_task(engine._follow(), name="guest state")
        try:
            await engine._look()
            yield engine
        except EngineGone as error:
            if isinstance(error, GuestEngineEnded) or not await engine._process_ends():
                raise
            raise GuestEngineEnded(_ended_why(_keeps_shut_down(engine._argv))) from error
        finally:
            following.cancel()
            await asyncio.wait([following])

    async def disks(self) -> tuple[Disk, ...]:
        nodes = await self._monitor.nodes()
        return tuple(
            Disk(name, int(nodes[node]["image"]["virtual-size"]), self._paths[name])
            for name, node in (await self._disk_nodes(nodes)).items()
        )

    def guest(self, process: Presence) -> Presence:
        return _GuestInside(process, self)

    @property
    def ended(self) -> bool:
        """Whether the guest has powered off, and its QEMU stayed."""
        return self._ended

    def survives_power_off(self, *, said: bool) -> bool:
        return _keeps_shut_down(self._argv) if self._argv else said

    async def guest_exports_close(self) -> tuple[str, ...]:
        await self._look()
        if not self._ended:
            raise EngineRefused("the guest runs: its disks cannot be taken from it")
        nodes = await self._disk_nodes(await self._monitor.nodes())
        attached = await self._attached()
        for disk in await self.disks():
            if device := attached.get(nodes[disk.name]):
                await self._empty_put(disk, device)
        left = await self._attached()
        return tuple(name for name, node in nodes.items() if node not in left)

    def landing(self) -> AbstractAsyncContextManager[Exports]:
        raise EngineRefused(NO_LANDING)

    def view(self, scratch: Path) -> AbstractAsyncContextManager[Exports]:
        raise EngineRefused(NO_LANDING)

    async def landing_open(self) -> Exports:
        raise EngineRefused(NO_LANDING)

    async def landing_close(self) -> None:
        return

    async def view_open(self, scratch: Path) -> Exports:
        raise EngineRefused(NO_LANDING)

    async def view_find(self) -> Exports | None:
        return None

    async def view_close(self, scratch: Path) -> None:
        return

    async def release(self) -> None:
        """Take out all of ours. A QEMU that was frozen ends: it stayed for us, and has its disks no more."""
        if any(name.startswith(EMPTY) for name in await self._monitor.nodes()):
            await self._quit()
            return
        await self._leftovers_remove()
        await self._bitmaps_remove(await self._monitor.nodes())
        if not await self._monitor.exports():
            with suppress(EngineRefused):  # it was not serving
                await self._monitor.execute("nbd-server-stop")

    # -- what is inside ---------------------------------------------------------------------------

    async def _disk_nodes(self, nodes: Nodes) -> Mapping[str, str]:
        attached = await self._attached()
        return {name: _node_of(path, nodes, attached) for name, path in sorted(self._paths.items())}

    async def _attached(self) -> dict[str, str]:
        """By node the guest's device that writes to it, as a path in QEMU's object tree."""
        return {
            block["inserted"]["node-name"]: block["qdev"]
            for block in await self._monitor.execute("query-block")
            if block.get("inserted") and block.get("qdev")
        }

    async def _look(self) -> None:
        self._ended = (await self._monitor.execute("query-status"))["status"] == ENDED

    async def _follow(self) -> None:
        """Look again whenever the guest's state has changed, until the connection ends."""
        listener = self._monitor.listen("SHUTDOWN", "STOP", "RESUME", "RESET")
        async for _ in listener:
            try:
                await self._look()
            except EngineGone:
                return  # whoever works with it finds out

    async def _process_ends(self) -> bool:
        """Whether QEMU's process is gone, or is on its way out and soon will be."""
        with suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                while _arguments(self._monitor.pid):
                    await asyncio.sleep(END_POLL_S)
                return True
        return False

    # -- changes ----------------------------------------------------------------------------------

    async def _serve(self) -> None:
        address = {"type": "unix", "data": {"path": str(self._nbd_socket)}}
        try:
            await self._monitor.execute("nbd-server-start", {"addr": address, "max-connections": 0})
        except EngineRefused as error:
            if "already running" not in str(error):
                raise

    async def _empty_put(self, disk: Disk, device: str) -> None:
        empty = f"{EMPTY}{disk.name}"
        if empty not in await self._monitor.nodes():
            await self._monitor.node_add(driver="null-co", name=empty, size=disk.size)
        change = {"path": device, "property": "drive", "value": empty}
        await self._monitor.execute("qom-set", change)

    async def _leftovers_remove(self) -> None:
        exports = await self._monitor.exports()
        await self._monitor.exports_delete([name for name in exports if name.startswith(DELTA)])

    async def _quit(self) -> None:
        with suppress(EngineGone):  # it may hang up before it answers
            await self._monitor.execute("quit")
        if not await self._process_ends():
            raise EngineRefused("the guest's own QEMU was told to quit, and does not")


@dataclass(frozen=True, slots=True)
class _GuestInside:
    """A guest that may have ended though its process lives."""

    process: Presence
    engine: QemuEngine

    def alive(self) -> bool:
        """Whether the guest runs."""
        return not self.engine.ended and self.process.alive()


def _node_of(path: Path, nodes: Mapping[str, Any], attached: Mapping[str, str]) -> str:
    """The node on that file that all of the guest's writes pass, or passed. Raises EngineRefused."""
    on_file = [name for name, node in nodes.items() if node["file"] == str(path)]
    marked = [name for name in on_file if any(_is_ours(bitmap) for bitmap in _bitmaps_of(nodes[name]))]
    used = [name for name in on_file if name in attached]
    if not (found := marked or used):
        raise EngineRefused(f"no device of the guest's QEMU has {path}")
    if found[0].startswith("#"):  # it would go as soon as the device lets go of it, and its bitmap with it
        raise EngineRefused(f"the node of {path} has no name of its own: start QEMU with -blockdev")
    return found[0]


def _bitmaps_of(node: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    return list(node.get("dirty-bitmaps", ()))


def _is_ours(bitmap: Mapping[str, Any]) -> bool:
    return str(bitmap.get("name", "")).startswith(PREFIX)


def _arguments(pid: int) -> list[str]:
    """QEMU's command line; nothing when it has ended, or when another program made its socket."""
    try:
        argv = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []
    return argv if "qemu" in Path(argv[0]).name else []


def _keeps_shut_down(argv: Sequence[str]) -> bool:
    """Whether QEMU, started so, stays when its guest powers off."""
    actions = [argument for option, argument in itertools.pairwise(argv) if option == "-action"]
    return "-no-shutdown" in argv or any("shutdown=pause" in action for action in actions)


def _ended_why(survives: bool) -> str:
    if survives:
        return "the guest's own QEMU was ended, and with it the record of what the guest wrote last"
    return "the guest's own QEMU ended with its guest, for it was started without -no-shutdown"
