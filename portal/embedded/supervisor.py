"""Runs processes, starts again what dies, stops them all in order; leaves none behind, however it ends."""

import ctypes
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

READY_S = 60.0
POLL_S = 0.1
STOP_S = 15.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0
STEADY_S = 30.0
"""A process that lived this long begins with a short pause again."""
LOG_MAX = 32 << 20
_PR_SET_PDEATHSIG = 1

log = logging.getLogger("landfall.supervisor")


class NotReady(Exception):
    """A process did not come up; the message names its log."""


class Stopped(Exception):
    """Somebody asked for the end while things were still starting."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: `ready` says whether it serves, `stop_with` is how it is asked to end."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    stop_with: signal.Signals = signal.SIGTERM


class Supervisor:
    """The processes of one portal; logs go to `folder`, and each has the descriptors `inherited` open."""

    def __init__(
        self, folder: Path, *, root: Path, inherited: tuple[int, ...] = (), ready_s: float = READY_S
    ) -> None:
        self._folder = folder
        self._root = root
        self._inherited = inherited
        self._ready_s = ready_s
        self._running: list[_Running] = []
        self._stopping = threading.Event()

    @property
    def stopping(self) -> bool:
        """Return whether somebody asked for the end."""
        return self._stopping.is_set()

    def start(self, program: Program) -> None:
        """Start a program and return when it is ready. Raises NotReady, Stopped."""
        if self.stopping:
            raise Stopped
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        running = _Running(program, self._folder / f"{program.name}.log", self._root, self._inherited)
        self._running.append(running)
        try:
            running.start()
        except OSError as error:
            raise NotReady(f"{program.name} cannot be run: {error}") from error
        deadline = time.monotonic() + self._ready_s
        while program.ready is not None and not program.ready():
            if time.monotonic() > deadline:
                raise NotReady(f"{program.name} did not come up, see {running.log}")
            self.revive()
            if self.pause():
                raise Stopped

    def run(self) -> None:
        """Watch until told to stop."""
        while not self.pause():
            self.revive()

    def pause(self) -> bool:
        """Rest a moment; return whether somebody has asked for the end."""
        return self._stopping.wait(POLL_S)

    def revive(self) -> None:
        """Start again whatever has died, when its pause is over."""
        for running in self._running:
            running.revive()

    def stop_ask(self, *_: object) -> None:
        """Make `run` return; a signal handler may call it."""
        self._stopping.set()

    def stop(self) -> None:
        """Stop all, last started first."""
        self._stopping.set()
        while self._running:
            self._running.pop().stop()


class _Running:
    """One program's process, over its lives."""

    def __init__(self, program: Program, log_path: Path, root: Path, inherited: tuple[int, ...]) -> None:
        self.log = log_path
        self._program = program
        self._root = root
        self._inherited = inherited
        self._pause = FIRST_PAUSE_S
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._due = 0.0

    def start(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_MAX:
            self.log.replace(self.log.with_suffix(".log.1"))
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._program.argv,
                cwd=self._root,
                env={**os.environ, **self._program.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                pass_fds=self._inherited,
                preexec_fn=_end_with_parent(os.getpid()),
            )
        self._started = time.monotonic()

    def revive(self) -> None:
        """Start it again if it died, after a pause that grows with each death."""
        if self._process is None or self._process.poll() is None:
            return
        now = time.monotonic()
        if not self._due:
            self._group_end(self._process)
            if now - self._started > STEADY_S:
                self._pause = FIRST_PAUSE_S
            self._due = now + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE_S)
            log.warning("%s ended (%s), see %s", self._program.name, self._process.returncode, self.log)
        elif now >= self._due:
            self._due = 0.0
            try:
                self.start()
            except OSError as error:  # an upgrade under way, or no memory: it will pass
                log.warning("%s cannot be run: %s", self._program.name, error)

    def stop(self) -> None:
        process = self._process
        if process is None:
            return
        if process.poll() is None:
            process.send_signal(self._program.stop_with)
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                log.warning("%s did not end when asked", self._program.name)
        self._group_end(process)
        process.wait(STOP_S)

    def _group_end(self, process: subprocess.Popen[bytes]) -> None:
        """End what a process has left behind, which would hold its port or its files."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _end_with_parent(parent: int) -> Callable[[], None]:
    """Have the kernel end a new process with its parent, even when that is killed without a word."""

    def prepare() -> None:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it was killed before we asked
            os._exit(1)

    return prepare
