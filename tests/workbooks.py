"""Workbooks as RVTools writes them, and ones that it never would."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

from openpyxl import Workbook

INFO = (
    *("VM", "Powerstate", "Template", "CPUs", "Memory", "NICs", "Disks", "Provisioned MiB", "In Use MiB"),
    *("Cluster", "Host", "OS according to the configuration file", "VM ID", "VI SDK Server"),
)
DISK = ("VM", "Disk", "Capacity MiB", "VM ID")
Cells = Sequence[object]


def machine(
    name: str, moid: str, *, cpus: object = 2, used: object = 1024, power: str = "poweredOn"
) -> Cells:
    """A row of vInfo."""
    front = (name, power, False, cpus, 4096, 1, 1, 2048, used)
    return (*front, "cl1", "esx1.acme.test", "Debian GNU/Linux 12", moid, "vcenter.acme.test")


def workbook(info: Sequence[Cells], disks: Sequence[Cells] = (), *, headings: Cells = INFO) -> bytes:
    """A workbook with these rows below the headings."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("vInfo")
    for row in (headings, *info):
        sheet.append(list(row))
    if disks:
        sheet = book.create_sheet("vDisk")
        for row in (DISK, *disks):
            sheet.append(list(row))
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def with_part(book: bytes, name: str, part: bytes) -> bytes:
    """The same workbook, one of its parts replaced."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            new.writestr(entry, part if entry == name else old.read(entry))
        if name not in old.namelist():
            new.writestr(name, part)
    return changed.getvalue()


def kept(folder: Path, content: bytes) -> Path:
    """The content as a file."""
    path = folder / "workbook.xlsx"
    path.write_bytes(content)
    return path
