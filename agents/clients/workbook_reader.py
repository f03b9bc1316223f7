"""Reads a workbook that a stranger sent: `python -m agents.clients.workbook_reader`, the file on stdin.

A process of its own, and the only one that loads the library for it: memory, processor time and what it may
read are bounded here, and it writes nothing but its answer.
"""

import resource
import sys
import zipfile
from typing import Any, BinaryIO
from zipfile import ZipFile

import msgspec
from openpyxl import load_workbook

from agents.domain.rvtools import DISK, INFO, Answer, Told, WorkbookWrong, workbook_read

UNPACKED_MAX = 512 << 20
PARTS_MAX = 500
RATIO_MAX = 200
"""How much smaller than its content a part may be; a real sheet is 5 to 30 times smaller."""
RATIO_FREE = 1 << 20
ROWS_MAX = 250_000
MEMORY_MAX = 2 << 30
PROCESSOR_S = 40
_NO_WORKBOOK = "It is no Excel workbook (.xlsx), or it is damaged or protected by a password."


def main() -> int:
    """Read a workbook on stdin, answer on stdout."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, MEMORY_MAX))
    resource.setrlimit(resource.RLIMIT_CPU, (PROCESSOR_S, PROCESSOR_S))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    try:
        answer = Answer(told=_read(sys.stdin.buffer))
    except WorkbookWrong as wrong:
        answer = Answer(wrong=str(wrong))
    sys.stdout.buffer.write(msgspec.json.encode(answer))
    return 0


def _read(file: BinaryIO) -> Told:
    try:
        with ZipFile(file) as archive:
            _sizes_check(archive)
        file.seek(0)
        book = load_workbook(file, read_only=True, data_only=True, keep_links=False)
        if INFO not in book.sheetnames:
            raise WorkbookWrong(f"It has no sheet {INFO}: export all of RVTools into one .xlsx file.")
        disks = _rows(book[DISK]) if DISK in book.sheetnames else None
        return workbook_read(_rows(book[INFO]), disks)
    except (WorkbookWrong, MemoryError):
        raise
    # The reader meets whatever somebody wrote into the file, and says so in a dozen exceptions of its own.
    except Exception as error:
        raise WorkbookWrong(_NO_WORKBOOK) from error


def _sizes_check(archive: ZipFile) -> None:
    """Refuse what unpacks to much more than it is; `zipfile` reads no more of a part than is declared."""
    parts = archive.infolist()
    bombs = [
        part
        for part in parts
        if part.file_size > max(RATIO_FREE, part.compress_size * RATIO_MAX)
        or part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
    ]
    if bombs or len(parts) > PARTS_MAX or sum(part.file_size for part in parts) > UNPACKED_MAX:
        raise WorkbookWrong("It unpacks to more than a workbook of RVTools does.")


def _rows(sheet: Any) -> Any:
    """Return the rows of a sheet as they are read. Raises WorkbookWrong when there is no end of them."""
    sheet.reset_dimensions()  # as declared they may be anything, and rows are made up to fill them
    for number, row in enumerate(sheet.iter_rows(values_only=True)):
        if number > ROWS_MAX:
            raise WorkbookWrong(f"The sheet {sheet.title:.40} has more than {ROWS_MAX:,} rows.")
        yield row


if __name__ == "__main__":
    sys.exit(main())
