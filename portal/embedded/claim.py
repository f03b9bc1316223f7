"""One supervisor per state folder; and none before the processes of one that was killed are gone."""

import fcntl
import os
import time
from pathlib import Path

PATIENCE_S = 75.0
"""A worker that is asked to end finishes its task first, which takes 60 s at most."""
POLL_S = 0.2


class FolderBusy(Exception):
    """Somebody else works in this state folder; the message says who."""


class Claim:
    """The hold on a state folder, as two locks: the supervisor's own, and one that its children inherit.

    The kernel lets go of a lock with the last process that has it open, however that ends. So the second
    one is held as long as any child of any supervisor lives, and two Redis never meet on one socket.
    """

    def __init__(self, folder: Path, *, patience_s: float = PATIENCE_S) -> None:
        self._own = _locked(folder / "supervisor.lock")
        if self._own is None:
            raise FolderBusy(f"another portal runs from {folder}")
        children = _waited(folder / "children.lock", patience_s)
        if children is None:
            os.close(self._own)
            raise FolderBusy(f"processes of an earlier portal still run from {folder}")
        self.inherited = children

    def release(self) -> None:
        """Let go."""
        for descriptor in (self.inherited, self._own):
            if descriptor is not None:
                os.close(descriptor)


def _waited(path: Path, patience_s: float) -> int | None:
    deadline = time.monotonic() + patience_s
    while (descriptor := _locked(path)) is None and time.monotonic() < deadline:
        time.sleep(POLL_S)
    return descriptor


def _locked(path: Path) -> int | None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
