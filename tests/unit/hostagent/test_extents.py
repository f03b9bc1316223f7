"""Extents: what of a disk has to be read, cut into frames and joined to blocks."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from agents.hostagent.extents import BLOCK, Extent, _joined, frames

LIMIT = 16 * BLOCK
SIZE = 200 * BLOCK + 512
gaps = st.tuples(st.integers(0, 5 * BLOCK), st.integers(1, 20 * BLOCK))


def _laid(gaps: list[tuple[int, int]]) -> list[Extent]:
    """Extents in order, each so far behind the one before, within the disk."""
    laid, at = [], 0
    for gap, length in gaps:
        at += gap
        laid.append(Extent(at, max(0, min(length, SIZE - at))))
        at += length
    return [extent for extent in laid if extent.length]


runs = st.lists(gaps, max_size=20).map(_laid)


def covered(extents: list[Extent]) -> set[int]:
    """The blocks that they touch."""
    return {block for extent in extents for block in range(extent.offset // BLOCK, -(-extent.end // BLOCK))}


@given(runs)
def test_frames_are_the_extents_and_nothing_else(extents: list[Extent]) -> None:
    cut = list(frames(extents, LIMIT))
    assert sum(frame.length for frame in cut) == sum(extent.length for extent in extents)
    assert covered(cut) == covered(extents)


@given(runs)
def test_no_frame_crosses_a_multiple_of_the_limit(extents: list[Extent]) -> None:
    assert all(
        frame.offset // LIMIT == (frame.end - 1) // LIMIT and frame.length > 0
        for frame in frames(extents, LIMIT)
    )


@given(runs)
def test_joined_extents_are_whole_blocks_in_order_and_do_not_touch(extents: list[Extent]) -> None:
    joined = list(_joined(extents, SIZE))
    assert all(extent.offset % BLOCK == 0 for extent in joined)
    assert all(extent.end % BLOCK == 0 or extent.end == SIZE for extent in joined)
    assert all(before.end < after.offset for before, after in itertools.pairwise(joined))


@given(runs)
def test_joining_loses_no_block_and_adds_none(extents: list[Extent]) -> None:
    assert covered(list(_joined(extents, SIZE))) == covered(extents)


@given(runs)
def test_equal_plans_make_equal_frames(extents: list[Extent]) -> None:
    joined = list(_joined(extents, SIZE))
    assert list(frames(joined, LIMIT)) == list(frames(list(_joined(joined, SIZE)), LIMIT))


def test_nothing_makes_nothing() -> None:
    assert list(frames([], LIMIT)) == []
    assert list(_joined([], SIZE)) == []


def test_a_short_end_of_a_disk_is_kept_short() -> None:
    assert list(_joined([Extent(SIZE - 100, 100)], SIZE)) == [Extent(200 * BLOCK, 512)]


def test_parts_of_one_block_are_that_block_once() -> None:
    assert list(_joined([Extent(10, 20), Extent(4096, 512)], SIZE)) == [Extent(0, BLOCK)]
