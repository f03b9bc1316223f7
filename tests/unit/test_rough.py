"""The rough estimate."""

from datetime import timedelta

import pytest

from migrations_app.domain.rough import rough_estimate

TIB = 2**40


def test_more_bytes_take_longer_and_a_wider_line_less() -> None:
    narrow = rough_estimate(used_bytes=TIB, line_mbit=1000)
    assert narrow.low
    assert narrow.likely
    assert narrow.high
    assert narrow.low < narrow.likely < narrow.high
    wide = rough_estimate(used_bytes=TIB, line_mbit=10_000)
    assert wide.likely
    assert wide.likely < narrow.likely / 9


def test_a_tebibyte_over_a_gigabit_takes_some_hours() -> None:
    likely = rough_estimate(used_bytes=TIB, line_mbit=1000).likely

    assert likely
    assert timedelta(hours=1) < likely < timedelta(hours=3)


@pytest.mark.parametrize("line", [1, 2])
def test_a_line_that_changes_fill_never_catches_up(line: int) -> None:
    assert rough_estimate(used_bytes=100 * TIB, line_mbit=line).likely is None


def test_nothing_takes_no_time() -> None:
    assert rough_estimate(used_bytes=0, line_mbit=1).high == timedelta(0)
