"""The destination's images, read as anyone could: from the frozen views that a storage daemon exports."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lab.daemon import StorageDaemon
from lab.decode import RECORD, place, record
from lab.evidence import NoView, destination_image, source_image, views

pytestmark = pytest.mark.lab
MIB = 1 << 20
SLOTS = 64


def disks(folder: Path, last: int) -> list[Path]:
    """Two disks of a guest that has come to write `last`."""
    paths = [folder / f"disk{number}.raw" for number in range(2)]
    for path in paths:
        path.write_bytes(bytes(4 * MIB))
    for number in range(1, last + 1):
        disk, offset = place(number, slots=SLOTS, disks=2)
        with paths[disk].open("r+b") as file:
            file.seek(offset)
            file.write(record(number))
    return paths


@pytest.fixture
async def daemon(short: Path) -> AsyncIterator[StorageDaemon]:
    """A storage daemon with two disks, which a guest has written to alternately."""
    made = disks(short, 200)
    running = StorageDaemon(short, {str(number): disk for number, disk in enumerate(made)})
    await running.start()
    yield running
    await running.stop()


async def view(daemon: StorageDaemon, name: str, export: str) -> None:
    body = {"type": "nbd", "id": export, "node-name": f"top-{name}", "name": export, "writable": False}
    await daemon.execute("block-export-add", body)


async def test_what_is_read_is_what_the_disks_hold(daemon: StorageDaemon, tmp_path: Path) -> None:
    await view(daemon, "1", "view-1")
    await view(daemon, "0", "view-0")

    image = await destination_image(daemon.nbd_socket, 2, tmp_path, "db1")
    source = await source_image(list(daemon.disks.values()), tmp_path, "db1")

    whole = b"".join(disk.read_bytes() for disk in daemon.disks.values())
    assert image.path.read_bytes() == whole
    assert image.digest == source.digest == hashlib.sha256(whole).hexdigest()
    decoded = image.decoded(slots=SLOTS)
    assert (decoded.last, decoded.exact) == (200, True)


async def test_one_byte_that_differs_makes_another_digest(daemon: StorageDaemon, tmp_path: Path) -> None:
    await view(daemon, "0", "view-0")
    await view(daemon, "1", "view-1")
    before = await destination_image(daemon.nbd_socket, 2, tmp_path, "before")
    with daemon.disks["1"].open("r+b") as file:
        file.seek(SLOTS * RECORD + 7)
        file.write(b"x")
    after = await destination_image(daemon.nbd_socket, 2, tmp_path, "after")
    assert before.digest != after.digest


async def test_a_view_that_is_missing_is_told(daemon: StorageDaemon, tmp_path: Path) -> None:
    await view(daemon, "0", "view-0")
    with pytest.raises(NoView, match="the machine has 2 disks"):
        await destination_image(daemon.nbd_socket, 2, tmp_path, "db1")
    assert list(tmp_path.glob("*.raw")) == []


async def test_what_a_guest_writes_to_is_no_view(daemon: StorageDaemon) -> None:
    await view(daemon, "0", "guest-0")
    assert await views(daemon.nbd_socket) == []


async def test_a_daemon_that_is_gone_has_no_views(daemon: StorageDaemon, tmp_path: Path) -> None:
    await daemon.kill()
    with pytest.raises(OSError, match="nbdinfo"):
        await destination_image(daemon.nbd_socket, 2, tmp_path, "db1")
