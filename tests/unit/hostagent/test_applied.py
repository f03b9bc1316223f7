"""What a resume stands on: blocks count as applied only for their own round, and only once saved."""

import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.hostagent.applied import AppliedBlocks
from agents.hostagent.engine import RoundKey
from agents.hostagent.extents import BLOCK

KEY = RoundKey(uuid.UUID(int=7), 3)
BLOCKS = 16
SIZE = BLOCKS * BLOCK - 512


def opened(path: Path, key: RoundKey = KEY, size: int = SIZE) -> AppliedBlocks:
    return AppliedBlocks(path, key=key, disk_size=size)


@given(st.lists(st.tuples(st.integers(0, BLOCKS - 1), st.integers(1, BLOCKS))))
def test_what_was_marked_and_saved_is_found_and_nothing_more(
    tmp_path_factory: pytest.TempPathFactory, marks: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.mktemp("applied") / "applied"
    applied = opened(path)
    expected = bytearray(BLOCKS)
    for first, count in marks:
        end = min(first + count, BLOCKS)
        applied.mark(first * BLOCK, min(end * BLOCK, SIZE) - first * BLOCK)
        expected[first:end] = b"\1" * (end - first)
    applied.save(applied.snapshot())
    assert opened(path).snapshot() == bytes(expected)


def test_what_was_marked_and_not_saved_has_to_be_sent_again(tmp_path: Path) -> None:
    applied = opened(tmp_path / "applied")
    applied.mark(0, BLOCK)
    applied.save(applied.snapshot())
    applied.mark(BLOCK, BLOCK)
    assert opened(tmp_path / "applied").snapshot() == b"\1" + bytes(BLOCKS - 1)


def test_a_round_that_has_begun_is_the_newest_and_keeps_what_was_saved_of_it(tmp_path: Path) -> None:
    path = tmp_path / "applied"
    opened(path, RoundKey(KEY.lineage, 2)).begin()
    assert AppliedBlocks.newest(path) == RoundKey(KEY.lineage, 2)
    applied = opened(path)
    applied.mark(0, BLOCK)
    applied.save(applied.snapshot())
    opened(path).begin()
    assert AppliedBlocks.newest(path) == KEY
    assert opened(path).snapshot() == b"\1" + bytes(BLOCKS - 1)


def test_a_snapshot_is_of_its_moment(tmp_path: Path) -> None:
    applied = opened(tmp_path / "applied")
    before = applied.snapshot()
    applied.mark(0, BLOCK)
    assert before == bytes(BLOCKS)


@pytest.mark.parametrize("other", [RoundKey(KEY.lineage, 4), RoundKey(uuid.UUID(int=8), 3)])
def test_another_round_s_blocks_say_nothing(tmp_path: Path, other: RoundKey) -> None:
    applied = opened(tmp_path / "applied")
    applied.mark(0, SIZE)
    applied.save(applied.snapshot())
    assert opened(tmp_path / "applied", other).snapshot() == bytes(BLOCKS)


def test_a_disk_that_has_grown_is_sent_whole(tmp_path: Path) -> None:
    applied = opened(tmp_path / "applied")
    applied.mark(0, SIZE)
    applied.save(applied.snapshot())
    assert opened(tmp_path / "applied", size=SIZE + BLOCK).snapshot() == bytes(BLOCKS + 1)


@pytest.mark.parametrize("content", [b"", b"short", bytes(20)])
def test_a_file_that_was_cut_short_says_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "applied").write_bytes(content)
    assert opened(tmp_path / "applied").snapshot() == bytes(BLOCKS)


def test_the_newest_round_is_read_without_knowing_the_disk(tmp_path: Path) -> None:
    applied = opened(tmp_path / "applied")
    applied.save(applied.snapshot())
    assert AppliedBlocks.newest(tmp_path / "applied") == KEY


@pytest.mark.parametrize("content", [b"", b"too short for a header"[:19]])
def test_no_header_is_no_round(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "applied").write_bytes(content)
    assert AppliedBlocks.newest(tmp_path / "applied") is None


def test_saving_leaves_nothing_beside_it(tmp_path: Path) -> None:
    applied = opened(tmp_path / "applied")
    applied.save(applied.snapshot())
    applied.save(applied.snapshot())
    assert [path.name for path in tmp_path.iterdir()] == ["applied"]
