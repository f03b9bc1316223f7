"""Small real programs to supervise, and patience with them."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from portal.embedded.supervisor import Program

PATIENCE_S = 20.0


def shell(name: str, script: str, **more: object) -> Program:
    """A program that is a line of sh."""
    return Program(name, ["/bin/sh", "-c", script], **more)  # type: ignore[arg-type]


def until(condition: Callable[[], object], *, doing: Callable[[], None] = lambda: None) -> bool:
    """Whether it comes true while anybody would wait for it; what is to be done meanwhile."""
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        doing()
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def told(path: Path) -> list[str]:
    """The lines that programs have written so far."""
    return path.read_text().split() if path.exists() else []


def alive(pid: str | int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def kill(pid: str, number: int) -> None:
    """Send a signal to a process."""
    os.kill(int(pid), number)
