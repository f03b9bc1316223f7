"""What goes wrong, done to the real thing: killed daemons, spoiled bytes, full disks, lines that break."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.sites import RunningMachine

MIB = 1 << 20


class NotMeasured(Exception):
    """This machine cannot do that fault; the text says why."""


def daemon_kill(machine: RunningMachine) -> int:
    """kill -9 the machine's storage daemon; its number."""
    pid = int((machine.folder / "daemon.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    return pid


def byte_flip(disk: Path, offset: int) -> None:
    """Change one byte of a disk, as a bad cable would."""
    with disk.open("r+b") as file:
        file.seek(offset)
        was = file.read(1)
        file.seek(offset)
        file.write(bytes([was[0] ^ 0xFF]))


def bit_suppress(disk: Path, offset: int) -> None:
    """Write to a disk past its daemon: a write that no dirty bitmap has seen."""
    byte_flip(disk, offset)


@contextmanager
def disk_filled(store: Path, *, leave: int) -> Iterator[None]:
    """Fill the datastore's file system but for `leave` bytes. Raises NotMeasured where it is not its own."""
    if not store.is_mount():
        raise NotMeasured("the destination's datastore is no file system of its own: mounting one needs root")
    ballast = store / "ballast"
    room = os.statvfs(store).f_bavail * os.statvfs(store).f_frsize
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, room - leave))
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def small_file_system(folder: Path, *, size: int) -> Iterator[bool]:
    """Mount a file system of that size at `folder`; False where that is not allowed."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = _run("mount", "-t", "tmpfs", "-o", f"size={size}", "landfall-lab", str(folder))
    try:
        yield mounted
    finally:
        if mounted:
            _run("umount", "-l", str(folder))


def _run(*argv: str) -> bool:
    return subprocess.run(argv, stderr=subprocess.DEVNULL, check=False).returncode == 0
