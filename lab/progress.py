"""What a guest's host knows of its writes: a small file that the guest's process maps and keeps current.

Times are of the machine's monotonic clock, which all processes of the lab share: so the time between the last
acknowledged write at the source and the first at the destination is a plain difference.
"""

import mmap
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

FORMAT = struct.Struct("<QdQddQ")
NAME = "progress"


@dataclass(frozen=True, slots=True)
class Progress:
    """One life of a guest: when it was started, its first and last acknowledged write, its errors."""

    last: int
    last_at: float
    first: int
    first_at: float
    started_at: float
    errors: int

    @property
    def boot_seconds(self) -> float:
        """From the start of its process to its first acknowledged write."""
        return self.first_at - self.started_at


class ProgressFile:
    """The guest's side."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("r+b")
        self._map = mmap.mmap(self._file.fileno(), FORMAT.size)
        self._started_at = progress_read(path).started_at
        self._first, self._first_at, self._errors = 0, 0.0, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._map.close()
        self._file.close()

    def acknowledged(self, number: int, at: float) -> None:
        """Write `number` has been acknowledged at `at`."""
        if not self._first:
            self._first, self._first_at = number, at
        said = (number, at, self._first, self._first_at, self._started_at, self._errors)
        self._map[:] = FORMAT.pack(*said)

    def error(self) -> None:
        """The guest has seen a disk's error."""
        self._errors += 1
        said = FORMAT.unpack(self._map[:])
        self._map[:] = FORMAT.pack(*said[:-1], self._errors)


def progress_begin(folder: Path) -> Path:
    """A fresh file for a guest that starts now; those of its earlier lives here keep a number."""
    path = folder / NAME
    if path.exists():
        lives = len(list(folder.glob(f"{NAME}.*")))
        path.rename(folder / f"{NAME}.{lives}")
    new = folder / "begun"  # whole or not at all, for those who look meanwhile
    new.write_bytes(FORMAT.pack(0, 0.0, 0, 0.0, time.monotonic(), 0))
    return new.rename(path)


def progress_read(path: Path) -> Progress:
    """What the file says now; nothing at all before the guest's first start."""
    if not path.exists():
        return Progress(0, 0.0, 0, 0.0, 0.0, 0)
    return Progress(*FORMAT.unpack(path.read_bytes()))
