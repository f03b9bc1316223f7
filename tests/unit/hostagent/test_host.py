"""What the host's steps share."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from agents.hostagent import host as host_module
from agents.hostagent.engine import EngineGone
from agents.hostagent.failures import StepFailed
from agents.hostagent.freeze import GuestStillRunning
from agents.hostagent.host import Host, MachineFolder, Place, guest_end
from agents.hostagent.journal import Journal

PLACE = Place(unit=UUID(int=7), generation=1, stage="landing")


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    journal = Journal(tmp_path / "journal")
    machines = tmp_path / "machines"
    machines.mkdir()
    yield Host(machines=machines, state=tmp_path / "state", journal=journal, engine_patience_s=0.3)
    journal.close()


def described(host: Host, moid: str) -> Path:
    folder = host.machines / moid
    folder.mkdir()
    described = {"moid": moid, "name": "mail", "disks": [], "survives_power_off": True}
    (folder / "machine.json").write_text(json.dumps(described))
    return folder


class Alive:
    def alive(self) -> bool:
        return True


async def test_a_machine_that_the_host_is_still_making_is_waited_for(host: Host) -> None:
    waiting = asyncio.create_task(host.machine("vm-1"))
    await asyncio.sleep(0.1)
    described(host, "vm-1")
    assert (await waiting).description().name == "mail"


async def test_a_machine_that_never_comes_is_unknown(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host_module, "MACHINE_PATIENCE_S", 0.1)
    with pytest.raises(StepFailed, match="no machine vm-1"):
        await host.machine("vm-1")


@pytest.mark.parametrize("moid", ["", ".", "..", "../vm-1", "a/b", "vm\0"])
async def test_a_moid_that_is_no_file_name_is_refused(host: Host, moid: str) -> None:
    with pytest.raises(StepFailed, match="no machine's name"):
        await host.machine(moid)


async def test_a_machine_without_a_description_is_unknown(host: Host) -> None:
    (host.machines / "vm-1").mkdir()
    with pytest.raises(StepFailed, match="no machine vm-1"):
        MachineFolder(host.machines / "vm-1").description()


async def test_a_daemon_that_does_not_come_back_is_gone(host: Host) -> None:
    folder = MachineFolder(described(host, "vm-1"))
    with pytest.raises(EngineGone):
        async with host.engine(folder):
            pytest.fail("an engine without a daemon")


def test_places_are_found_again(host: Host) -> None:
    host.place_set("vm-1", PLACE)
    host.journal.place_set("vcenter:1", b"{}")
    assert host.places() == {"vm-1": PLACE}


def test_what_is_forgotten_is_gone_from_the_disk_too(host: Host) -> None:
    host.place_set("vm-1", PLACE)
    kept = host.own_folder("vm-1")
    host.forget("vm-1")
    assert host.place("vm-1") is None
    assert not kept.exists()


async def test_one_machine_after_the_other_is_proved(host: Host) -> None:
    order: list[str] = []

    async def prove(name: str) -> None:
        async with host.final_turn():
            order.append(f"{name} frozen")
            await asyncio.sleep(0.02)
            order.append(f"{name} proved")

    await asyncio.gather(prove("a"), prove("b"))
    assert order == ["a frozen", "a proved", "b frozen", "b proved"]


async def test_a_machine_does_not_wait_for_ever_for_another_ones_proof(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(host_module, "FINAL_TURN_S", 0.05)
    async with host.final_turn(), asyncio.timeout(2), host.final_turn():
        assert True
    async with asyncio.timeout(2), host.final_turn():
        assert True


async def test_a_guest_that_does_not_end_is_told() -> None:
    with pytest.raises(GuestStillRunning):
        await guest_end(Alive(), 0.1)
