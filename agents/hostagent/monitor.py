"""One QMP connection of the agent's own: commands, exports and nodes, with the engine's exceptions.

A second client on one socket hangs, so the agent has a monitor to itself, beside the hypervisor's.
"""

import asyncio
import os
import socket
import struct
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from os.path import samestat
from pathlib import Path
from stat import S_ISREG
from typing import Any, Self

from qemu.qmp import EventListener, ExecInterruptedError, ExecuteError, QMPClient, QMPError

from agents.hostagent.engine import EngineAbsent, EngineGone, EngineRefused, Export, PlainFile

EXPORT_GONE_POLL_S, EXPORT_GONE_POLL_MAX_S = 0.001, 0.02
EXPORT_GONE_S = 5.0
_UCRED = struct.Struct("3i")


class Monitor:
    """Raises EngineRefused for what is answered by an error, and EngineGone when nobody answers any more."""

    def __init__(self, qmp: QMPClient, pid: int) -> None:
        self._qmp = qmp
        self.pid = pid
        """The process that listens at the other end, as the kernel knows it."""

    @classmethod
    @asynccontextmanager
    async def connect(cls, path: Path) -> AsyncIterator[Self]:
        """A connection to that socket. Raises EngineAbsent when nobody listens, EngineGone when it fails."""
        qmp = QMPClient("landfall")
        sock = _connected(path)
        pid, _, _ = _UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
        try:
            await qmp.connect(sock)
        except (QMPError, OSError) as error:
            sock.close()
            raise EngineGone(f"no engine answers at {path}") from error
        except BaseException:
            sock.close()
            raise
        try:
            yield cls(qmp, pid)
        finally:
            await _disconnect(qmp)

    async def execute(self, command: str, arguments: Mapping[str, Any] | None = None) -> Any:
        """A command's answer."""
        try:
            return await self._qmp.execute(command, None if arguments is None else dict(arguments))
        except ExecuteError as error:
            raise EngineRefused(f"{command}: {error}") from error
        except (QMPError, ExecInterruptedError, OSError) as error:
            raise EngineGone(f"{command}: the engine's process is gone") from error

    async def transaction(self, actions: Iterable[Mapping[str, Any]]) -> None:
        """All of the actions, or none."""
        if listed := list(actions):
            await self.execute("transaction", {"actions": listed})

    def plain_file(self, path: Path, *, size: int, writable: bool) -> PlainFile | None:
        """The regular file of that size at `path`, if the process at the other end has that very file open.

        And goes through the page cache: with O_DIRECT, whoever reads through it fills it for nothing, and
        stands in its way. None too where this cannot be seen: another user's process, or another host's.
        """
        with suppress(OSError):
            wanted = path.stat()
            flags = self._flags(wanted)
            through_cache = flags and not any(each & os.O_DIRECT for each in flags)
            allowed = not writable or any(each & os.O_ACCMODE == os.O_RDWR for each in flags)
            if S_ISREG(wanted.st_mode) and wanted.st_size == size and through_cache and allowed:
                return PlainFile(path, wanted.st_dev, wanted.st_ino)
        return None

    def _flags(self, wanted: os.stat_result) -> list[int]:
        """How the process has opened that file, each time. Raises OSError where one may not look."""
        found = []
        for descriptor in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile: clients come and go
                if samestat(wanted, descriptor.stat()):
                    told = Path(f"/proc/{self.pid}/fdinfo/{descriptor.name}").read_text()
                    found.append(int(told.partition("flags:")[2].split()[0], 8))
        return found

    def listen(self, *events: str) -> EventListener:
        """Hear these events from now on, until the connection ends."""
        listener = EventListener(events)
        self._qmp.register_listener(listener)
        return listener

    # -- nodes and exports ------------------------------------------------------------------------

    async def nodes(self) -> dict[str, Any]:
        """All block nodes, by name."""
        listed = await self.execute("query-named-block-nodes", {"flat": True})
        return {node["node-name"]: node for node in listed}

    async def node_add(self, *, driver: str, name: str, **options: Any) -> None:
        """Put a node in."""
        await self.execute("blockdev-add", {"driver": driver, "node-name": name, **options})

    async def nodes_delete(self, names: Iterable[str]) -> None:
        """Take nodes out, in this order."""
        for name in names:
            await self.execute("blockdev-del", {"node-name": name})

    async def exports(self) -> dict[str, str]:
        """Node name by export id."""
        return {item["id"]: item["node-name"] for item in await self.execute("query-block-exports")}

    async def export_add(self, *, node: str, export: Export, writable: bool) -> None:
        """Serve a node over NBD."""
        arguments: dict[str, Any] = {"type": "nbd", "id": export.name, "name": export.name}
        arguments |= {"node-name": node, "writable": writable}
        if export.bitmap is not None:
            arguments["bitmaps"] = [{"node": node, "name": export.bitmap}]
        await self.execute("block-export-add", arguments)

    async def exports_delete(self, names: Sequence[str]) -> None:
        """Delete exports that may be gone already; return when they are no longer listed."""
        there = set(names) & set(await self.exports())
        for name in sorted(there):
            await self._export_delete(name)
        pause, until = EXPORT_GONE_POLL_S, time.monotonic() + EXPORT_GONE_S
        while there and there & set(await self.exports()):
            if time.monotonic() > until:
                raise EngineRefused(f"a client keeps an export open: {', '.join(names)}")
            await asyncio.sleep(pause)
            pause = min(pause * 2, EXPORT_GONE_POLL_MAX_S)

    async def _export_delete(self, name: str) -> None:
        try:
            await self.execute("block-export-del", {"id": name, "mode": "hard"})
        except EngineRefused:  # the hypervisor, on its own socket, may have been faster with its guest's
            if name in await self.exports():
                raise


def _connected(path: Path) -> socket.socket:
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.connect(str(path))
    except BlockingIOError as error:
        sock.close()
        raise EngineGone(f"the engine at {path} takes no further client") from error
    except OSError as error:
        sock.close()
        raise EngineAbsent(f"no engine listens at {path}") from error
    return sock


async def _disconnect(qmp: QMPClient) -> None:
    try:
        await qmp.disconnect()
    except (QMPError, OSError, EOFError):
        return  # the process was gone already, which the caller has been told by its own command
