"""A raw disk's own file, read and written past the engine's process.

Each frame saves two copies and two hand-overs that way. What is to be read and who may write stays the
engine's to say: its bitmaps and its landing are asked first.
"""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EDQUOT, EINVAL, ENOSPC, ENOSYS, ENXIO, EOPNOTSUPP
from pathlib import Path

from agents.hostagent.engine import EngineGone, PlainFile, StoreFull

FULL = (ENOSPC, EDQUOT)
NO_HOLES = (EOPNOTSUPP, ENOSYS, EINVAL)
KEEP_SIZE, PUNCH_HOLE = 1, 2
SYNC_FILE_RANGE_WRITE = 2


class DiskFile:
    """An open file, for any number of threads. Raises StoreFull, and EngineGone for whatever else fails."""

    def __init__(self, descriptor: int, path: Path) -> None:
        self._descriptor = descriptor
        self._path = path

    @classmethod
    @contextmanager
    def open(cls, file: PlainFile, *, writable: bool) -> Iterator["DiskFile"]:
        """That very file. Raises EngineGone when it cannot be opened, or another has its name now."""
        try:
            descriptor = os.open(file.path, (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC)
        except OSError as error:
            raise EngineGone(f"{file.path.name}: {error.strerror}") from error
        try:
            status = os.fstat(descriptor)
            if (status.st_dev, status.st_ino) != (file.device, file.inode):
                raise EngineGone(f"{file.path.name} is another file now")
            yield cls(descriptor, file.path)
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
        """Zeros, as a hole where the file system has holes.

        Where there is one already, none is made: that would keep all who write to the file waiting.
        """
        with self._told():
            if self._is_hole(length, offset):
                return
            try:
                _called("fallocate", self._descriptor, PUNCH_HOLE | KEEP_SIZE, offset, length)
            except OSError as error:
                if error.errno not in NO_HOLES:
                    raise
                self.pwrite(bytes(length), offset)

    def _is_hole(self, length: int, offset: int) -> bool:
        try:
            return os.lseek(self._descriptor, offset, os.SEEK_DATA) >= offset + length
        except OSError as error:
            return error.errno == ENXIO  # no data from there to the end

    def flush(self) -> None:
        """Have all that was written durable."""
        with self._told():
            os.fdatasync(self._descriptor)

    def write_back(self) -> None:
        """Have the system begin to bring what was written to the disk: a flush then has little left to do.

        What goes wrong there the flush tells.
        """
        with suppress(OSError):
            _called("sync_file_range", self._descriptor, 0, 0, SYNC_FILE_RANGE_WRITE)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if error.errno in FULL:
                raise StoreFull from error
            raise EngineGone(f"{self._path.name}: {error.strerror}") from error


# What Python itself does not have.
_libc = ctypes.CDLL(None, use_errno=True)
_libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
_libc.sync_file_range.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)


def _called(name: str, *arguments: int) -> None:
    """Raises OSError."""
    if getattr(_libc, name)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
