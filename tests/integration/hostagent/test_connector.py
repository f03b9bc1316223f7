"""The connector on VMware's own simulator, by its killable processes."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.vsphere.properties import BATCH
from tests.integration.hostagent.desk import MIB, Desk, desk_open

pytestmark = pytest.mark.lab


@pytest.fixture
async def desk(binary: Path, tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_open(binary, tmp_path) as desk:
        yield desk


# -- inventory ----------------------------------------------------------------------------------------


async def test_references_come_first_then_objects_then_the_end(desk: Desk) -> None:
    watch = await desk.synced()
    kinds = [body["kind"] for kind, body in desk.told(watch) if kind == "progress"]
    assert kinds[:3] == ["state", "state", "references"]
    assert set(kinds[3:-1]) == {"objects"}
    assert kinds[-1] == "synced"


async def test_a_large_site_comes_in_batches(binary: Path, tmp_path: Path) -> None:
    async with desk_open(binary, tmp_path, machines=300) as desk:
        watch = await desk.synced()
        batches = [len(body["objects"]) for body in desk.bodies(watch, "objects")]
        [references] = desk.bodies(watch, "references")
        machines = [one for one in desk.objects(watch).values() if one["type"] == "vm"]
    assert max(batches) == BATCH
    assert len(references["moids"]["vm"]) == len(machines) == 600


async def test_a_machine_is_told_with_its_disks_and_cards(desk: Desk) -> None:
    watch = await desk.synced()
    machine = desk.objects(watch)["DC0_C0_RP0_VM0"]
    [disk], [nic] = machine["disks"], machine["nics"]
    assert (machine["power"], machine["snapshots"], machine["cpus"]) == ("poweredOn", 0, 1)
    assert (disk["number"], disk["size_bytes"], disk["kind"]) == (0, MIB, "flat")
    assert disk["path"] == "[LocalDS_0] DC0_C0_RP0_VM0/disk1.vmdk"
    assert nic["network_moid"] == desk.objects(watch)["DC0_DVPG0"]["moid"]
    assert nic["mac"].count(":") == 5


async def test_hosts_clusters_and_datastores_are_told(desk: Desk) -> None:
    watch = await desk.synced()
    objects = desk.objects(watch)
    assert objects["DC0_C0_H0"]["cluster_moid"] == objects["DC0_C0"]["moid"]
    assert objects["DC0_H0"]["cluster_moid"] == ""
    assert objects["LocalDS_0"]["free_bytes"] > 0
    assert objects["DC0_DVPG0"]["kind"] == "DistributedVirtualPortgroup"


async def test_a_change_is_told_by_itself(desk: Desk) -> None:
    watch = await desk.synced()
    moid = desk.objects(watch)["DC0_H0_VM0"]["moid"]
    await desk.power("power_off", moid)
    await desk.until(lambda: desk.objects(watch)["DC0_H0_VM0"]["power"] == "poweredOff")


async def test_a_new_machine_is_told_and_a_removed_one_is_gone(desk: Desk) -> None:
    watch = await desk.synced()
    _, created = await desk.create(desk.objects(watch))
    await desk.until(lambda: "mail" in desk.objects(watch))
    await desk.power("remove_machine", created["machine"], marker="unit-1")
    [gone] = await desk.until(lambda: desk.bodies(watch, "gone"))
    assert gone["moids"] == {"vm": [created["machine"]]}


async def test_the_whole_is_told_again_every_so_often(desk: Desk) -> None:
    watch = await desk.synced(resync_s=1)
    await desk.until(lambda: len(desk.bodies(watch, "synced")) == 2)
    first, second = (body["sync"] for body in desk.bodies(watch, "references"))
    assert first != second


async def test_a_new_generation_takes_the_watch_over(desk: Desk) -> None:
    first = await desk.synced()
    await desk.synced(generation=2)
    assert desk.told(first)[-1][0] == "superseded"


async def test_no_snapshot_is_ever_taken(desk: Desk) -> None:
    watch = await desk.synced()
    _, created = await desk.create(desk.objects(watch))
    await desk.power("power_on", created["machine"])
    await asyncio.sleep(0.5)
    assert desk.simulator.calls("Snapshot") == 0


# -- what stands in the way ---------------------------------------------------------------------------


async def test_a_refused_password_is_tried_once_per_generation(desk: Desk) -> None:
    watch = desk.watch(password="wrong")  # noqa: S106
    await desk.until(lambda: "credentials_refused" in desk.states(watch))
    _, refused = await desk.power("power_on", "vm-1", password="wrong")  # noqa: S106
    await asyncio.sleep(0.5)
    assert refused["code"] == "credentials_refused"
    assert desk.simulator.calls("Login") == 1


async def test_a_refused_password_is_not_tried_by_a_restarted_agent(desk: Desk) -> None:
    watch = desk.watch(password="wrong")  # noqa: S106
    await desk.until(lambda: "credentials_refused" in desk.states(watch))
    await desk.executor.stop()
    desk.executor.recover()
    await desk.until(lambda: desk.states(watch).count("credentials_refused") == 2)
    await asyncio.sleep(0.5)
    assert desk.simulator.calls("Login") == 1


async def test_a_new_generation_may_try_a_password_again(desk: Desk) -> None:
    watch = desk.watch(password="wrong")  # noqa: S106
    await desk.until(lambda: "credentials_refused" in desk.states(watch))
    await desk.synced(generation=2)


async def test_an_unknown_certificate_is_shown_and_no_password_is_sent(desk: Desk) -> None:
    watch = desk.watch(fingerprint="")
    await desk.until(lambda: "certificate_unknown" in desk.states(watch))
    await asyncio.sleep(0.5)
    assert desk.bodies(watch, "state")[-1]["fingerprint"] == desk.simulator.endpoint.fingerprint
    assert desk.simulator.calls("Login") == 0


async def test_a_changed_certificate_has_a_state_of_its_own(desk: Desk) -> None:
    watch = desk.watch(fingerprint="0" * 64)
    await desk.until(lambda: "certificate_changed" in desk.states(watch))
    assert desk.bodies(watch, "state")[-1]["fingerprint"] == desk.simulator.endpoint.fingerprint


async def test_an_unreachable_vcenter_is_reached_when_it_is_there_again(desk: Desk) -> None:
    other = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    port = other.sockets[0].getsockname()[1]
    other.close()
    endpoint = desk.simulator.endpoint
    watch = desk.watch(port=port)
    await desk.until(lambda: "unreachable" in desk.states(watch))
    assert endpoint.host in desk.bodies(watch, "state")[-1]["reason"]


async def test_a_hung_vcenter_is_given_up_in_bounded_time_and_found_again(
    binary: Path, tmp_path: Path
) -> None:
    async with desk_open(binary, tmp_path, silence_s=12.0) as desk:
        watch = await desk.synced()
        moid = desk.objects(watch)["DC0_H0_VM0"]["moid"]
        desk.simulator.hang()
        _, failed = await desk.power("power_off", moid)
        await desk.until(lambda: "hung" in desk.states(watch))
        desk.simulator.go_on()
        kind, _ = await desk.power("power_off", moid)
        await desk.until(lambda: desk.states(watch)[-1] == "connected")
    assert failed["code"] == "vcenter_hung"
    assert kind == "succeeded"


# -- machines -----------------------------------------------------------------------------------------


async def test_a_machine_is_created_off_with_the_same_hardware(desk: Desk) -> None:
    watch = await desk.synced()
    kind, created = await desk.create(desk.objects(watch))
    machine = await desk.until(lambda: desk.objects(watch).get("mail"))
    assert (kind, machine["moid"], machine["power"]) == ("succeeded", created["machine"], "poweredOff")
    assert (machine["cpus"], machine["memory_mib"], machine["firmware"]) == (2, 512, "efi")
    assert [disk["size_bytes"] for disk in machine["disks"]] == [8 * MIB, 16 * MIB]
    kept, fresh = machine["nics"]
    assert (kept["mac"], kept["kind"], fresh["kind"]) == ("00:50:56:01:02:03", "vmxnet3", "e1000")
    assert fresh["mac"]


async def test_creating_twice_is_one_machine(desk: Desk) -> None:
    objects = desk.objects(await desk.synced())
    first = await desk.create(objects)
    second = await desk.create(objects)
    assert first == second


async def test_a_name_that_another_machine_has_is_taken(desk: Desk) -> None:
    objects = desk.objects(await desk.synced())
    await desk.create(objects)
    _, failed = await desk.create(objects, marker="unit-2")
    assert failed["code"] == "name_taken"


async def test_power_goes_on_and_off_and_twice_is_once(desk: Desk) -> None:
    _, created = await desk.create(desk.objects(await desk.synced()))
    steps = ("power_on", "power_on", "shut_down", "shut_down", "power_on", "power_off", "power_off")
    ends = [(await desk.power(step, created["machine"]))[0] for step in steps]
    await asyncio.sleep(0.5)
    assert set(ends) == {"succeeded"}
    assert (desk.simulator.calls("PowerOnVM"), desk.simulator.calls("PowerOffVM")) == (2, 1)


async def test_only_a_machine_of_ours_is_removed_and_twice_is_once(desk: Desk) -> None:
    objects = desk.objects(await desk.synced())
    _, created = await desk.create(objects)
    _, refused = await desk.power("remove_machine", objects["DC0_H0_VM0"]["moid"], marker="unit-1")
    await desk.power("power_on", created["machine"])
    first = await desk.power("remove_machine", created["machine"], marker="unit-1")
    second = await desk.power("remove_machine", created["machine"], marker="unit-1")
    assert refused["code"] == "vcenter_refused"
    assert (first[0], second[0]) == ("succeeded", "succeeded")


async def test_an_unknown_machine_has_a_code(desk: Desk) -> None:
    _, failed = await desk.power("power_on", "vm-9999")
    assert failed["code"] == "machine_unknown"


async def test_a_session_that_has_ended_is_opened_again(desk: Desk) -> None:
    moid = desk.objects(await desk.synced())["DC0_H0_VM0"]["moid"]
    await desk.power("power_off", moid)
    process = next(one for key, one in desk.connector._processes.items() if not key[1])._process
    assert process is not None
    os.kill(process.pid, 9)
    kind, _ = await desk.power("power_on", moid)
    again, _ = await desk.power("power_on", moid)
    assert "succeeded" in (kind, again)


async def test_a_password_sealed_to_another_agent_has_a_code(desk: Desk) -> None:
    desk.public = bytes(range(1, 33))
    _, failed = await desk.power("power_on", "vm-1")
    assert failed["code"] == "credentials_refused"
