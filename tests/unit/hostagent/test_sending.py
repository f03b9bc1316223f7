"""Small frames go in batches: in order, none left out, never more at once than a large one."""

from hypothesis import given
from hypothesis import strategies as st

from agents.hostagent.extents import BLOCK, Extent
from agents.hostagent.sending import batches
from agents.hostagent.wire import FRAME_MAX

lengths = st.lists(st.integers(1, FRAME_MAX // BLOCK).map(lambda blocks: blocks * BLOCK), max_size=60)


@given(lengths, st.integers(1, 16))
def test_batches_are_the_extents_in_order(lengths: list[int], most: int) -> None:
    extents = [Extent(number * FRAME_MAX, length) for number, length in enumerate(lengths)]
    made = list(batches(extents, most))
    assert [extent for batch in made for extent in batch] == extents
    assert all(0 < len(batch) <= most for batch in made)
    assert all(sum(extent.length for extent in batch) <= FRAME_MAX for batch in made)


def test_a_large_frame_goes_alone() -> None:
    extents = [Extent(0, BLOCK), Extent(FRAME_MAX, FRAME_MAX), Extent(3 * FRAME_MAX, BLOCK)]
    assert list(batches(extents, 16)) == [[extent] for extent in extents]


def test_a_short_round_has_more_than_one_batch_under_way() -> None:
    extents = [Extent(number * BLOCK, BLOCK) for number in range(16)]
    assert len(list(batches(extents, 1))) == 16
