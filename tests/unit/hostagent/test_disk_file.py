"""A disk's own file: exact reads, whole writes, holes; and what fails has the engine's names."""

import os
import subprocess
from collections.abc import Iterator
from errno import ENOSYS, EOPNOTSUPP
from pathlib import Path

import pytest

from agents.hostagent.disk_file import DiskFile
from agents.hostagent.engine import EngineGone, PlainFile, StoreFull

MIB = 1 << 20


def plain(path: Path) -> PlainFile:
    """That file, as an engine tells of it."""
    status = path.stat()
    return PlainFile(path, status.st_dev, status.st_ino)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A disk of a MiB."""
    path = tmp_path / "disk.raw"
    path.write_bytes(bytes(range(256)) * (MIB // 256))
    return path


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB, all holes, on a file system with room for one."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)], check=True)
    disk = tmp_path / "disk.raw"
    with disk.open("wb") as file:
        file.truncate(4 * MIB)
    yield disk
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def test_what_is_written_is_read(path: Path) -> None:
    with DiskFile.open(plain(path), writable=True) as disk:
        disk.pwrite(memoryview(bytearray(b"landed")), 4096)
        disk.write_back()
        disk.flush()
        assert disk.pread(8, 4095) == b"\xfflanded\6"
    assert path.read_bytes()[4096:4102] == b"landed"


def test_zeros_become_a_hole(path: Path) -> None:
    before = path.stat().st_blocks
    with DiskFile.open(plain(path), writable=True) as disk:
        disk.zero(MIB // 2, MIB // 4)
        assert disk.pread(MIB // 2, MIB // 4) == bytes(MIB // 2)
        assert disk.pread(1, MIB // 4 - 1) == b"\xff"
    assert path.stat().st_size == MIB
    assert path.stat().st_blocks < before


def test_zeros_on_a_hole_cost_nothing_and_beside_it_they_are_made(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.truncate(path, 0)
    os.truncate(path, MIB)
    with DiskFile.open(plain(path), writable=True) as disk:
        called: list[str] = []
        monkeypatch.setattr("agents.hostagent.disk_file._called", lambda name, *_: called.append(name))
        disk.zero(MIB, 0)
        assert called == []
        disk.pwrite(b"data", MIB // 2)  # not flushed: still in memory alone
        disk.zero(MIB // 2, 0)
        assert called == []
        disk.zero(MIB // 2, MIB // 2)
        disk.zero(MIB, 0)
        assert called == ["fallocate", "fallocate"]


@pytest.fixture(params=[EOPNOTSUPP, ENOSYS], ids=["not_supported", "no_such_call"])
def poor_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that can neither make holes nor write back early."""

    def refuses(_name: str, *_arguments: int) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr("agents.hostagent.disk_file._called", refuses)


def test_zeros_are_written_where_the_file_system_has_no_holes(path: Path, poor_system: None) -> None:
    with DiskFile.open(plain(path), writable=True) as disk:
        disk.zero(4096, 8192)
        assert disk.pread(4098, 8191) == b"\xff" + bytes(4096) + b"\0"


def test_a_system_that_cannot_write_back_early_is_no_fault(path: Path, poor_system: None) -> None:
    with DiskFile.open(plain(path), writable=True) as disk:
        disk.write_back()
        disk.zero(4096, 0)
        assert disk.pread(4096, 0) == bytes(4096)


def test_a_file_that_ends_early_is_an_engine_that_is_gone(path: Path) -> None:
    with DiskFile.open(plain(path), writable=False) as disk:
        os.truncate(path, 1000)
        with pytest.raises(EngineGone, match=r"disk\.raw ends at 1000"):
            disk.pread(4096, 0)


def test_a_file_that_is_not_there_is_an_engine_that_is_gone(tmp_path: Path) -> None:
    with (
        pytest.raises(EngineGone, match="No such file"),
        DiskFile.open(PlainFile(tmp_path / "gone", 1, 1), writable=True),
    ):
        pass


def test_another_file_under_the_disk_s_name_is_not_opened(path: Path) -> None:
    known = plain(path)
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes())
    other.replace(path)
    with pytest.raises(EngineGone, match="another file now"), DiskFile.open(known, writable=True):
        pass


def test_what_may_only_be_read_is_not_written(path: Path) -> None:
    with (
        DiskFile.open(plain(path), writable=False) as disk,
        pytest.raises(EngineGone, match="Bad file descriptor"),
    ):
        disk.pwrite(b"x", 0)


def test_a_full_store_is_told_as_such(small: Path) -> None:
    with DiskFile.open(plain(small), writable=True) as disk, pytest.raises(StoreFull, match="no room"):
        disk.pwrite(bytes(2 * MIB), 0)
