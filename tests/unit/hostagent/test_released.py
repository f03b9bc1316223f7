"""Copies that must never be started: their lock stays until their disks are gone."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from agents.hostagent.host import Host, Place
from agents.hostagent.journal import Journal
from agents.hostagent.lock import DiskBusy, DiskLock
from agents.hostagent.released import Released

MOID = "vm-1"
PLACE = Place(unit=UUID(int=7), generation=1, stage="fenced")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    journal = Journal(tmp_path / "journal")
    (tmp_path / "machines").mkdir()
    host = Host(machines=tmp_path / "machines", state=tmp_path / "state", journal=journal)
    yield host
    if lock := DiskLock.find(host.control(MOID)):
        lock.release()
    journal.close()


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    path = tmp_path / "disk.raw"
    path.write_bytes(bytes(4096))
    return path


async def test_a_locked_copy_stays_locked_while_its_disks_are_there(host: Host, disk: Path) -> None:
    host.place_set(MOID, PLACE)
    lock = DiskLock.take([disk], control=host.control(MOID))
    await Released(host).add(MOID)
    with pytest.raises(DiskBusy):
        DiskLock.take([disk], control=disk.with_name("other"))
    assert DiskLock.find(host.control(MOID)) == lock
    kept = host.place(MOID)
    assert kept is not None
    assert kept.stage == "released"


async def test_its_lock_goes_with_its_disks(host: Host, disk: Path) -> None:
    host.place_set(MOID, PLACE)
    DiskLock.take([disk], control=host.control(MOID))
    released = Released(host)
    await released.add(MOID)
    disk.unlink()
    await released.add(MOID)
    assert host.place(MOID) is None
    assert not (host.state / "machines" / MOID).exists()


async def test_it_stays_while_one_of_two_disks_is_there(host: Host, disk: Path) -> None:
    second = disk.with_name("second.raw")
    second.write_bytes(bytes(4096))
    host.place_set(MOID, PLACE)
    DiskLock.take([disk, second], control=host.control(MOID))
    disk.unlink()
    await Released(host).add(MOID)
    assert host.place(MOID) is not None


async def test_a_committed_copy_without_a_lock_is_forgotten_at_once(host: Host) -> None:
    host.place_set(MOID, PLACE)
    host.own_folder(MOID)
    await Released(host).add(MOID)
    assert host.place(MOID) is None


async def test_a_lock_that_belongs_to_nothing_is_let_go(host: Host, disk: Path) -> None:
    DiskLock.take([disk], control=host.control(MOID))
    await Released(host).add(MOID)
    again = DiskLock.take([disk], control=disk.with_name("other"))
    again.release()
    assert host.place(MOID) is None


async def test_releasing_twice_is_releasing_once(host: Host) -> None:
    host.place_set(MOID, PLACE)
    released = Released(host)
    await released.add(MOID)
    await released.add(MOID)
    assert host.places() == {}
