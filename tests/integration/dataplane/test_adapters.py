"""A host's steps do not know which engine a machine has: the host looks what answers in its folder."""

import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest

from agents.domain.protocol import DiskShape, Machine, Validate, Validated
from agents.hostagent.engine import EngineAbsent
from agents.hostagent.engine_qemu import QemuEngine
from agents.hostagent.engine_qsd import StorageDaemonEngine
from agents.hostagent.executor import Order
from agents.hostagent.failures import StepFailed
from agents.hostagent.host import Host, MachineFolder, Place
from agents.hostagent.journal import Journal
from agents.hostagent.line import Line
from agents.hostagent.lock import DiskLock
from agents.hostagent.source import SourceSteps
from lab.daemon import StorageDaemon
from lab.guest import presence_path
from tests.integration.dataplane.conftest import MIB, disk_blank, lock_end
from tests.integration.dataplane.inside import SIZE, Inside, bare_run, until


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    journal = Journal(tmp_path / "journal")
    (tmp_path / "state").mkdir()
    yield Host(machines=tmp_path, state=tmp_path / "state", journal=journal, engine_patience_s=0.3)
    journal.close()


@pytest.fixture
def steps(host: Host) -> SourceSteps:
    return SourceSteps(host, cast(Line, None))


@pytest.fixture
async def behind(tmp_path: Path) -> AsyncIterator[StorageDaemon]:
    """A machine behind a storage daemon."""
    disk = disk_blank(tmp_path / "behind.raw", SIZE)
    folder = tmp_path / "behind"
    folder.mkdir()
    presence_path(folder).touch()
    described(folder, disk, survives=True)
    daemon = StorageDaemon(folder, {"0": disk})
    await daemon.start()
    yield daemon
    await daemon.stop()


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Inside]:
    """A machine whose disk is in its own QEMU; its host does not say that it survives."""
    async with bare_run(tmp_path / "inside") as running:
        described(tmp_path / "inside", running.disk, survives=False)
        yield running


def described(folder: Path, disk: Path, *, survives: bool) -> None:
    shape = {"name": "0", "size": disk.stat().st_size, "path": str(disk)}
    said = {"moid": folder.name, "name": "mail", "disks": [shape], "survives_power_off": survives}
    (folder / "machine.json").write_text(json.dumps(said))


def order(body: Any) -> Order:
    return cast(Order, _Given(body))


class _Given:
    def __init__(self, body: Any) -> None:
        self.body = body


async def validated(steps: SourceSteps, machine: str, size: int = SIZE) -> Validated:
    return await steps.validate(order(Validate(machine=machine, disks=(DiskShape(name="0", size=size),))))


async def test_behind_a_storage_daemon_it_is_the_storage_daemon(
    behind: StorageDaemon, steps: SourceSteps
) -> None:
    told = await validated(steps, "behind")
    assert told.engine == "qemu-storage-daemon"
    assert told.survives_power_off
    assert not told.guest_running


async def test_inside_a_qemu_it_is_that_qemu_and_its_own_command_line_is_believed(
    inside: Inside, steps: SourceSteps
) -> None:
    told = await validated(steps, "inside")
    assert told.engine == "qemu"
    assert told.survives_power_off


async def test_each_machine_gets_its_own_adapter(behind: StorageDaemon, inside: Inside, host: Host) -> None:
    async with host.engine(MachineFolder(behind.folder)) as engine:
        assert isinstance(engine, StorageDaemonEngine)
    async with host.engine(MachineFolder(inside.folder)) as engine:
        assert isinstance(engine, QemuEngine)
        assert [disk.path for disk in await engine.disks()] == [inside.disk]


async def test_disks_of_another_size_are_told_whichever_engine_it_is(
    inside: Inside, steps: SourceSteps
) -> None:
    with pytest.raises(StepFailed) as refused:
        await validated(steps, "inside", size=MIB)
    assert str(SIZE) in refused.value.failed.why


async def test_an_engine_that_is_not_there_is_told_as_absent(
    behind: StorageDaemon, steps: SourceSteps
) -> None:
    await behind.kill()
    with pytest.raises(EngineAbsent):
        await validated(steps, "behind")


async def test_a_release_needs_no_engine_that_has_ended_and_frees_the_disk(
    inside: Inside, steps: SourceSteps, host: Host
) -> None:
    await inside.guest.kill()
    host.place_set("inside", Place(unit=UUID(int=7), generation=1, stage="delta"))
    DiskLock.take([inside.disk], control=host.control("inside"))

    await steps.release(order(Machine(machine="inside")))

    again = DiskLock.take([inside.disk], control=inside.folder / "other")
    again.release()
    assert host.place("inside") is None


async def test_a_release_leaves_a_running_qemu_as_it_was(
    inside: Inside, steps: SourceSteps, host: Host
) -> None:
    async with host.engine(MachineFolder(inside.folder)) as engine:
        await engine.attach(known=False)
    await steps.release(order(Machine(machine="inside")))
    async with inside.connect() as again:
        assert not any(node.get("dirty-bitmaps") for node in (await again._monitor.nodes()).values())
    assert inside.guest.running


async def test_a_frozen_disk_that_nobody_locked_is_not_verified(inside: Inside, steps: SourceSteps) -> None:
    lock_end(inside.folder / "lock")
    with pytest.raises(Exception, match="not locked"):
        await steps.verify(order(Machine(machine="inside")))


async def test_a_plain_disk_is_read_by_its_own_file(
    behind: StorageDaemon, inside: Inside, host: Host
) -> None:
    for folder, disk in ((behind.folder, behind.disks["0"]), (inside.folder, inside.disk)):
        async with host.engine(MachineFolder(folder)) as engine:
            await engine.attach(known=False)
            async with engine.delta(None) as exports:
                assert exports["0"].file is not None
                assert exports["0"].file.path == disk


async def test_a_file_that_took_the_disk_s_name_is_not_the_disk(behind: StorageDaemon, host: Host) -> None:
    disk = behind.disks["0"]
    shutil.copy(disk, disk.with_suffix(".new"))
    disk.with_suffix(".new").replace(disk)
    async with host.engine(MachineFolder(behind.folder)) as engine:
        await engine.attach(known=False)
        async with engine.delta(None) as exports:
            assert exports["0"].file is None


async def test_a_disk_that_goes_past_the_page_cache_is_read_through_its_daemon(tmp_path: Path) -> None:
    disk = disk_blank(tmp_path / "direct.raw", SIZE)
    argv = ["qemu-storage-daemon", "--chardev", f"socket,id=m,path={tmp_path / 'qmp'},server=on,wait=off"]
    argv += ["--monitor", "chardev=m", "--nbd-server", f"addr.type=unix,addr.path={tmp_path / 'nbd'}"]
    argv += ["--blockdev", f"file,node-name=file-0,filename={disk},cache.direct=on"]
    argv += ["--blockdev", "raw,node-name=disk-0,file=file-0"]
    daemon = subprocess.Popen(argv)
    try:
        await until((tmp_path / "nbd").exists)
        connection = StorageDaemonEngine.connect(qmp_socket=tmp_path / "qmp", nbd_socket=tmp_path / "nbd")
        async with connection as engine:
            await engine.attach(known=False)
            async with engine.delta(None) as exports:
                assert exports["0"].file is None
    finally:
        daemon.terminate()
        daemon.wait()


async def test_a_disk_that_is_not_raw_is_read_through_its_daemon(behind: StorageDaemon, host: Host) -> None:
    async with host.engine(MachineFolder(behind.folder)) as engine:
        assert isinstance(engine, StorageDaemonEngine)
        node = (await engine._monitor.nodes())["disk-0"]
        assert engine._plain_file(node, writable=True) is not None
        assert engine._plain_file(node | {"drv": "qcow2"}, writable=True) is None
        larger = node["image"] | {"virtual-size": SIZE + 512}
        assert engine._plain_file(node | {"image": larger}, writable=True) is None
