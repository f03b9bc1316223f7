"""What goes wrong, done to real files."""

import os
from pathlib import Path

import pytest

from lab.faults.acts import NotMeasured, byte_flip, disk_filled, small_file_system

MIB = 1 << 20


def test_one_byte_is_flipped_and_no_other(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(range(100)))
    byte_flip(disk, 42)
    changed = disk.read_bytes()
    assert changed[42] == 42 ^ 0xFF
    assert changed[:42] + changed[43:] == bytes(range(42)) + bytes(range(43, 100))


def test_twice_flipped_is_as_before(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.write_bytes(b"landfall")
    byte_flip(disk, 3)
    byte_flip(disk, 3)
    assert disk.read_bytes() == b"landfall"


def test_the_machine_s_own_disk_is_never_filled(tmp_path: Path) -> None:
    with pytest.raises(NotMeasured), disk_filled(tmp_path, leave=MIB):
        pytest.fail("it was filled")


def test_a_small_file_system_is_filled_and_emptied_again(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with small_file_system(store, size=16 * MIB) as mounted:
        if not mounted:
            return
        with disk_filled(store, leave=2 * MIB):
            full = os.statvfs(store).f_bavail * os.statvfs(store).f_frsize
        empty = os.statvfs(store).f_bavail * os.statvfs(store).f_frsize
    assert full <= 2 * MIB < empty
    assert not store.is_mount()
