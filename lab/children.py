"""Processes of the lab that may be killed and started again, and the certainty that none is left."""

import asyncio
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
POLL_S = 0.02
STOP_S = 20.0
PR_SET_PDEATHSIG = 1
OURS = (b"qemu-", b"lab.", b"agents.hostagent", b"vcsim", b"portal.", b"postgres", b"redis-server")
"""What the lab starts: somebody's editor on a file in the same folder is let be."""


@dataclass(slots=True)
class Child:
    """One process with a log of its own; it is told to end when its parent dies, however that happens."""

    argv: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start it, or start it again."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.argv,
                cwd=ROOT,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent,
            )

    async def kill(self) -> None:
        """kill -9."""
        self._signal(signal.SIGKILL)
        await self._gone()

    async def stop(self) -> None:
        """Ask it to end; pull the plug on one that does not."""
        self._signal(signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self._gone()
        await self.kill()

    def _signal(self, how: signal.Signals) -> None:
        if self.process is not None and self.running:
            self.process.send_signal(how)

    async def _gone(self) -> None:
        while self.running:
            await asyncio.sleep(POLL_S)


def processes_naming(word: str) -> Iterator[int]:
    """Processes with `word` in their command line, as daemons, guests and keepers; not who runs this."""
    spared = set(_ancestors())
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) not in spared:
            with suppress(OSError):
                command = (folder / "cmdline").read_bytes()
                if word.encode() in command and any(program in command for program in OURS):
                    yield int(folder.name)


def _ancestors() -> Iterator[int]:
    """This process and those that it stands on."""
    pid = os.getpid()
    while pid > 0:
        yield pid
        try:
            pid = int((Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            return


def processes_end(word: str, *, patience_s: float = 3.0) -> list[int]:
    """End all processes that name `word`, a folder of ours; those that had to be killed."""
    for pid in processes_naming(word):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + patience_s
    while (left := list(processes_naming(word))) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return left


def end_with_parent() -> None:
    """In a new process, before it becomes its program: end when the parent does."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
