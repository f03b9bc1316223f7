"""What the rows of a workbook of RVTools mean."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.domain.rvtools import MIB, Change, Told, WorkbookWrong, changes, workbook_read
from tests.workbooks import DISK, INFO, machine


def read(*rows: object, disks: object = None, headings: object = INFO) -> Told:
    """Return what these rows say."""
    return workbook_read([headings, *rows], disks)  # type: ignore[list-item, arg-type]


def test_a_machine_is_read_with_its_sizes_in_bytes() -> None:
    told = read(machine("db1", "vm-1", used=512.4))

    [db1] = told.machines
    assert (db1.name, db1.moid, db1.cpus, db1.memory_mib) == ("db1", "vm-1", 2, 4096)
    assert (db1.provisioned_bytes, db1.used_bytes) == (2048 * MIB, 512 * MIB)
    assert told.vcenter == "vcenter.acme.test"


def test_disks_find_their_machine_by_its_id() -> None:
    told = read(
        machine("db1", "vm-1"),
        machine("db1", "vm-2"),
        disks=[DISK, ("db1", "Hard disk 1", 10, "vm-2"), ("db1", "Hard disk 2", 20, "vm-2")],
    )

    assert [one.disks for one in told.machines] == [(), (10 * MIB, 20 * MIB)]


def test_older_headings_and_any_case_are_understood() -> None:
    renamed = [str(heading).replace("MiB", "MB").upper() for heading in INFO]

    assert read(machine("db1", "vm-1"), headings=renamed).machines[0].provisioned_bytes == 2048 * MIB


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (machine("", "vm-1"), "it has no name"),
        (machine("db2", "vm-2", cpus="many"), "CPUs is 'many', which is no such number"),
        (machine("db2", "vm-2", used=-1), "In Use MiB is -1"),
        (machine("db2", "vm-2", used=1e300), "In Use MiB is 1e+300"),
        (machine("db2", "vm-2", used=float("nan")), "In Use MiB is nan"),
        (machine("db2", "vm-2", used=None), "In Use MiB is None"),
        (machine("db2", "vm-2", used=True), "In Use MiB is True"),
        (machine("db2", "vm-2", power="=1+1"), "Powerstate of db2 is '=1+1'"),
        (machine("db1", "vm-1"), "db1 stands twice"),
        (("db3",), "Powerstate of db3 is ''"),
    ],
)
def test_a_row_that_says_no_machine_is_left_out_and_told(row: object, says: str) -> None:
    told = read(machine("db1", "vm-1"), row)

    assert [one.name for one in told.machines] == ["db1"]
    assert told.faulty == 1
    assert told.faults[0].startswith("vInfo, row 3: ")
    assert says in told.faults[0]


def test_a_number_that_was_written_as_text_counts() -> None:
    assert read(machine("db1", "vm-1", used="1,024")).machines[0].used_bytes == 1024 * MIB


def test_only_the_first_faults_are_told_and_all_are_counted() -> None:
    told = read(machine("db1", "vm-1"), *[machine("", "")] * 200)

    assert (len(told.faults), told.faulty) == (50, 200)


@pytest.mark.parametrize(
    ("headings", "says"),
    [
        (INFO[1:], "The sheet vInfo has no column VM."),
        (("A", "B"), "has no column VM, Powerstate, CPUs, Memory, Provisioned MiB, In Use MiB."),
        ((), "has no column VM"),
    ],
)
def test_a_sheet_without_its_columns_is_refused(headings: object, says: str) -> None:
    with pytest.raises(WorkbookWrong, match=says):
        read(machine("db1", "vm-1"), headings=headings)


def test_a_sheet_without_machines_is_refused() -> None:
    with pytest.raises(WorkbookWrong, match="names no machine"):
        read((None, None), ())


_CELLS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.datetimes())


@given(st.lists(st.lists(_CELLS, max_size=16), max_size=8))
def test_whatever_stands_in_the_cells_a_good_row_beside_it_is_read(rows: list[list[object]]) -> None:
    told = read(*rows, machine("the good one", "vm-good"))

    assert "the good one" in [one.name for one in told.machines]


def test_each_machine_is_new_changed_the_same_or_missing() -> None:
    before: dict[str, tuple[object, ...]] = {"a": (1,), "b": (1,), "c": (1,)}

    told = changes(before, {"a": (1,), "b": (2,), "d": (1,)})

    assert told == {"a": Change.SAME, "b": Change.CHANGED, "c": Change.MISSING, "d": Change.NEW}
