"""Processes that outlive who started them: found again by their number, and reaped where they are ours."""

import asyncio
import os
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

POLL_S = 0.02
EXITING = 4
"""PF_EXITING among a process's flags (linux/sched.h)."""


@dataclass(frozen=True, slots=True)
class Found:
    """A process by its number; `mark` is in its command line, so that a reused number is not taken for it."""

    pid: int
    mark: str
    own: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self.own.poll() is None if self.own else process_alive(self.pid, self.mark)

    async def end(self, how: signal.Signals) -> None:
        """Send a signal, and wait for the end."""
        if self.running:
            with suppress(ProcessLookupError):
                os.kill(self.pid, how)
        while self.running:
            await asyncio.sleep(POLL_S)

    @classmethod
    def by_file(cls, path: Path, mark: str) -> "Found | None":
        """The process whose number stands in a file, if it lives."""
        with suppress(FileNotFoundError, ValueError):
            found = cls(int(path.read_text()), mark)
            return found if found.running else None
        return None


def process_alive(pid: int, mark: str) -> bool:
    """Whether it lives and has `mark` in its command line; a zombie, whose locks are gone, does not live.

    On its way out it loses its command line first and its locks later, and its first thread may be a zombie
    while others still have them: until the last has gone, it lives.
    """
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return False
    state, flags, threads = fields[0], int(fields[6]), int(fields[17])  # by proc(5), its third and on
    gone = state in "ZX" and threads <= 1
    exits = not command and flags & EXITING
    return not gone and (mark.encode() in command or bool(exits))
