"""Runs processes, starts again what dies, stops them all in order; leaves none behind, however it ends."""

import ctypes
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

READY_S = 60.0
POLL_S = 0.1
STOP_S = 15.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0
STEADY_S = 30.0
"""A process that lived this long begins with a short pause again."""
_PR_SET_PDEATHSIG = 1

log = logging.getLogger("landfall.supervisor")


class NotReady(Exception):
    """A process did not come up; the message names its log."""


@dataclass(frozen=True, slots=True)
class Program:
    """What to run: `ready` says whether it serves, `stop_with` is how it is asked to end."""

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] | None = None
    stop_with: signal.Signals = signal.SIGTERM


class Supervisor:
    """The processes of one portal; logs go to `folder`."""

    def __init__(self, folder: Path, *, root: Path) -> None:
        self._folder = folder
        self._root = root
        self._running: list[_Running] = []
        self._stopping = threading.Event()

    def start(self, program: Program) -> None:
        """Start a program and return when it is ready. Raises NotReady."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        running = _Running(program, self._folder / f"{program.name}.log", self._root)
        running.start()
        self._running.append(running)
        deadline = time.monotonic() + READY_S
        while program.ready is not None and not program.ready():
            if time.monotonic() > deadline or self._stopping.is_set():
                raise NotReady(f"{program.name} did not come up, see {running.log}")
            running.revive()
            time.sleep(POLL_S)

    def run(self) -> None:
        """Watch until told to stop."""
        while not self._stopping.wait(POLL_S):
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

    def __init__(self, program: Program, log_path: Path, root: Path) -> None:
        self.log = log_path
        self._program = program
        self._root = root
        self._pause = FIRST_PAUSE_S
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._due = 0.0

    def start(self) -> None:
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._program.argv,
                cwd=self._root,
                env={**os.environ, **self._program.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )
        self._started = time.monotonic()

    def revive(self) -> None:
        """Start it again if it died, after a pause that grows with each death."""
        if self._process is None or self._process.poll() is None:
            return
        now = time.monotonic()
        if not self._due:
            if now - self._started > STEADY_S:
                self._pause = FIRST_PAUSE_S
            self._due = now + self._pause
            self._pause = min(self._pause * 2, LONGEST_PAUSE_S)
            log.warning("%s ended (%s), see %s", self._program.name, self._process.returncode, self.log)
        elif now >= self._due:
            self._due = 0.0
            self.start()

    def stop(self) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            return
        process.send_signal(self._program.stop_with)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            log.warning("%s did not end when asked", self._program.name)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(STOP_S)


def _end_with_parent() -> None:
    """Have the kernel end this process with its parent, even when that is killed without a word."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
