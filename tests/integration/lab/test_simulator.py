"""The vCenter simulator's switches: what was called, hanging, its hosts' door, its own end."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.vsphere.power import guest_shutdown, power_off, power_on
from agents.vsphere.session import session_open
from lab import door as door_module
from lab.door import Door, DoorShut, SeenMachine
from lab.processes import process_alive
from lab.simulator import Simulator, simulator_build

pytestmark = pytest.mark.lab
HOSTS = ("esx1.acme.lab", "esx2.acme.lab")
COUNTED_S = 5.0


@pytest.fixture
async def simulator(binary: Path, short: Path) -> AsyncIterator[Simulator]:
    """Two named hosts, one datastore, no machines."""
    (short / "ds1").mkdir()
    running = await Simulator.start(binary, short, hosts=HOSTS, store=short / "ds1")
    yield running
    await running.stop()


@pytest.fixture
async def door(simulator: Simulator) -> AsyncIterator[Door]:
    async with Door(simulator.door) as opened:
        yield opened


async def seen(door: Door, moid: str) -> SeenMachine:
    return {machine.moid: machine for machine in await door.machines()}[moid]


async def counted(simulator: Simulator, word: str, count: int) -> None:
    async with asyncio.timeout(COUNTED_S):
        while simulator.calls(word) < count:
            await asyncio.sleep(0.02)


async def test_a_machine_is_on_the_host_and_the_datastore_that_were_asked_for(
    simulator: Simulator, door: Door
) -> None:
    moid = await door.machine_create("mail1", HOSTS[1], [1 << 20, 2 << 20])
    made = await seen(door, moid)
    assert (made.name, made.host, made.on, made.plug_pulled) == ("mail1", HOSTS[1], False, False)
    assert [disk.size for disk in made.disks] == [1 << 20, 2 << 20]
    assert {disk.path.parent for disk in made.disks} == {simulator.folder / "ds1" / "mail1"}


async def test_a_host_that_is_not_there_gets_no_machine(door: Door) -> None:
    with pytest.raises(DoorShut, match="not found"):
        await door.machine_create("mail1", "esx9.acme.lab", [1 << 20])
    assert await door.machines() == []


async def test_power_that_is_on_already_is_refused(door: Door) -> None:
    moid = await door.machine_create("mail1", HOSTS[0], [1 << 20])
    await door.power_on(moid)
    with pytest.raises(DoorShut):
        await door.power_on(moid)
    assert (await seen(door, moid)).on


async def test_a_destroyed_machine_is_gone_even_if_it_ran(door: Door) -> None:
    moid = await door.machine_create("mail1", HOSTS[0], [1 << 20])
    await door.power_on(moid)
    await door.destroy(moid)
    assert await door.machines() == []
    with pytest.raises(DoorShut):
        await door.destroy(moid)


async def test_an_order_that_nobody_knows_is_refused_and_the_line_goes_on(simulator: Simulator) -> None:
    reader, writer = await asyncio.open_unix_connection(str(simulator.door))
    writer.write(b'{"op": "fly"}\nno json\n{"op": "list"}\n')
    said = [json.loads(await reader.readline()) for _ in range(3)]
    writer.close()
    assert "no such order: fly" in said[0]["error"]
    assert said[1]["error"]
    assert "error" not in said[2]


async def test_a_pulled_plug_is_told_from_a_guest_that_shut_down(simulator: Simulator, door: Door) -> None:
    pulled = await door.machine_create("pulled", HOSTS[0], [1 << 20])
    asked = await door.machine_create("asked", HOSTS[0], [1 << 20])
    with session_open(simulator.endpoint) as service:
        power_on(service, pulled)
        power_on(service, asked)
        power_off(service, pulled)
        guest_shutdown(service, asked)
    assert (await seen(door, pulled)).plug_pulled
    assert not (await seen(door, asked)).plug_pulled
    assert not (await seen(door, asked)).on


async def test_a_plug_that_was_pulled_once_is_forgotten_with_the_next_power_on(
    simulator: Simulator, door: Door
) -> None:
    moid = await door.machine_create("mail1", HOSTS[0], [1 << 20])
    with session_open(simulator.endpoint) as service:
        power_on(service, moid)
        power_off(service, moid)
        power_on(service, moid)
    assert not (await seen(door, moid)).plug_pulled


async def test_every_call_is_counted_by_its_name_and_the_door_s_are_none(
    simulator: Simulator, door: Door
) -> None:
    moid = await door.machine_create("mail1", HOSTS[0], [1 << 20])
    with session_open(simulator.endpoint) as service:
        power_on(service, moid)
        power_off(service, moid)
        power_on(service, moid)
    await counted(simulator, "PowerOnVM_Task", 2)
    await counted(simulator, "PowerOffVM_Task", 1)
    assert (simulator.calls("CreateVM_Task"), simulator.calls("Snapshot")) == (0, 0)


async def test_somebody_who_takes_a_snapshot_is_seen(simulator: Simulator, door: Door) -> None:
    moid = await door.machine_create("mail1", HOSTS[0], [1 << 20])
    with session_open(simulator.endpoint) as service:
        view = service.content.viewManager.CreateContainerView(service.content.rootFolder, None, True)
        (machine,) = [one for one in view.view if one._moId == moid]
        machine.CreateSnapshot_Task(name="backup", memory=False, quiesce=False)
    await counted(simulator, "Snapshot", 1)


async def test_a_hung_vcenter_answers_nobody_and_is_as_before_when_it_goes_on(
    simulator: Simulator, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    moid = await door.machine_create("mail1", HOSTS[0], [1 << 20])
    monkeypatch.setattr(door_module, "ANSWER_S", 0.2)
    simulator.hang()
    with pytest.raises(DoorShut, match="TimeoutError"):
        await door.machines()
    monkeypatch.undo()
    simulator.go_on()
    assert (await seen(door, moid)).name == "mail1"


async def test_a_hung_one_can_be_ended(simulator: Simulator) -> None:
    simulator.hang()
    async with asyncio.timeout(10):
        await simulator.stop()
    assert simulator.process.returncode is not None


async def test_ending_it_twice_is_no_error_and_its_datastore_stays(simulator: Simulator, door: Door) -> None:
    await door.machine_create("mail1", HOSTS[0], [1 << 20])
    await door.close()
    await simulator.stop()
    await simulator.stop()
    assert (simulator.folder / "ds1" / "mail1").is_dir()


async def test_two_run_side_by_side(binary: Path, simulator: Simulator, short: Path) -> None:
    other = short / "other"
    (other / "ds2").mkdir(parents=True)
    second = await Simulator.start(binary, other, hosts=["esx7"], store=other / "ds2")
    assert second.endpoint.port != simulator.endpoint.port
    assert second.endpoint.fingerprint != simulator.endpoint.fingerprint
    await second.stop()


async def test_one_that_ends_at_once_is_told(short: Path) -> None:
    with pytest.raises(OSError, match="ended at once"):
        await Simulator.start(Path("/bin/false"), short)


async def test_one_that_never_says_where_it_listens_is_ended(short: Path) -> None:
    silent = short / "silent"
    silent.write_text('#!/bin/sh\necho $$ >"$TMPDIR/pid"\nexec sleep 60\n')
    silent.chmod(0o755)
    with pytest.raises(TimeoutError):
        await Simulator.start(silent, short, within_s=1)
    assert not process_alive(int((short / "pid").read_text()), "sleep")


def test_the_binary_is_not_built_again_until_its_source_is_newer(binary: Path) -> None:
    built = binary.stat().st_mtime_ns
    assert simulator_build(binary.parent) == binary
    assert binary.stat().st_mtime_ns == built
    assert os.access(binary, os.X_OK)
