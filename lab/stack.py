"""The portal as its supervisor runs it, and kill -9 for any of its processes."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from lab.children import Child
from lab.faults.cells import Victim

READY_S = 120.0
POLL_S = 0.1

MARKS: Mapping[Victim, tuple[str, ...]] = {
    Victim.WEB: ("granian", "portal.wsgi"),
    Victim.GATEWAY: ("uvicorn", "portal.asgi"),
    Victim.WORKER: ("celery", " worker"),
    Victim.BEAT: ("celery", " beat"),
    Victim.REDIS: ("redis-server",),
    Victim.POSTGRES: ("postgres",),
}
"""Words that all stand in the process's command line."""


OWN_SERVERS = {"DATABASE_URL": "", "REDIS_URL": ""}
"""An estate never touches the servers that its reader's shell names."""


class NobodyThere(Exception):
    """No process of the supervisor's is that victim."""


class PortalDown(Exception):
    """The portal did not come up; the message says what it said last, and names its log."""


class Ready(msgspec.Struct, frozen=True):
    """What the supervisor tells when the portal answers."""

    portal: str
    gateway: str
    email: str
    password: str


@dataclass(frozen=True, slots=True)
class PortalStack:
    """A running portal, and the provider's first person."""

    child: Child
    ready: Ready

    @property
    def pid(self) -> int:
        """The supervisor's number."""
        assert self.child.process is not None  # noqa: S101  started
        return self.child.process.pid


@asynccontextmanager
async def portal_up(folder: Path, *, port: int = 0, gateway_port: int = 0) -> AsyncIterator[PortalStack]:
    """The portal with a database of its own in `folder`, until the end. Raises PortalDown."""
    folder.mkdir(parents=True, exist_ok=True)
    told = folder / "ready.json"
    argv = [sys.executable, "-m", "portal.embedded", "up", "--state", str(folder / "state")]
    argv += ["--port", str(port), "--gateway-port", str(gateway_port), "--ready", str(told)]
    argv += ["--no-connectors"]  # the lab enrols its own, which faults can be put into
    child = Child(argv, folder / "supervisor.log", OWN_SERVERS)
    child.start()
    try:
        yield PortalStack(child, await _ready(child, told))
    finally:
        await child.stop()


async def _ready(child: Child, told: Path) -> Ready:
    for _ in range(int(READY_S / POLL_S)):
        if told.exists():
            return msgspec.json.decode(told.read_bytes(), type=Ready)
        if not child.running:
            break
        await asyncio.sleep(POLL_S)
    said = child.log.read_text(errors="replace").strip().splitlines()
    raise PortalDown(f"{said[-1] if said else 'The portal did not come up.'} (more in {child.log})")


def victims(root: int, victim: Victim) -> list[int]:
    """The processes below `root` that are that victim, the eldest first."""
    marks = MARKS[victim]
    return sorted(pid for pid in descendants(root) if all(mark in _command(pid) for mark in marks))


def kill(root: int, victim: Victim) -> list[int]:
    """kill -9 the victim, with its children; their numbers. Raises NobodyThere."""
    found = victims(root, victim)
    if not found:
        raise NobodyThere(f"{victim} below {root}")
    for pid in found:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return found


def descendants(root: int) -> Iterator[int]:
    """All processes below `root`, whoever they were started by."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError, IndexError):
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(folder.name))
    waiting = [root]
    while waiting:
        for pid in children.get(waiting.pop(), []):
            waiting.append(pid)
            yield pid


def _command(pid: int) -> str:
    try:
        command = (Path("/proc") / str(pid) / "cmdline").read_bytes()
    except OSError:
        return ""
    return command.replace(b"\0", b" ").decode(errors="replace")
