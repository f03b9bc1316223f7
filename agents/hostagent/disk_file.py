"""A raw disk's own file, read and written past the engine's process.

Each frame saves two copies and two hand-overs that way. What is to be read and who may write stays the
engine's to say: its bitmaps and its landing are asked first.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC, EOPNOTSUPP
from pathlib import Path
from typing import Any

from agents.hostagent.engine import EngineGone, StoreFull

FULL = (ENOSPC, EDQUOT)
KEEP_SIZE, PUNCH_HOLE = 1, 2
SYNC_FILE_RANGE_WRITE = 2


class DiskFile:
    """An open file, for any number of threads. Raises StoreFull, and EngineGone for whatever else fails."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path

    @classmethod
    @contextmanager
    def open(cls, path: Path, *, writable: bool) -> Iterator["DiskFile"]:
        """The file at `path`. Raises EngineGone when it cannot be opened."""
        try:
            descriptor = os.open(path, (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC)
        except OSError as error:
            raise EngineGone(f"{path.name}: {error.strerror}") from error
        try:
            yield cls(descriptor, path)
        finally:
            os.close(descriptor)

    def pread(self, length: int, offset: int) -> bytes:
        """Exactly `length` bytes."""
        with self._told():
            content = os.pread(self._descriptor, length, offset)
            while len(content) < length:
                more = os.pread(self._descriptor, length - len(content), offset + len(content))
                if not more:
                    raise EngineGone(f"{self._path.name} ends at {offset + len(content)}")
                content += more
        return content

    def pwrite(self, content: bytes | bytearray | memoryview, offset: int) -> None:
        """All of `content`."""
        rest = memoryview(content)
        with self._told():
            while rest:
                written = os.pwrite(self._descriptor, rest, offset)
                rest, offset = rest[written:], offset + written

    def zero(self, length: int, offset: int) -> None:
        """Zeros, as a hole where the file system has holes."""
        with self._told():
            try:
                _called("fallocate", self._descriptor, PUNCH_HOLE | KEEP_SIZE, offset, length)
            except OSError as error:
                if error.errno != EOPNOTSUPP:
                    raise
                self.pwrite(bytes(length), offset)

    def flush(self) -> None:
        """Have all that was written durable."""
        with self._told():
            os.fdatasync(self._descriptor)

    def write_back(self) -> None:
        """Have the system begin to bring what was written to the disk: a flush then has little left to do.

        What goes wrong there the flush tells.
        """
        with self._told():
            _called("sync_file_range", self._descriptor, 0, 0, SYNC_FILE_RANGE_WRITE)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in FULL:
                raise StoreFull("the destination's datastore has no room left") from error
            raise EngineGone(f"{self._path.name}: {error.strerror}") from error


_libc = ctypes.CDLL(None, use_errno=True)
_INTEGERS: dict[str, tuple[Any, ...]] = {
    "fallocate": (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64),
    "sync_file_range": (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint),
}
"""What the C library takes; Python itself has neither."""


def _called(name: str, *arguments: int) -> None:
    """Raises OSError."""
    kinds = _INTEGERS[name]
    if _libc[name](*(kind(argument) for kind, argument in zip(kinds, arguments, strict=True))) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
