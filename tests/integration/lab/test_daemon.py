"""The storage daemon of one machine: found again, started again, and who may write through it."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import nbd
import pytest

from agents.hostagent.lock import DiskLock
from lab.daemon import DiskRefused, GuestPath, StorageDaemon

pytestmark = pytest.mark.lab
MIB = 1 << 20


@pytest.fixture
async def daemon(short: Path) -> AsyncIterator[StorageDaemon]:
    """Two blank disks, nobody on them."""
    running = StorageDaemon(short, {name: blank(short / f"{name}.raw") for name in ("0", "1")})
    await running.start()
    yield running
    await running.stop()


def blank(path: Path) -> Path:
    with path.open("wb") as file:
        file.truncate(4 * MIB)
    return path


def guest(uri: str) -> nbd.NBD:
    handle = nbd.NBD()
    handle.connect_uri(uri)
    return handle


async def exports(daemon: StorageDaemon) -> set[str]:
    return {one["id"] for one in await daemon.execute("query-block-exports")}


async def test_a_guest_s_writes_are_on_its_disks(daemon: StorageDaemon) -> None:
    first, second = [guest(uri) for uri in await daemon.guest_open(GuestPath.NBD)]
    first.pwrite(b"one", 0)
    second.pwrite(b"two", 4096)
    first.flush()
    second.flush()
    assert daemon.disks["0"].read_bytes().startswith(b"one")
    assert daemon.disks["1"].read_bytes()[4096:4099] == b"two"


async def test_a_linux_s_disks_are_sockets(daemon: StorageDaemon) -> None:
    sockets = await daemon.guest_open(GuestPath.VHOST_USER)
    assert [Path(one).name for one in sockets] == ["guest-0.sock", "guest-1.sock"]
    assert all(Path(one).is_socket() for one in sockets)


async def test_closing_takes_back_what_was_opened_and_nothing_else(daemon: StorageDaemon) -> None:
    await daemon.guest_open(GuestPath.NBD)
    other = {"type": "nbd", "id": "delta-0", "node-name": "top-0", "name": "delta-0"}
    await daemon.execute("block-export-add", other)
    await daemon.guest_close()
    await daemon.guest_close()
    assert await exports(daemon) == {"delta-0"}


async def test_one_locked_disk_of_two_opens_neither(daemon: StorageDaemon, short: Path) -> None:
    lock = DiskLock.take([daemon.disks["1"]], control=short / "lock")
    try:
        with pytest.raises(DiskRefused):
            await daemon.guest_open(GuestPath.NBD)
        assert not await exports(daemon)
    finally:
        lock.release()
    assert len(await daemon.guest_open(GuestPath.NBD)) == 2


async def test_a_host_that_starts_anew_finds_it(daemon: StorageDaemon, short: Path) -> None:
    again = StorageDaemon(short, daemon.disks)
    assert daemon.process is not None
    first = daemon.process
    await daemon.forget()
    assert await again.adopt()
    assert (await again.execute("query-version"))["qemu"]["major"] > 0
    await again.stop()
    assert not first.running
    assert not await again.adopt()


async def test_a_killed_one_s_sockets_are_replaced(daemon: StorageDaemon) -> None:
    await daemon.guest_open(GuestPath.NBD)
    await daemon.kill()
    assert not daemon.running
    await daemon.start()
    assert daemon.running
    assert not await exports(daemon)


async def test_ending_it_twice_is_no_error(daemon: StorageDaemon) -> None:
    await daemon.stop()
    await daemon.stop()
    await daemon.kill()


async def test_one_that_cannot_open_its_disk_does_not_start(
    short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lab.daemon.START_TIMEOUT_S", 0.5)
    lost = StorageDaemon(short, {"0": short / "nowhere.raw"})
    with pytest.raises(TimeoutError):
        await lost.start()
    assert "nowhere.raw" in (short / "daemon.log").read_text()
    await lost.kill()


async def test_its_end_is_heard_by_who_waits(daemon: StorageDaemon) -> None:
    assert daemon.process is not None
    async with asyncio.timeout(10):
        await daemon.process.end(signal.SIGTERM)
    assert not daemon.running


async def test_killing_one_leaves_the_one_that_its_host_has_started_meanwhile(daemon: StorageDaemon) -> None:
    killed = daemon.process
    killing = asyncio.create_task(daemon.kill())
    await asyncio.sleep(0)
    while daemon.running:  # without a pause: as a host that is faster than who killed it
        pass
    await daemon.forget()
    await daemon.start()
    await killing
    assert daemon.process is not killed
    assert daemon.running
    assert not await exports(daemon)
