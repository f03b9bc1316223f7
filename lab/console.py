"""The host's side of a Linux guest: `python -m lab.console FOLDER COMMAND…` and listens.

The console goes to `console` in FOLDER, and each acknowledged write that the guest tells of to its progress
file with the time at which it was heard. On SIGTERM the guest is asked to shut down by a line on its console.
"""

import ctypes
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from lab.progress import NAME, ProgressFile

WROTE = re.compile(rb"^WROTE (\d+)")
WRITE_ERROR = re.compile(rb"^WRITE-ERROR")
PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    """Run until the guest ends; its exit status."""
    folder, argv = Path(arguments[0]), arguments[1:]
    # The guest inherits the presence lock (not close-on-exec) and ends with this process, however that ends.
    guest = subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False, preexec_fn=_die_with_parent
    )
    assert guest.stdin is not None and guest.stdout is not None  # noqa: S101, PT018  PIPE above
    console = guest.stdin
    signal.signal(signal.SIGTERM, lambda *_: _ask(console))
    with ProgressFile(folder / NAME) as progress, (folder / "console").open("ab", buffering=0) as log:
        for line in guest.stdout:
            log.write(line)
            _heed(line, progress)
    return guest.wait()


def _heed(line: bytes, progress: ProgressFile) -> None:
    if wrote := WROTE.match(line):
        progress.acknowledged(int(wrote[1]), time.monotonic())
    elif WRITE_ERROR.match(line):
        progress.error()


def _ask(console: IO[bytes]) -> None:
    with suppress(OSError):  # it has ended meanwhile
        console.write(b"shutdown\n")
        console.flush()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
