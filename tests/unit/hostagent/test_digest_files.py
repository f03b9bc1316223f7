"""Digests in files: about one lineage, durable, compared block by block."""

import itertools
import os
import threading
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.hostagent.digest_file import COMPARE_STEP, DigestFile, Kept
from agents.hostagent.digests import DIGEST, NICE, BlockDigests, _yield_to_others, zeros_write
from agents.hostagent.extents import BLOCK, Extent
from agents.hostagent.wire import ZERO_BLOCK, blocks_digest

LINEAGE = uuid.UUID(int=7)
BLOCKS = 40


@pytest.fixture
def digests(tmp_path: Path) -> DigestFile:
    blank = DigestFile(tmp_path / "digests", BLOCKS * BLOCK)
    blank.blank()
    return blank


def changed(path: Path, blocks: set[int], *, count: int = BLOCKS) -> DigestFile:
    """A file whose digests of those blocks are others."""
    path.write_bytes(b"".join(bytes(DIGEST) if n in blocks else ZERO_BLOCK for n in range(count)))
    return DigestFile(path, count * BLOCK)


def test_what_is_put_is_there_for_the_next_who_opens(digests: DigestFile) -> None:
    with digests.open() as opened:
        opened.put(3 * BLOCK, b"a" * DIGEST + b"b" * DIGEST)
        opened.flush()
    content = digests.path.read_bytes()
    assert content[3 * DIGEST : 5 * DIGEST] == b"a" * DIGEST + b"b" * DIGEST
    assert content[: 3 * DIGEST] == ZERO_BLOCK * 3


def test_the_root_changes_with_one_block(digests: DigestFile) -> None:
    before = digests.root
    with digests.open() as opened:
        opened.put(0, b"a" * DIGEST)
    assert digests.root != before


def test_the_root_is_of_the_content_and_not_of_the_file_s_name(tmp_path: Path, digests: DigestFile) -> None:
    other = DigestFile(tmp_path / "other", BLOCKS * BLOCK)
    other.blank()
    assert other.root == digests.root


def test_blanking_forgets_the_lineage_first(digests: DigestFile) -> None:
    digests.keep(Kept(LINEAGE, compared=False))
    digests.blank()
    assert digests.kept is None


@pytest.mark.parametrize("note", [b"", b"x", b"x" * 16, b"x" * 18])
def test_a_note_that_is_no_note_says_nothing(digests: DigestFile, note: bytes) -> None:
    digests.path.with_name("digests.lineage").write_bytes(note)
    assert digests.kept is None


def test_a_note_without_its_digests_says_nothing(digests: DigestFile) -> None:
    digests.keep(Kept(LINEAGE, compared=False))
    digests.path.unlink()
    assert digests.kept is None


def test_digests_cut_short_say_nothing(digests: DigestFile) -> None:
    digests.keep(Kept(LINEAGE, compared=True))
    digests.path.write_bytes(digests.path.read_bytes()[:-1])
    assert digests.kept is None


def test_forgetting_twice_is_forgetting_once(digests: DigestFile) -> None:
    digests.keep(Kept(LINEAGE, compared=True))
    digests.forget()
    digests.forget()
    assert digests.kept is None


@given(st.sets(st.integers(0, BLOCKS - 1)))
def test_differing_extents_are_exactly_the_blocks_that_differ(
    tmp_path_factory: pytest.TempPathFactory, blocks: set[int]
) -> None:
    folder = tmp_path_factory.mktemp("differing")
    mine, theirs = changed(folder / "mine", set()), changed(folder / "theirs", blocks)
    found = mine.differing(theirs.path)
    assert {n for extent in found for n in range(extent.offset // BLOCK, extent.end // BLOCK)} == blocks
    assert all(before.end < after.offset for before, after in itertools.pairwise(found))


def test_differing_blocks_around_the_seam_of_two_steps_are_found(tmp_path: Path) -> None:
    seam = COMPARE_STEP // DIGEST
    mine = changed(tmp_path / "mine", set(), count=seam + 4)
    theirs = changed(tmp_path / "theirs", {seam - 1, seam, seam + 3}, count=seam + 4)
    lengths = [(extent.offset // BLOCK, extent.length // BLOCK) for extent in mine.differing(theirs.path)]
    assert lengths == [(seam - 1, 1), (seam, 1), (seam + 3, 1)]


def test_a_short_last_block_differs_within_the_disk(tmp_path: Path) -> None:
    size = 2 * BLOCK + 512
    mine, theirs = DigestFile(tmp_path / "mine", size), DigestFile(tmp_path / "theirs", size)
    mine.blank()
    theirs.blank()
    with theirs.open() as opened:
        opened.put(2 * BLOCK, blocks_digest(b"x" * 512))
    assert mine.differing(theirs.path) == [Extent(2 * BLOCK, 512)]


def test_block_digests_name_the_blocks_that_differ(tmp_path: Path) -> None:
    mine, theirs = changed(tmp_path / "mine", {1}), changed(tmp_path / "theirs", {1, 5})
    assert BlockDigests(mine.path).differing(BlockDigests(theirs.path)) == [5]
    assert BlockDigests(mine.path).root != BlockDigests(theirs.path).root


def test_digest_files_of_two_sizes_are_not_compared(tmp_path: Path) -> None:
    mine = changed(tmp_path / "mine", set())
    theirs = changed(tmp_path / "theirs", set(), count=BLOCKS + 1)
    with pytest.raises(ValueError, match="zip"):
        BlockDigests(mine.path).differing(BlockDigests(theirs.path))


@pytest.mark.parametrize("size", [BLOCK, BLOCK - 1, 7 * BLOCK + 1])
def test_the_digests_of_a_blank_disk_are_those_of_zeros(tmp_path: Path, size: int) -> None:
    zeros_write(tmp_path / "zeros", size)
    assert (tmp_path / "zeros").read_bytes() == blocks_digest(bytes(size))


def test_who_hashes_for_a_proof_lets_the_others_go_first() -> None:
    found: list[int] = []

    def hashing() -> None:
        _yield_to_others()
        _yield_to_others()
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    before = os.getpriority(os.PRIO_PROCESS, 0)
    thread = threading.Thread(target=hashing)
    thread.start()
    thread.join()
    assert found == [max(before, NICE)]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before
