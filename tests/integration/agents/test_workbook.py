"""Workbooks of strangers, read by the real reader in its own process."""

from pathlib import Path

import pytest

from agents.clients.workbook import workbook_told
from agents.domain.rvtools import FILE_MAX, Told, WorkbookWrong
from tests.workbooks import INFO, kept, machine, with_part, workbook

SHEET = "xl/worksheets/sheet1.xml"
GOOD = workbook([machine("db1", "vm-1")], [("db1", "Hard disk 1", 10, "vm-1")])
_NAMESPACE = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def told(folder: Path, content: bytes) -> Told:
    """Return what the file says."""
    with kept(folder, content).open("rb") as file:
        return workbook_told(file)


def sheet(rows: bytes) -> bytes:
    """A sheet of these rows, as XML."""
    return b"<worksheet %b><sheetData>%b</sheetData></worksheet>" % (_NAMESPACE, rows)


def cells(number: int, texts: tuple[str, ...]) -> bytes:
    """A row of texts."""
    inside = "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts)
    return f'<row r="{number}">{inside}</row>'.encode()


def test_a_workbook_is_read(tmp_path: Path) -> None:
    [db1] = told(tmp_path, GOOD).machines

    assert (db1.name, db1.moid, db1.disks) == ("db1", "vm-1", (10 * 2**20,))


def test_a_formula_is_not_run_and_its_row_is_told(tmp_path: Path) -> None:
    book = workbook([machine("db1", "vm-1"), machine('=HYPERLINK("http://x.test","db2")', "vm-2")])

    read = told(tmp_path, book)

    assert [one.name for one in read.machines] == ["db1"]
    assert read.faults == ("vInfo, row 3: it has no name",)


_ENTITIES = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">%b]>' + sheet(
    b"<row><c><v>&j;</v></c></row>"
)
_BILLION = _ENTITIES % b"".join(
    b'<!ENTITY %c "%b">' % (after, b"&%c;" % before * 10)
    for before, after in zip(b"abcdefghi", b"bcdefghij", strict=True)
)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "It is no Excel workbook"),
        (b"PK\x03\x04" + bytes(5000), "It is no Excel workbook"),
        (GOOD[: len(GOOD) // 2], "It is no Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000), "It is no Excel workbook"),  # protected, or .xls
        (with_part(GOOD, "xl/workbook.xml", b"<workbook/>"), "It is no|It has no sheet vInfo"),
        (with_part(GOOD, SHEET, b"<unclosed"), "It is no Excel workbook"),
        (with_part(GOOD, SHEET, _BILLION), "It is no Excel workbook"),
        (with_part(GOOD, SHEET, bytes(64 << 20)), "It unpacks to more"),
        (with_part(GOOD, "xl/media/image1.png", bytes(64 << 20)), "It unpacks to more"),
        (workbook([], headings=("VM", "Powerstate")), "has no column CPUs"),
    ],
    ids=["empty", "no-zip", "cut", "protected", "no-sheets", "torn", "billion", "bomb", "image", "columns"],
)
def test_a_hostile_file_is_refused_with_its_reason(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(WorkbookWrong, match=says):
        told(tmp_path, content)


def test_a_row_far_away_is_no_million_rows_to_read(tmp_path: Path) -> None:
    far = sheet(cells(1, INFO) + cells(1_048_576, ("db1", "poweredOn")))

    with pytest.raises(WorkbookWrong, match="more than 250,000 rows"):
        told(tmp_path, with_part(GOOD, SHEET, far))


def test_too_many_machines_are_refused(tmp_path: Path) -> None:
    needed = ("VM", "Powerstate", "CPUs", "Memory", "Provisioned MiB", "In Use MiB")
    rows = [cells(at, (f"vm{at}", "poweredOn", "2", "4096", "9", "9")) for at in range(2, 50_003)]
    book = with_part(GOOD, SHEET, sheet(b"".join([cells(1, needed), *rows])))

    assert len(book) < FILE_MAX
    with pytest.raises(WorkbookWrong, match="more than 50,000 machines"):
        told(tmp_path, book)
