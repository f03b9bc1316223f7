"""When one end has lost its memory: both disks are hashed anew, and only what differs is sent."""

import asyncio
import filecmp
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.hostagent.digests import BlockDigests
from agents.hostagent.engine import ResyncNeeded
from agents.hostagent.engine_qsd import StorageDaemonEngine
from agents.hostagent.extents import BLOCK
from agents.hostagent.rounds import Round, full_run
from agents.hostagent.wire import DestinationFull
from tests.integration.dataplane.conftest import MIB, SLOTS, Ends

NOISE_AT = SLOTS * 4096


async def test_after_a_lost_bitmap_only_what_differs_is_sent(ends: Ends) -> None:
    await ends.full()
    done = await _daemon_killed_and_disk_changed(ends, NOISE_AT, b"written while nobody recorded")

    assert done.planned == done.content == BLOCK
    assert _equal(ends)


async def test_what_became_a_hole_meanwhile_becomes_zeros(ends: Ends) -> None:
    await ends.full()
    done = await _daemon_killed_and_disk_changed(ends, NOISE_AT, None)

    assert done.planned == MIB
    assert _equal(ends)


async def test_after_a_resync_the_digests_of_both_ends_are_the_disks(ends: Ends) -> None:
    await ends.full()
    done = await _daemon_killed_and_disk_changed(ends, NOISE_AT + 5 * MIB, b"changed")

    own = await asyncio.to_thread(BlockDigests.of, ends.landing_exports["0"], ends.passage.folder / "check")
    assert done.source_roots == done.destination_roots == {"0": own.root}


async def test_a_destination_that_changed_by_itself_is_put_right_by_a_resync(ends: Ends) -> None:
    await ends.full()
    with ends.destination.images[0].open("r+b") as file:
        file.seek(NOISE_AT + 7 * BLOCK)
        file.write(b"nobody sent this")
    await _begin_anew(ends)

    done = await ends.full()

    assert done.content == BLOCK
    assert _equal(ends)


async def test_a_first_copy_onto_a_disk_that_is_not_blank_compares(ends: Ends) -> None:
    with ends.destination.images[0].open("r+b") as file:
        file.seek(120 * MIB)  # in what is a hole at the source
        file.write(b"of another life")

    done = await ends.full()

    assert done.source_roots == done.destination_roots
    assert _equal(ends)


async def test_a_delta_to_a_destination_that_knows_nothing_demands_a_resync(ends: Ends) -> None:
    await ends.full()
    for kept in ends.passage.folder.glob("digests-*"):
        kept.unlink()
    with pytest.raises(ResyncNeeded):
        await ends.delta()


async def test_a_delta_from_a_source_that_knows_nothing_demands_a_resync(ends: Ends) -> None:
    await ends.full()
    for kept in ends.passage.folder.glob("sent-*"):
        kept.unlink()
    with pytest.raises(ResyncNeeded):
        await ends.delta()


async def test_every_round_ends_with_equal_digests(ends_of_two_disks: Ends) -> None:
    ends = ends_of_two_disks
    await ends.source.writer_start(rate=500)
    rounds = [await ends.full(), await ends.delta(), await ends.delta()]
    await ends.source.writer_stop()
    rounds.append(await ends.delta())

    assert all(done.source_roots == done.destination_roots for done in rounds)
    assert set(rounds[-1].source_roots) == {"0", "1"}
    for name, export in ends.landing_exports.items():
        own = await asyncio.to_thread(BlockDigests.of, export, ends.passage.folder / f"check-{name}")
        assert own.root == rounds[-1].destination_roots[name]


@pytest.fixture
def small_folder(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for 32 MiB."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


async def test_a_full_destination_is_told_as_such_and_the_copy_goes_on_with_room(
    small_folder: Path, ends_on_a_small_store: Ends
) -> None:
    ends = ends_on_a_small_store
    with pytest.raises(DestinationFull, match="no room"):
        await ends.full()
    subprocess.run(["mount", "-o", "remount,size=256m", str(small_folder)], check=True)

    done = await ends.full()

    assert done.content < 60 * MIB  # what had arrived counts
    assert done.source_roots == done.destination_roots
    assert _equal(ends)


async def _begin_anew(ends: Ends) -> None:
    """A new lineage on the source, as when its bitmap was lost."""
    await ends.source.engine.release()
    await ends.source.engine.attach(known=False)


async def _daemon_killed_and_disk_changed(ends: Ends, offset: int, content: bytes | None) -> Round:
    """Kill the source's daemon, change its disk, and copy with a new one; None punches a hole of a MiB."""
    daemon = ends.source.machine.daemon
    await daemon.kill()
    image = ends.source.images[0]
    if content is None:
        subprocess.run(["fallocate", "-p", "-o", str(offset), "-l", str(MIB), str(image)], check=True)
    else:
        with image.open("r+b") as file:
            file.seek(offset)
            file.write(content)
    await daemon.start()
    connection = StorageDaemonEngine.connect(qmp_socket=daemon.agent_socket, nbd_socket=daemon.nbd_socket)
    async with connection as engine:
        await engine.attach(known=False)
        return await full_run(engine=engine, carriers=ends.movers)


def _equal(ends: Ends) -> bool:
    return filecmp.cmp(ends.source.images[0], ends.destination.images[0], shallow=False)
