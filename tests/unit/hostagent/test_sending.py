"""Small frames go in batches: in order, none left out, never more at once than a large one."""

from hypothesis import given
from hypothesis import strategies as st

from agents.hostagent.extents import BLOCK, Extent
from agents.hostagent.sending import WINDOW_BATCHES, WINDOW_MAX, WINDOW_MIN, batches
from agents.hostagent.wire import FRAME_MAX

lengths = st.lists(st.integers(1, FRAME_MAX // BLOCK).map(lambda blocks: blocks * BLOCK), max_size=60)


@given(lengths, st.integers(WINDOW_MIN, WINDOW_MAX))
def test_batches_are_the_extents_in_order(lengths: list[int], window: int) -> None:
    extents = [Extent(number * FRAME_MAX, length) for number, length in enumerate(lengths)]
    made = list(batches(extents, window))
    assert [extent for batch in made for extent in batch] == extents
    assert all(batch and len(batch) * WINDOW_BATCHES <= window for batch in made)
    assert all(sum(extent.length for extent in batch) <= FRAME_MAX for batch in made)


def test_a_large_frame_goes_alone() -> None:
    extents = [Extent(0, BLOCK), Extent(FRAME_MAX, FRAME_MAX), Extent(3 * FRAME_MAX, BLOCK)]
    assert list(batches(extents, WINDOW_MAX)) == [[extent] for extent in extents]


def test_small_frames_go_together_where_the_window_is_wide() -> None:
    extents = [Extent(number * BLOCK, BLOCK) for number in range(64)]
    assert len(list(batches(extents, WINDOW_MAX))) == 4
    assert len(list(batches(extents, WINDOW_MIN))) == 64
