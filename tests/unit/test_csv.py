"""What is written into a file for a spreadsheet."""

import pytest

from tenants.interfaces.files import csv_answer, harmless


@pytest.mark.parametrize("cell", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "=", "-"])
def test_a_formula_is_made_a_text(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "web-01", "49.00", "-49.00", "+5", "a=b", "'quoted", "1e5", "ü=ä"])
def test_what_is_harmless_stays_as_it_is(cell: str) -> None:
    assert harmless(cell) == cell


def test_a_cell_with_a_comma_or_a_line_end_stays_one_cell() -> None:
    assert csv_answer("x.csv", [["a,b", "c\nd"]]).content == b'"a,b","c\nd"\r\n'


def test_a_formula_in_a_row_is_defused_in_the_file() -> None:
    assert csv_answer("x.csv", [["name", "=HYPERLINK(1)"]]).content == b"name,'=HYPERLINK(1)\r\n"


def test_the_file_is_one_to_keep() -> None:
    assert csv_answer("usage.csv", [])["Content-Disposition"] == 'attachment; filename="usage.csv"'
