"""A machine's disks as they are: their shapes compared, their content hashed."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from agents.domain.protocol import DiskShape, Failed, Failure, Verified
from agents.hostagent.digests import DIGEST, BlockDigests
from agents.hostagent.engine import Disk, Exports
from agents.hostagent.extents import BLOCK
from agents.hostagent.failures import StepFailed


def shapes_check(wanted: Sequence[DiskShape], found: Sequence[Disk]) -> None:
    """Raise StepFailed unless the engine has exactly these disks."""
    expected = {disk.name: disk.size for disk in wanted}
    there = {disk.name: disk.size for disk in found}
    if expected != there:
        raise StepFailed(
            Failed(
                code=Failure.DISKS_DIFFER,
                what="The vCenter and the storage daemon disagree about this machine's disks.",
                why=f"The vCenter says {_told(expected)}; the storage daemon has {_told(there)}.",
                remedy="Was a disk added, removed or grown? Start again once both say the same.",
            )
        )


async def roots_of(exports: Exports, folder: Path) -> Verified:
    """Read all exports and hash them; nothing of the transfer's own digests is used. Raises EngineGone."""
    started = time.monotonic()
    roots: dict[str, str] = {}
    hashed = 0
    for name, export in sorted(exports.items()):
        digests = await asyncio.to_thread(BlockDigests.of, export, folder / f"verify-{name}")
        roots[name] = await asyncio.to_thread(getattr, digests, "root")
        hashed += await asyncio.to_thread(_hashed_bytes, digests.path)
        digests.path.unlink(missing_ok=True)
    return Verified(roots=roots, hashed_bytes=hashed, seconds=time.monotonic() - started)


def allocated_bytes(disks: Sequence[Disk]) -> int:
    """What the disks take on the host."""
    return sum(disk.path.stat().st_blocks * 512 for disk in disks)


def _hashed_bytes(path: Path) -> int:
    return path.stat().st_size // DIGEST * BLOCK


def _told(sizes: dict[str, int]) -> str:
    return ", ".join(f"disk {name} of {size} bytes" for name, size in sorted(sizes.items())) or "none"
