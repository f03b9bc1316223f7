"""Named points at which a fault test ends the agent, as a power cut would."""

import os
import signal

DIE_AT = "LANDFALL_DIE_AT"
"""Names of barriers, with commas between them."""
DIE_ONCE = "LANDFALL_DIE_ONCE"
"""A file that the death makes, so that the restarted agent passes."""


def barrier(name: str) -> None:
    """Do nothing, unless the environment says that the agent dies at `name`; then end by SIGKILL."""
    if name not in os.environ.get(DIE_AT, "").split(","):
        return
    if marker := os.environ.get(DIE_ONCE):
        try:
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return
    os.kill(os.getpid(), signal.SIGKILL)
