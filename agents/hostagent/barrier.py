"""Named points at which a fault test stops the agent, or ends it as a power cut would."""

import os
import signal
import time
from pathlib import Path

DIE_AT = "LANDFALL_DIE_AT"
"""Names of barriers, with commas between them."""
DIE_ONCE = "LANDFALL_DIE_ONCE"
"""A file that the death makes, so that the restarted agent passes."""
HOLD = "LANDFALL_HOLD"
"""A folder: at barrier NAME the agent waits while NAME.hold is there, and says so by NAME.reached."""
HOLD_LIMIT_S = 60.0
POLL_S = 0.01


def barrier(name: str) -> None:
    """Do nothing, unless the environment says that the agent waits or dies at `name`."""
    if folder := os.environ.get(HOLD):
        _hold(Path(folder), name)
    if name in os.environ.get(DIE_AT, "").split(","):
        _die()


def _hold(folder: Path, name: str) -> None:
    hold = folder / f"{name}.hold"
    if not hold.exists():
        return
    (folder / f"{name}.reached").touch()
    deadline = time.monotonic() + HOLD_LIMIT_S
    while hold.exists() and time.monotonic() < deadline:
        time.sleep(POLL_S)  # the whole agent stands still, as one that is about to die does


def _die() -> None:
    """End by SIGKILL, once where a file is to remember it."""
    if marker := os.environ.get(DIE_ONCE):
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return
    os.kill(os.getpid(), signal.SIGKILL)
