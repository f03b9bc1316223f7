"""A host of the lab: what it does for its machines, and what outlives it."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.decode import decode
from lab.guest import pid_path
from lab.sites import LabSite, PlannedMachine, RunningMachine
from tests.integration.lab.conftest import SLOTS

pytestmark = pytest.mark.lab
MIB = 1 << 20


async def until(ready: Callable[[], bool], seconds: float = 90) -> None:
    async with asyncio.timeout(seconds):
        while not ready():
            await asyncio.sleep(0.02)


async def running(site: LabSite, name: str, disks: int = 1) -> RunningMachine:
    """A machine of that name that has begun to write."""
    await site.machine_make(PlannedMachine(name, "esx1", [16 * MIB] * disks))
    await site.power_on(name)
    machine = await site.machine(name)
    await until(lambda: (machine.folder / "progress").exists() and machine.progress().last > 0)
    return machine


def guest_pid(machine: RunningMachine) -> int:
    return int(pid_path(machine.folder).read_text())


async def test_it_tells_the_agent_what_a_machine_is(site: LabSite) -> None:
    machine = await site.machine_make(PlannedMachine("mail", "esx1", [16 * MIB, 8 * MIB]))

    said = json.loads((machine.folder / "machine.json").read_text())

    assert (said["moid"], said["name"]) == (machine.moid, "mail")
    assert [(disk["name"], disk["size"]) for disk in said["disks"]] == [("0", 16 * MIB), ("1", 8 * MIB)]
    assert [Path(disk["path"]).stat().st_size for disk in said["disks"]] == [16 * MIB, 8 * MIB]
    assert all((machine.folder / name).is_socket() for name in ("agent.qmp", "nbd"))


async def test_a_guest_ends_with_every_write_on_its_disk(site: LabSite) -> None:
    machine = await running(site, "mail", disks=2)

    os.kill(guest_pid(machine), signal.SIGTERM)
    async with asyncio.timeout(10):
        while await site.is_on("mail"):
            await asyncio.sleep(0.05)

    decoded = decode(machine.disks, slots=SLOTS)
    assert decoded.exact
    assert decoded.last == machine.progress().last > 0


async def test_a_guest_told_to_stop_takes_its_own_time(site: LabSite) -> None:
    machine = await running(site, "slow")
    told = time.monotonic()

    os.kill(guest_pid(machine), signal.SIGTERM)
    async with asyncio.timeout(10):
        while await site.is_on("slow"):
            await asyncio.sleep(0.05)

    assert machine.progress().last_at > told + 1.5


async def test_a_killed_host_finds_its_guests_again(site: LabSite) -> None:
    machine = await running(site, "mail")
    guest = guest_pid(machine)

    await site.hosts["esx1"].kill()
    site.hosts["esx1"].start()
    written = machine.progress().last
    await until(lambda: machine.progress().last > written + 100)
    await asyncio.sleep(1)

    assert guest_pid(machine) == guest
    assert machine.progress().errors == 0
    assert await site.is_on("mail")


async def test_a_guest_goes_on_when_its_engine_was_killed(site: LabSite) -> None:
    machine = await running(site, "mail")

    os.kill(int((machine.folder / "daemon.pid").read_text()), signal.SIGKILL)
    written = machine.progress().last
    await until(lambda: machine.progress().last > written + 200)
    os.kill(guest_pid(machine), signal.SIGTERM)
    async with asyncio.timeout(10):
        while await site.is_on("mail"):
            await asyncio.sleep(0.05)

    assert machine.progress().errors > 0
    assert decode(machine.disks, slots=SLOTS).exact


async def test_a_linux_guest_s_writes_are_timed(site: LabSite) -> None:
    machine = await running(site, "tux")

    await until(lambda: machine.progress().last > 50, seconds=60)

    assert machine.progress().errors == 0
    assert 0 < machine.progress().boot_seconds < 60


async def test_a_hung_vcenter_costs_the_guests_nothing(site: LabSite) -> None:
    machine = await running(site, "mail")

    site.simulator.hang()
    written = machine.progress().last
    await asyncio.sleep(2)
    meanwhile = machine.progress().last
    site.simulator.go_on()

    assert meanwhile > written + 200
    assert await site.is_on("mail")


async def test_calls_are_counted_by_name(site: LabSite) -> None:
    await running(site, "mail")

    assert site.simulator.calls("Snapshot") == 0
