"""A host's own way to its vCenter, as vpxa is on ESXi: see lab/vcsim/door.go. The product never sees it."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ANSWER_S = 5.0
LINE_LIMIT = 1 << 24


class DoorShut(Exception):
    """The vCenter does not answer its hosts now: it hangs, or it is down."""


@dataclass(frozen=True, slots=True)
class SeenDisk:
    """A machine's disk: its file and its capacity in bytes."""

    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class SeenMachine:
    """A machine as vCenter has it; `plug_pulled` says that it went off without its guest being asked."""

    moid: str
    name: str
    host: str
    on: bool
    plug_pulled: bool
    disks: tuple[SeenDisk, ...]


class Door:
    """Orders to one simulator over its hosts' socket, one at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def machines(self) -> list[SeenMachine]:
        """All machines of this vCenter. Raises DoorShut, as everything here does."""
        said = await self._ask({"op": "list"})
        stores = said.get("datastores") or {}
        return [_machine(one, stores) for one in said.get("machines") or []]

    async def power_on(self, moid: str) -> None:
        """Power a machine on, as its owner would by the vSphere client."""
        await self._ask({"op": "power_on", "moid": moid})

    async def power_off(self, moid: str) -> None:
        """Say that a machine is off."""
        await self._ask({"op": "power_off", "moid": moid})

    async def destroy(self, moid: str) -> None:
        """Power a machine off, and delete it with its disks."""
        await self._ask({"op": "destroy", "moid": moid})

    async def machine_create(self, name: str, host: str, sizes: Sequence[int], *, memory: int = 256) -> str:
        """A machine with blank disks of these sizes in bytes, powered off, on that host; its moid."""
        order = {
            "op": "create",
            "name": name,
            "host": host,
            "memory": memory,
            "cpus": 1,
            "sizes": list(sizes),
        }
        return str((await self._ask(order))["moid"])

    async def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            (_, writer), self._streams = self._streams, None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _ask(self, order: dict[str, Any]) -> dict[str, Any]:
        async with self._turn:
            try:
                async with asyncio.timeout(ANSWER_S):
                    said = await self._exchange(order)
            except (OSError, TimeoutError, EOFError, ValueError) as error:
                await self.close()
                raise DoorShut(f"{self._path}: {error!r}") from error
        if said.get("error"):
            raise DoorShut(str(said["error"]))
        return said

    async def _exchange(self, order: dict[str, Any]) -> dict[str, Any]:
        if self._streams is None:
            self._streams = await asyncio.open_unix_connection(str(self._path), limit=LINE_LIMIT)
        reader, writer = self._streams
        writer.write(json.dumps(order).encode() + b"\n")
        await writer.drain()
        said: dict[str, Any] = json.loads(await reader.readuntil(b"\n"))
        return said


def _machine(said: dict[str, Any], stores: dict[str, str]) -> SeenMachine:
    disks = tuple(SeenDisk(_flat(disk["path"], stores), int(disk["size"])) for disk in said["disks"])
    return SeenMachine(said["moid"], said["name"], said["host"], said["on"], said["plug"], disks)


def _flat(path: str, stores: dict[str, str]) -> Path:
    """The data of `[datastore] folder/name.vmdk`."""
    store, _, file = path.removeprefix("[").partition("] ")
    return Path(stores[store]) / f"{file.removesuffix('.vmdk')}-flat.vmdk"
