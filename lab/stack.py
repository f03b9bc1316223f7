"""The portal as its supervisor runs it, and kill -9 for any of its processes."""

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from lab.faults.cells import Victim

MARKS: Mapping[Victim, tuple[str, ...]] = {
    Victim.WEB: ("granian", "portal.wsgi"),
    Victim.GATEWAY: ("uvicorn", "portal.asgi"),
    Victim.WORKER: ("celery", " worker"),
    Victim.BEAT: ("celery", " beat"),
    Victim.REDIS: ("redis-server",),
    Victim.POSTGRES: ("postgres",),
}
"""Words that all stand in the process's command line."""


class NobodyThere(Exception):
    """No process of the supervisor's is that victim."""


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
