"""What both adapters have in common: dirty bitmaps on a disk's node, and rounds read through exports.

Everything that the agent puts in carries PREFIX, so that a restarted agent finds it again.
"""

import uuid
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agents.hostagent.bitmaps import (
    PREFIX,
    bitmap_action,
    bitmap_add,
    bitmap_lineage,
    bitmap_name,
    bitmap_number,
)
from agents.hostagent.engine import Disk, Export, Exports, ResyncNeeded
from agents.hostagent.monitor import Monitor

Bitmaps = Mapping[str, Mapping[str, Any]]
"""Our bitmaps by disk name, then by their own name."""


class BlockEngine(ABC):
    """The part of `Engine` that any QEMU block layer does alike. Subclasses know where its disks are."""

    def __init__(self, monitor: Monitor, nbd_socket: Path) -> None:
        self._monitor = monitor
        self._nbd_socket = nbd_socket

    @abstractmethod
    async def disks(self) -> tuple[Disk, ...]:
        """The machine's disks, ordered by name."""

    @abstractmethod
    async def _disk_nodes(self) -> Mapping[str, str]:
        """By disk name the node that all of the guest's writes pass, where the bitmaps are."""

    @abstractmethod
    async def _leftovers_remove(self) -> None:
        """Take out all exports and nodes of ours."""

    @abstractmethod
    async def _serve(self) -> None:
        """See that exports are served."""

    async def attach(self, *, known: bool) -> None:
        await self._leftovers_remove()
        bitmaps = await self._bitmaps()
        broken = any(bitmap.get("inconsistent") for disk in bitmaps.values() for bitmap in disk.values())
        missing = not all(bitmaps.values())
        if broken or (missing and (known or any(bitmaps.values()))):
            await self._bitmaps_remove(bitmaps)
            raise ResyncNeeded("the engine lost its dirty bitmap")
        if missing:
            lineage = uuid.uuid4()
            nodes = (await self._disk_nodes()).values()
            await self._monitor.transaction(bitmap_add(node, bitmap_name(lineage, 0)) for node in nodes)
            return
        *older, newest = sorted(next(iter(bitmaps.values())), key=bitmap_number)
        for closed in older:
            await self._merge(closed, target=newest)

    async def lineage(self) -> uuid.UUID:
        return bitmap_lineage(await self._recording())

    async def swap(self) -> int:
        recording = await self._recording()
        closed = bitmap_number(recording)
        following = bitmap_name(bitmap_lineage(recording), closed + 1)
        await self._monitor.transaction(
            action
            for node in (await self._disk_nodes()).values()
            for action in (bitmap_add(node, following), bitmap_action("disable", node, name=recording))
        )
        return closed

    @asynccontextmanager
    async def delta(self, closed: int | None) -> AsyncIterator[Exports]:
        bitmap = None if closed is None else bitmap_name(await self.lineage(), closed)
        nodes, listed = await self._disk_nodes(), await self._monitor.nodes()
        exports = {
            name: Export(self._nbd_socket, f"{PREFIX}delta-{name}", bitmap, self._plain_file(listed[node]))
            for name, node in nodes.items()
        }
        await self._serve()
        try:
            for name, export in exports.items():
                await self._monitor.export_add(node=nodes[name], export=export, writable=False)
            yield exports
        finally:
            await self._monitor.exports_delete([export.name for export in exports.values()])

    async def drop(self, closed: int) -> None:
        name = bitmap_name(await self.lineage(), closed)
        nodes = (await self._disk_nodes()).values()
        await self._monitor.transaction(bitmap_action("remove", node, name=name) for node in nodes)

    async def merge_back(self, closed: int) -> None:
        await self._merge(bitmap_name(await self.lineage(), closed), target=await self._recording())

    async def dirty_bytes(self) -> int:
        recording = await self._recording()
        return sum(int(names[recording]["count"]) for names in (await self._bitmaps()).values())

    def _plain_file(self, node: Mapping[str, Any]) -> Path | None:
        """The file that holds a node's bytes one to one, where the engine writes it through the page cache.

        With O_DIRECT the engine goes past that cache, and whoever reads through it fills it for nothing.
        """
        path = Path(node["file"])
        if node["drv"] != "raw" or node["cache"]["direct"] or not self._monitor.has_open(path):
            return None
        return path if path.stat().st_size == node["image"]["virtual-size"] else None

    # -- bitmaps ----------------------------------------------------------------------------------

    async def _bitmaps(self) -> Bitmaps:
        nodes = await self._monitor.nodes()
        return {
            disk: {
                bitmap["name"]: bitmap
                for bitmap in nodes[node].get("dirty-bitmaps", [])
                if bitmap.get("name", "").startswith(PREFIX)
            }
            for disk, node in (await self._disk_nodes()).items()
        }

    async def _recording(self) -> str:
        """The name of the recording bitmap, the same on all disks. Raises ResyncNeeded when there is none."""
        bitmaps = await self._bitmaps()
        newest = max(next(iter(bitmaps.values()), {}), key=bitmap_number, default=None)
        if newest is None:
            raise ResyncNeeded("the engine records no writes")
        return newest

    async def _bitmaps_remove(self, bitmaps: Bitmaps) -> None:
        nodes = await self._disk_nodes()
        await self._monitor.transaction(
            bitmap_action("remove", nodes[disk], name=name)
            for disk, names in bitmaps.items()
            for name in names
        )

    async def _merge(self, closed: str, *, target: str) -> None:
        await self._monitor.transaction(
            action
            for node in (await self._disk_nodes()).values()
            for action in (
                bitmap_action("merge", node, target=target, bitmaps=[closed]),
                bitmap_action("remove", node, name=closed),
            )
        )
