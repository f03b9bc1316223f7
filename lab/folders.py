"""Folders in which an estate is built: one at a time, with nothing left of an earlier one."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.children import processes_end

SHORT = 40
"""Folders whose names are longer get a link: a unix socket's path may have 107 bytes, and the simulator makes
a datastore's moid of its folder's name."""
LINK = "landfall-"
ENDING_S = 20.0
"""A portal whose demo was killed ends its processes in order; a database that is cut short is slower."""


class FolderTaken(Exception):
    """Another estate lives in that folder now."""


@contextmanager
def folder_claimed(folder: Path) -> Iterator[None]:
    """Keep a second estate out of `folder`, until the end, however that comes. Raises FolderTaken."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise FolderTaken(f"another one already runs in {folder}: end that one first") from error
        yield


def folder_clean(folder: Path) -> None:
    """Make the folder empty: remove what an earlier run left, and whoever still works there."""
    path = folder.resolve()
    for link in _links(path):
        processes_end(f"{link}/", patience_s=ENDING_S)
        link.unlink(missing_ok=True)
    processes_end(f"{path}/", patience_s=ENDING_S)
    for mounted in _mounted(path):
        subprocess.run(["umount", "-l", mounted], stderr=subprocess.DEVNULL, check=False)
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True, exist_ok=True)


@contextmanager
def short_folder(folder: Path) -> Iterator[Path]:
    """A name for `folder` that is short enough for sockets; at the end no process is left that uses it."""
    path = folder.resolve()
    link = None
    if len(str(path)) > SHORT:
        link = Path(tempfile.gettempdir()) / f"{LINK}{os.getpid()}"
        link.unlink(missing_ok=True)
        link.symlink_to(path)
    try:
        yield link or path
    finally:
        processes_end(f"{link or path}/")
        if link is not None:
            link.unlink()


def _links(folder: Path) -> list[Path]:
    """The short names that killed runs have left for `folder`; their processes know it by those."""
    found = Path(tempfile.gettempdir()).glob(f"{LINK}*")
    return [link for link in found if link.is_symlink() and link.readlink() == folder]


def _mounted(folder: Path) -> list[str]:
    """File systems mounted below `folder`, the innermost first."""
    points = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    return sorted((point for point in points if point.startswith(f"{folder}/")), key=len, reverse=True)
