"""A machine's name must not run in somebody's spreadsheet."""

from decimal import Decimal

import pytest

from billing.domain.export import cell


@pytest.mark.parametrize(
    "name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\uff1d1", "\uff0b1", "\uff20A1"]
)
def test_text_that_a_spreadsheet_would_run_is_quoted(name: str) -> None:
    assert cell(name) == f"'{name}"


@pytest.mark.parametrize("name", ["db01", "web=1", "a-b", "'quoted"])
def test_other_text_stays_as_it_is(name: str) -> None:
    assert cell(name) == name


def test_a_negative_number_keeps_its_sign() -> None:
    assert cell(Decimal("-49.90")) == "-49.90"


def test_nothing_is_an_empty_cell() -> None:
    assert cell(None) == ""
