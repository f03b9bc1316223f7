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
from agents.hostagent.engine import Disk, Export, Exports, PlainFile, ResyncNeeded
from agents.hostagent.monitor import Monitor

Nodes = Mapping[str, Any]
"""All block nodes by name, as one look at the engine found them; a cut-over waits for each look."""
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
    async def _disk_nodes(self, nodes: Nodes) -> Mapping[str, str]:
        """By disk name the node that all of the guest's writes pass, where the bitmaps are."""

    @abstractmethod
    async def _leftovers_remove(self) -> None:
        """Take out all exports and nodes of ours."""

    @abstractmethod
    async def _serve(self) -> None:
        """See that exports are served."""

    async def attach(self, *, known: bool) -> None:
        await self._leftovers_remove()
        nodes = await self._monitor.nodes()
        bitmaps = await self._bitmaps(nodes)
        broken = any(bitmap.get("inconsistent") for disk in bitmaps.values() for bitmap in disk.values())
        missing = not all(bitmaps.values())
        if broken or (missing and (known or any(bitmaps.values()))):
            await self._bitmaps_remove(nodes)
            raise ResyncNeeded("the engine lost its dirty bitmap")
        if missing:
            name = bitmap_name(uuid.uuid4(), 0)
            disks = (await self._disk_nodes(nodes)).values()
            await self._monitor.transaction(bitmap_add(node, name) for node in disks)
            return
        *older, newest = sorted(next(iter(bitmaps.values())), key=bitmap_number)
        for closed in older:
            await self._merge(nodes, closed, target=newest)

    async def lineage(self) -> uuid.UUID:
        return bitmap_lineage(await self._recording(await self._monitor.nodes()))

    async def swap(self) -> int:
        nodes = await self._monitor.nodes()
        recording = await self._recording(nodes)
        closed = bitmap_number(recording)
        following = bitmap_name(bitmap_lineage(recording), closed + 1)
        await self._monitor.transaction(
            action
            for node in (await self._disk_nodes(nodes)).values()
            for action in (bitmap_add(node, following), bitmap_action("disable", node, name=recording))
        )
        return closed

    @asynccontextmanager
    async def delta(self, closed: int | None) -> AsyncIterator[Exports]:
        nodes = await self._monitor.nodes()
        bitmap = None if closed is None else await self._closed(nodes, closed)
        disks = await self._disk_nodes(nodes)
        exports = {}
        for name, node in disks.items():
            file = self._plain_file(nodes[node], writable=False)
            exports[name] = Export(self._nbd_socket, f"{PREFIX}delta-{name}", bitmap, file)
        await self._serve()
        try:
            for name, export in exports.items():
                await self._monitor.export_add(node=disks[name], export=export, writable=False)
            yield exports
        finally:
            await self._monitor.exports_delete([export.name for export in exports.values()])

    async def drop(self, closed: int) -> None:
        nodes = await self._monitor.nodes()
        name = await self._closed(nodes, closed)
        disks = (await self._disk_nodes(nodes)).values()
        await self._monitor.transaction(bitmap_action("remove", node, name=name) for node in disks)

    async def merge_back(self, closed: int) -> None:
        nodes = await self._monitor.nodes()
        await self._merge(nodes, await self._closed(nodes, closed), target=await self._recording(nodes))

    async def dirty_bytes(self) -> int:
        nodes = await self._monitor.nodes()
        recording = await self._recording(nodes)
        return sum(int(names[recording]["count"]) for names in (await self._bitmaps(nodes)).values())

    def _plain_file(self, node: Mapping[str, Any], *, writable: bool) -> PlainFile | None:
        """The file that holds a node's bytes one to one, if there is one that the agent may use."""
        if node["drv"] != "raw":
            return None
        size = int(node["image"]["virtual-size"])
        return self._monitor.plain_file(Path(node["file"]), size=size, writable=writable)

    # -- bitmaps ----------------------------------------------------------------------------------

    async def _bitmaps(self, nodes: Nodes) -> Bitmaps:
        return {
            disk: {
                bitmap["name"]: bitmap
                for bitmap in nodes[node].get("dirty-bitmaps", [])
                if bitmap.get("name", "").startswith(PREFIX)
            }
            for disk, node in (await self._disk_nodes(nodes)).items()
        }

    async def _recording(self, nodes: Nodes) -> str:
        """The name of the recording bitmap, the same on all disks. Raises ResyncNeeded when there is none."""
        bitmaps = await self._bitmaps(nodes)
        newest = max(next(iter(bitmaps.values()), {}), key=bitmap_number, default=None)
        if newest is None:
            raise ResyncNeeded("the engine records no writes")
        return newest

    async def _closed(self, nodes: Nodes, number: int) -> str:
        """The name of the lineage's bitmap of that number. Raises ResyncNeeded when none records."""
        return bitmap_name(bitmap_lineage(await self._recording(nodes)), number)

    async def _bitmaps_remove(self, nodes: Nodes) -> None:
        disks = await self._disk_nodes(nodes)
        await self._monitor.transaction(
            bitmap_action("remove", disks[disk], name=name)
            for disk, names in (await self._bitmaps(nodes)).items()
            for name in names
        )

    async def _merge(self, nodes: Nodes, closed: str, *, target: str) -> None:
        await self._monitor.transaction(
            action
            for node in (await self._disk_nodes(nodes)).values()
            for action in (
                bitmap_action("merge", node, target=target, bitmaps=[closed]),
                bitmap_action("remove", node, name=closed),
            )
        )
