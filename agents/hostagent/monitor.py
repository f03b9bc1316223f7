"""One QMP connection of the agent's own: commands, exports and nodes, with the engine's exceptions.

A second client on one socket hangs, so the agent has a monitor to itself, beside the hypervisor's.
"""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from os.path import samestat
from pathlib import Path
from stat import S_ISREG
from typing import Any, Self

from qemu.qmp import EventListener, ExecInterruptedError, ExecuteError, QMPClient, QMPError

from agents.hostagent.engine import EngineAbsent, EngineGone, EngineRefused, Export

EXPORT_GONE_POLL_S = 0.01
EXPORT_GONE_POLLS = 500
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

    def has_open(self, path: Path) -> bool:
        """Whether the process at the other end has that very file open, by whatever name it knows it."""
        try:
            wanted = path.stat()
            return S_ISREG(wanted.st_mode) and any(
                samestat(wanted, descriptor.stat()) for descriptor in Path(f"/proc/{self.pid}/fd").iterdir()
            )
        except OSError:  # not a file of this host, or another user's process
            return False

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
        for name in names:
            if name in await self.exports():
                await self._export_delete(name)
        for _ in range(EXPORT_GONE_POLLS):
            if not set(names) & set(await self.exports()):
                return
            await asyncio.sleep(EXPORT_GONE_POLL_S)
        raise EngineRefused(f"a client keeps an export open: {', '.join(names)}")

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
