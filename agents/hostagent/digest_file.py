"""The digests that a transfer keeps at each end: what was sent, and what has been written."""

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from agents.hostagent.digests import DIGEST, BlockDigests, zeros_write
from agents.hostagent.extents import BLOCK, Extent

COMPARE_STEP = 1 << 20


@dataclass(frozen=True, slots=True)
class Kept:
    """Which lineage a digest file is about, and whether that one began by comparing."""

    lineage: UUID
    compared: bool


@dataclass(frozen=True, slots=True)
class DigestFile:
    """One digest for each block of a disk. A note beside it says of which lineage it tells.

    Without the note the digests say nothing: it is taken away before they are made anew, and put back last.
    """

    path: Path
    size: int

    @property
    def kept(self) -> Kept | None:
        """The lineage that the digests are about; None when they say nothing."""
        try:
            note = self._note.read_bytes()
        except FileNotFoundError:
            return None
        if len(note) != 17 or not self.path.exists() or self.path.stat().st_size != self.length:
            return None
        return Kept(UUID(bytes=note[:16]), compared=bool(note[16]))

    @property
    def root(self) -> bytes:
        """The digest of all digests."""
        return bytes.fromhex(BlockDigests(self.path).root)

    def keep(self, kept: Kept) -> None:
        """Say of which lineage the digests tell from now on."""
        fresh = self._note.with_suffix(".new")
        fresh.write_bytes(kept.lineage.bytes + bytes([kept.compared]))
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        fresh.replace(self._note)

    def forget(self) -> None:
        """Let the digests say nothing."""
        self._note.unlink(missing_ok=True)

    def blank(self) -> None:
        """Make them the digests of a disk of zeros."""
        self.forget()
        zeros_write(self.path, self.size)

    @contextmanager
    def open(self) -> Iterator["OpenDigests"]:
        """The digests, to be changed."""
        with self.path.open("r+b") as file, mmap.mmap(file.fileno(), 0) as content:
            yield OpenDigests(content)

    def differing(self, theirs: Path) -> list[Extent]:
        """The extents whose digests are others in the file `theirs`."""
        found: list[Extent] = []
        with self.path.open("rb") as mine, theirs.open("rb") as other:
            first = 0
            while ours := mine.read(COMPARE_STEP):
                if ours != (yours := other.read(COMPARE_STEP)):
                    found += self._differing_blocks(first, ours, yours)
                first += len(ours) // DIGEST
        return found

    def _differing_blocks(self, first: int, ours: bytes, yours: bytes) -> Iterator[Extent]:
        start = None
        for number in range(len(ours) // DIGEST + 1):
            place = slice(number * DIGEST, (number + 1) * DIGEST)
            if number * DIGEST < len(ours) and ours[place] != yours[place]:
                start = number if start is None else start
            elif start is not None:
                offset = (first + start) * BLOCK
                yield Extent(offset, min((first + number) * BLOCK, self.size) - offset)
                start = None

    @property
    def length(self) -> int:
        """Of the file, in bytes."""
        return -(-self.size // BLOCK) * DIGEST

    @property
    def _note(self) -> Path:
        return self.path.with_name(self.path.name + ".lineage")


@dataclass(frozen=True, slots=True)
class OpenDigests:
    """A digest file's content in memory; it survives the agent's death, and a power cut after `flush`.

    A source does not flush: a power cut takes its engine's bitmaps too, and then both ends compare.
    """

    content: mmap.mmap

    def put(self, offset: int, blocks: bytes) -> None:
        """Note the digests of the blocks from `offset` on."""
        start = offset // BLOCK * DIGEST
        self.content[start : start + len(blocks)] = blocks

    def flush(self) -> None:
        """Make them durable."""
        self.content.flush()
