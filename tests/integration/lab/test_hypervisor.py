"""What stands for ESXi, in this process, against a real simulator: power is true, or it is taken back."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from agents.hostagent.lock import DiskLock
from lab.decode import decode
from lab.door import Door
from lab.estate import HOST, Site, site_run
from lab.guest import NumberedWriter
from lab.hypervisor import Machine

pytestmark = pytest.mark.lab
MIB = 1 << 20
SLOTS = 64
WORKLOADS = {
    "mail": NumberedWriter(slots=SLOTS, rate=500.0),
    "web": NumberedWriter(slots=SLOTS, rate=500.0),
    "slow": NumberedWriter(slots=SLOTS, rate=200.0, linger=0.5),
}


@pytest.fixture
async def site(binary: Path, short: Path) -> AsyncIterator[Site]:
    """One host without machines."""
    async with site_run(binary, short / "s", WORKLOADS) as running:
        yield running


@pytest.fixture
async def door(site: Site) -> AsyncIterator[Door]:
    async with Door(site.simulator.door) as opened:
        yield opened


async def until(seen: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not seen():
            await asyncio.sleep(0.01)


async def off(door: Door, moid: str) -> None:
    """Wait until vCenter has the machine powered off."""
    async with asyncio.timeout(30):
        while any(seen.on for seen in await door.machines() if seen.moid == moid):
            await asyncio.sleep(0.01)


async def writing(site: Site, door: Door, name: str, disks: int = 1) -> tuple[str, Machine]:
    """A machine that was powered on, and whose guest has written."""
    moid = await site.machine_create(name, [MIB] * disks)
    machine = await site.hypervisor.machine(name)
    await door.power_on(moid)
    await until(lambda: machine.guest is not None and machine.guest.written > 10)
    return moid, machine


async def test_a_power_on_starts_a_guest_and_a_power_off_ends_it(site: Site, door: Door) -> None:
    moid, machine = await writing(site, door, "mail", disks=2)
    await door.power_off(moid)
    await until(lambda: machine.guest is None)
    decoded = decode(list(machine.daemon.disks.values()), slots=SLOTS)
    assert decoded.exact
    assert decoded.last > 10


async def test_a_guest_goes_on_from_where_it_was_stopped(site: Site, door: Door) -> None:
    moid, machine = await writing(site, door, "mail")
    await door.power_off(moid)
    await until(lambda: machine.guest is None)
    stopped = decode(list(machine.daemon.disks.values()), slots=SLOTS).last
    await door.power_on(moid)
    await until(lambda: machine.guest is not None and machine.guest.written > 0)
    assert machine.guest is not None
    assert machine.guest.written > stopped


async def test_a_locked_disk_takes_the_power_back(site: Site, door: Door, short: Path) -> None:
    moid = await site.machine_create("mail", [MIB, MIB])
    machine = await site.hypervisor.machine("mail")
    lock = DiskLock.take([machine.daemon.disks["0"]], control=short / "lock")
    await door.power_on(moid)
    await off(door, moid)
    lock.release()
    assert machine.guest is None
    assert machine.daemon.disks["1"].read_bytes() == bytes(MIB)
    await door.power_on(moid)
    await until(lambda: machine.guest is not None and machine.guest.written > 0)


async def test_a_guest_that_ends_by_itself_is_off(site: Site, door: Door) -> None:
    moid, machine = await writing(site, door, "mail")
    assert machine.guest is not None
    await machine.guest.kill()
    await off(door, moid)
    await until(lambda: machine.guest is None)


async def test_vcenter_says_off_while_a_guest_still_writes(site: Site, door: Door) -> None:
    moid, machine = await writing(site, door, "slow")
    await door.power_off(moid)
    await off(door, moid)
    assert machine.guest is not None
    written = machine.guest.written
    await until(lambda: machine.guest is None)
    assert decode(list(machine.daemon.disks.values()), slots=SLOTS).last > written


async def test_a_machine_that_is_destroyed_leaves_nothing(site: Site, door: Door) -> None:
    moid, machine = await writing(site, door, "mail")
    guest, daemon = machine.guest, machine.daemon
    await door.destroy(moid)
    await until(lambda: moid not in site.hypervisor.machines)
    await until(lambda: not machine.folder.exists())
    assert guest is not None
    assert not guest.running
    assert not daemon.running


async def test_an_engine_that_died_is_started_again_under_its_guest(site: Site, door: Door) -> None:
    _, machine = await writing(site, door, "mail")
    assert machine.guest is not None
    process = machine.guest.process.pid
    await machine.daemon.kill()
    written = machine.guest.written
    await until(lambda: machine.guest is not None and machine.guest.written > written + 10)
    assert machine.guest.process.pid == process


async def test_one_machine_s_lost_engine_costs_the_others_nothing(site: Site, door: Door) -> None:
    _, mail = await writing(site, door, "mail")
    _, web = await writing(site, door, "web")
    await mail.daemon.kill()
    assert web.guest is not None
    written = web.guest.written
    await until(lambda: web.guest is not None and web.guest.written > written + 10)
    assert web.daemon.running


async def test_a_new_disk_has_its_size_and_costs_no_room(site: Site) -> None:
    await site.machine_create("mail", [64 * MIB])
    machine = await site.hypervisor.machine("mail")
    disk = machine.daemon.disks["0"]
    assert disk.stat().st_size == 64 * MIB
    assert disk.stat().st_blocks * 512 < MIB


async def test_an_agent_is_told_what_is_there_whole_or_not_at_all(site: Site) -> None:
    moid = await site.machine_create("mail", [MIB])
    machine = await site.hypervisor.machine("mail")
    said = json.loads((machine.folder / "machine.json").read_text())
    assert (said["moid"], said["survives_power_off"]) == (moid, True)
    assert not (machine.folder / "machine.json.new").exists()


async def test_another_host_s_machines_are_not_taken_on(site: Site, door: Door) -> None:
    await site.machine_create("mail", [MIB])
    await site.hypervisor.machine("mail")
    assert {seen.host for seen in await door.machines()} == {HOST}
    assert len(site.hypervisor.machines) == 1


async def test_a_vcenter_that_hangs_is_waited_for(site: Site, door: Door) -> None:
    _, machine = await writing(site, door, "mail")
    site.simulator.hang()
    assert machine.guest is not None
    written = machine.guest.written
    await until(lambda: machine.guest is not None and machine.guest.written > written + 10)
    site.simulator.go_on()
    moid = await site.machine_create("web", [MIB])
    await site.hypervisor.machine("web")
    assert moid in site.hypervisor.machines
