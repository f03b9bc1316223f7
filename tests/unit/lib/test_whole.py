"""Numbers as people type them: what is none is the default, and never an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.lib.whole import MOST, whole


@given(st.integers(0, MOST))
def test_what_was_typed_counts(number: int) -> None:
    assert whole(str(number), -1) == number


@given(st.text() | st.none())
def test_whatever_is_typed_it_is_a_number_of_the_range(text: str | None) -> None:
    assert 1 <= whole(text, 5, least=1, most=9) <= 9


@pytest.mark.parametrize("text", [None, "", " ", "-1", "1.5", "²", "٣", "1e3", "0x10", "9" * 5000])
def test_what_is_no_whole_number_is_the_default(text: str | None) -> None:
    assert whole(text, 7) == 7


@pytest.mark.parametrize(("text", "found"), [("1", 1), ("9", 9), ("0", 5), ("10", 5), (" 3 ", 3)])
def test_what_is_out_of_range_is_the_default(text: str, found: int) -> None:
    assert whole(text, 5, least=1, most=9) == found
