"""What each machine of an estate runs, as a file that every host of every site reads.

A machine that moves runs the same at its destination, as a guest's software is on its disks.
"""

from pathlib import Path

import msgspec

from lab.guest import LinuxGuest, NumberedWriter, Workload
from lab.initramfs import boot_image_build


class Runs(msgspec.Struct, frozen=True, kw_only=True):
    """One machine: a numbered writer (`rate` writes per second), or a Linux (`pause` seconds between two)."""

    slots: int
    linux: bool = False
    rate: float = 300.0
    linger: float = 0.0
    pause: float = 0.0


def workloads_write(path: Path, runs: dict[str, Runs]) -> None:
    """Write the file, whole or not at all."""
    new = path.with_suffix(".new")
    new.write_bytes(msgspec.json.encode(runs))
    new.rename(path)


class Workloads(dict[str, Workload]):
    """The file's content, read again for each machine; one that it does not name runs a slow writer."""

    def __init__(self, path: Path, cache: Path) -> None:
        super().__init__()
        self._path = path
        self._cache = cache

    def __missing__(self, name: str) -> Workload:
        said = (
            msgspec.json.decode(self._path.read_bytes(), type=dict[str, Runs]) if self._path.exists() else {}
        )
        runs = said.get(name, Runs(slots=64, rate=20.0))
        if runs.linux:
            return LinuxGuest(runs.slots, boot_image_build(self._cache), runs.pause)
        return NumberedWriter(slots=runs.slots, rate=runs.rate, linger=runs.linger)
