"""The second adapter: disks inside a running QEMU, from its bitmap to the guest's power-off and beyond."""

import asyncio
import filecmp
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.hostagent.bitmaps import bitmap_name
from agents.hostagent.engine import EngineAbsent, EngineRefused, Export, GuestEngineEnded, ResyncNeeded
from agents.hostagent.engine_qemu import DiskPath, QemuEngine
from agents.hostagent.extents import BLOCK, Extent, dirty_extents
from agents.hostagent.lock import DiskBusy, DiskLock
from lab.decode import decode
from lab.initramfs import BootImage
from tests.integration.dataplane.inside import (
    MIB,
    SLOTS,
    Inside,
    bare_run,
    inside_run,
    listening,
    until,
    way_open,
    written_by_monitor,
)


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Inside]:
    async with bare_run(tmp_path / "bare") as inside:
        yield inside


@pytest.mark.lab
async def test_a_machine_leaves_its_own_qemu_and_arrives_exact(boot: BootImage, tmp_path: Path) -> None:
    async with (
        inside_run(tmp_path / "source", boot) as source,
        way_open(source, tmp_path) as way,
        source.connect() as engine,
    ):
        await way.full(engine)
        delta = await way.delta(engine)
        written = await source.powered_off(engine)
        frozen = await source.freeze(engine)
        final = await way.delta(engine)

        assert 0 < delta.planned < 64 * MIB
        assert frozen.exports_closed == ("0",)
        assert final.source_roots == final.destination_roots
        assert filecmp.cmp(source.disk, way.destination.images[0], shallow=False)
        decoded = decode(way.destination.images, slots=SLOTS)
        assert decoded.exact
        assert decoded.last == written > 0
        assert "WRITE-ERROR" not in source.guest.console


@pytest.mark.lab
async def test_a_frozen_machine_started_by_hand_cannot_write_and_its_release_ends_it(
    boot: BootImage, tmp_path: Path
) -> None:
    async with inside_run(tmp_path / "source", boot) as source:
        async with source.connect() as engine:
            await engine.attach(known=False)
            await source.powered_off(engine)
            frozen = await source.freeze(engine)
            before = source.disk.read_bytes()
            with pytest.raises(DiskBusy):
                DiskLock.take([source.disk], control=source.folder / "other")

            await source.reset(engine)
            await asyncio.sleep(3)

            assert engine.guest(source.process).alive()
            assert source.disk.read_bytes() == before
            await engine.release()
        frozen.lock.release()
        await until(lambda: not source.process.alive(), seconds=10)
        with pytest.raises(EngineAbsent):
            await source.connect().__aenter__()


@pytest.mark.lab
async def test_without_no_shutdown_the_end_is_told_plainly_and_nothing_is_locked(
    boot: BootImage, tmp_path: Path
) -> None:
    async with inside_run(tmp_path / "source", boot, survives=False) as source:
        with pytest.raises(GuestEngineEnded, match="without -no-shutdown"):
            await source.freeze_anew()
        assert DiskLock.find(source.folder / "lock") is None


async def test_a_qemu_that_is_killed_is_told_as_ended(bare: Inside) -> None:
    with pytest.raises(GuestEngineEnded, match="was ended"):
        await bare.killed_under_the_agent()


async def test_it_sees_by_itself_whether_it_outlives_its_guest(bare: Inside) -> None:
    async with bare.connect() as engine:
        assert engine.survives_power_off(said=False)


async def test_what_is_written_is_in_the_round_and_nothing_else(bare: Inside) -> None:
    async with bare.connect() as engine:
        await engine.attach(known=False)
        await written_by_monitor(engine, 5 * BLOCK, 4096, 7)
        assert await engine.dirty_bytes() == BLOCK
        closed = await engine.swap()
        async with engine.delta(closed) as exports:
            assert await asyncio.to_thread(dirty_extents, exports["0"]) == [Extent(5 * BLOCK, BLOCK)]
        await engine.drop(closed)
        assert await engine.dirty_bytes() == 0


async def test_a_restarted_agent_merges_what_a_dead_one_left(bare: Inside) -> None:
    async with bare.connect() as engine:
        await engine.attach(known=False)
        lineage = await engine.lineage()
        await written_by_monitor(engine, 0, 4096, 7)
        closed = await engine.swap()
        await written_by_monitor(engine, 9 * BLOCK, 4096, 7)
        served = Export(bare.folder / "nbd", "landfall-delta-0", bitmap_name(lineage, closed))
        async with engine.delta(closed):  # as by kill -9: left there
            pass
        await engine._monitor.export_add(node="drive-0", export=served, writable=False)

    async with bare.connect() as engine:
        await engine.attach(known=True)
        assert await engine.lineage() == lineage
        assert await engine.dirty_bytes() == 2 * BLOCK
        assert not await engine._monitor.exports()


async def test_a_qemu_that_was_started_anew_demands_a_resync(bare: Inside) -> None:
    async with bare.connect() as engine:
        with pytest.raises(ResyncNeeded):
            await engine.attach(known=True)


async def test_the_disks_of_a_guest_that_runs_are_not_taken_from_it(bare: Inside) -> None:
    async with bare.connect() as engine:
        with pytest.raises(EngineRefused, match="the guest runs"):
            await engine.guest_exports_close()


async def test_release_leaves_nothing_of_ours_in_a_guest_that_runs(bare: Inside) -> None:
    async with bare.connect() as engine:
        before = await engine._monitor.nodes()
        await engine.attach(known=False)
        async with engine.delta(None):
            pass
        await engine.release()
        after = await engine._monitor.nodes()
        assert after.keys() == before.keys()
        assert not any(node.get("dirty-bitmaps") for node in after.values())
    assert bare.guest.running


async def test_release_twice_is_release_once(bare: Inside) -> None:
    async with bare.connect() as engine:
        await engine.attach(known=False)
        await engine.release()
        await engine.release()


async def test_a_file_that_no_device_has_is_refused(bare: Inside) -> None:
    nowhere = [DiskPath("0", bare.folder / "other.raw")]
    async with QemuEngine.connect(
        qmp_socket=bare.folder / "agent.qmp", nbd_socket=bare.folder / "nbd", disks=nowhere
    ) as engine:
        with pytest.raises(EngineRefused, match=r"no device .* has .*other\.raw"):
            await engine.attach(known=False)


async def test_it_takes_no_landing_and_no_view(bare: Inside, tmp_path: Path) -> None:
    async with bare.connect() as engine:
        with pytest.raises(EngineRefused, match="needs a storage daemon"):
            await engine.landing_open()
        with pytest.raises(EngineRefused, match="needs a storage daemon"):
            await engine.view_open(tmp_path)
        assert await engine.view_find() is None


async def test_a_disk_without_a_node_name_is_refused(tmp_path: Path) -> None:
    disk = tmp_path / "disk.raw"
    disk.write_bytes(bytes(MIB))
    socket = tmp_path / "agent.qmp"
    argv = ["qemu-system-x86_64", "-accel", "tcg", "-nodefaults", "-display", "none", "-S", "-m", "32"]
    argv += ["-qmp", f"unix:{socket},server=on,wait=off", "-drive", f"file={disk},format=raw,if=virtio"]
    process = subprocess.Popen(argv)
    try:
        await until(lambda: listening(socket))
        disks = [DiskPath("0", disk)]
        async with QemuEngine.connect(qmp_socket=socket, nbd_socket=tmp_path / "nbd", disks=disks) as engine:
            with pytest.raises(EngineRefused, match="-blockdev"):
                await engine.attach(known=False)
    finally:
        process.kill()
        process.wait()
