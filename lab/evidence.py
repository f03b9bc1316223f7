"""What anyone can check: raw images of both sides, their SHA-256, and the records that are in them.

Nothing here asks the product. The frozen source is read from its file, the destination from the frozen view
that its storage daemon exports beside the guest that already runs. A machine with several disks becomes one
image, its disks one after another.
"""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.decode import Decoded, decode

PIECE = 1 << 22
VIEW = "view"


class NoView(Exception):
    """The destination's storage daemon exports no frozen view of that machine."""


@dataclass(frozen=True, slots=True)
class Image:
    """One side of a machine: a file for each disk, and the digest of their bytes in order."""

    path: Path
    disks: tuple[Path, ...]
    digest: str

    def decoded(self, *, slots: int) -> Decoded:
        """The records that its disks hold."""
        return decode(self.disks, slots=slots)


async def source_image(disks: Sequence[Path], into: Path, name: str) -> Image:
    """Copy the frozen disks, sparse, and hash the copies."""
    copies = [into / f"{name}-source-{number}.raw" for number in range(len(disks))]
    for disk, copy in zip(disks, copies, strict=True):
        await _run("cp", "--sparse=always", str(disk), str(copy))
    return await _image(copies, into / f"{name}-source.raw")


async def destination_image(nbd: Path, disks: int, into: Path, name: str) -> Image:
    """Read the view of each disk through its export, and hash what came. Raises NoView."""
    exports = await views(nbd)
    if len(exports) != disks:
        raise NoView(f"{nbd} exports {exports}, and the machine has {disks} disks")
    copies = [into / f"{name}-destination-{number}.raw" for number in range(disks)]
    for export, copy in zip(exports, copies, strict=True):
        await _run("nbdcopy", f"nbd+unix:///{export}?socket={nbd}", str(copy))
    return await _image(copies, into / f"{name}-destination.raw")


async def views(nbd: Path) -> list[str]:
    """The names of the views that a storage daemon exports, in the order of the disks."""
    said = json.loads(await _run("nbdinfo", "--list", "--json", f"nbd+unix:///?socket={nbd}"))
    return sorted(one["export-name"] for one in said["exports"] if VIEW in one["export-name"])


async def _image(disks: Sequence[Path], whole: Path) -> Image:
    """One image of them all: the disk itself where there is only one."""
    if len(disks) == 1:
        disks[0].rename(whole)
        return Image(whole, (whole,), await asyncio.to_thread(_digest, [whole]))
    await asyncio.to_thread(_join, disks, whole)
    return Image(whole, tuple(disks), await asyncio.to_thread(_digest, [whole]))


def _digest(files: Sequence[Path]) -> str:
    hashed = hashlib.sha256()
    for path in files:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                hashed.update(piece)
    return hashed.hexdigest()


def _join(disks: Sequence[Path], whole: Path) -> None:
    """Write the disks one after another, without what is zero."""
    blank = bytes(PIECE)
    with whole.open("wb") as out:
        for disk in disks:
            with disk.open("rb") as file:
                while piece := file.read(PIECE):
                    if piece == blank[: len(piece)]:
                        out.seek(len(piece), 1)
                    else:
                        out.write(piece)
        out.truncate(sum(disk.stat().st_size for disk in disks))


async def _run(*argv: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        *argv, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    said, complained = await process.communicate()
    if process.returncode:
        raise OSError(f"{argv[0]}: {complained.decode(errors='replace')}")
    return said
