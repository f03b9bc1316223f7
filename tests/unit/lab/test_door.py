"""A host's way to its vCenter: what it asks, and what it makes of one that hangs, dies or talks nonsense."""

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from lab import door as module
from lab.door import Door, DoorShut, SeenDisk, SeenMachine

Answer = Callable[[dict[str, Any]], bytes]
MACHINE = {
    "moid": "vm-7",
    "name": "mail1",
    "host": "esx1",
    "on": True,
    "plug": False,
    "disks": [{"path": "[ds1] mail1/disk0.vmdk", "size": 1024}],
}


@pytest.fixture
def socket() -> Iterator[Path]:
    """A short name for a socket."""
    with tempfile.TemporaryDirectory(prefix="lf-") as folder:
        yield Path(folder) / "door"


def spoken(**said: Any) -> bytes:
    return json.dumps(said).encode() + b"\n"


@asynccontextmanager
async def vcenter(path: Path, answer: Answer) -> AsyncIterator[list[dict[str, Any]]]:
    """Somebody who answers at the door; what was asked so far."""
    asked: list[dict[str, Any]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            asked.append(json.loads(line))
            if not (said := answer(asked[-1])):
                break
            writer.write(said)
            await writer.drain()
        writer.close()

    server = await asyncio.start_unix_server(serve, str(path))
    try:
        yield asked
    finally:
        server.close()
        path.unlink(missing_ok=True)


async def test_a_machine_s_disks_are_files_of_its_datastore(socket: Path) -> None:
    said = spoken(machines=[MACHINE], datastores={"ds1": "/lab/n/ds1"})
    async with vcenter(socket, lambda _: said), Door(socket) as door:
        (seen,) = await door.machines()
    disk = SeenDisk(Path("/lab/n/ds1/mail1/disk0-flat.vmdk"), 1024)
    assert seen == SeenMachine("vm-7", "mail1", "esx1", True, False, (disk,))


async def test_a_vcenter_without_machines_has_none(socket: Path) -> None:
    async with vcenter(socket, lambda _: spoken()), Door(socket) as door:
        assert await door.machines() == []


@pytest.mark.parametrize("verb", ["power_on", "power_off", "destroy"])
async def test_an_order_names_its_machine(socket: Path, verb: str) -> None:
    async with vcenter(socket, lambda _: spoken()) as asked, Door(socket) as door:
        order: Callable[[str], Awaitable[None]] = getattr(door, verb)
        await order("vm-7")
    assert asked == [{"op": verb, "moid": "vm-7"}]


async def test_a_new_machine_is_told_by_its_moid(socket: Path) -> None:
    async with vcenter(socket, lambda _: spoken(moid="vm-9")) as asked, Door(socket) as door:
        assert await door.machine_create("web1", "esx1", [1 << 20, 2 << 20]) == "vm-9"
    assert asked[0]["sizes"] == [1 << 20, 2 << 20]
    assert (asked[0]["host"], asked[0]["cpus"]) == ("esx1", 1)


async def test_a_refusal_is_told_in_vcenter_s_words(socket: Path) -> None:
    async with vcenter(socket, lambda _: spoken(error="The operation is not allowed.")), Door(socket) as door:
        with pytest.raises(DoorShut, match="not allowed"):
            await door.power_on("vm-7")


async def test_after_a_refusal_the_next_order_goes_through(socket: Path) -> None:
    said = iter([spoken(error="Busy."), spoken()])
    async with vcenter(socket, lambda _: next(said)), Door(socket) as door:
        with pytest.raises(DoorShut):
            await door.power_on("vm-7")
        await door.power_on("vm-7")


async def test_nobody_there_is_a_shut_door(socket: Path) -> None:
    async with Door(socket) as door:
        with pytest.raises(DoorShut, match="FileNotFoundError"):
            await door.machines()


async def test_one_that_hangs_is_a_shut_door(socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_S", 0.05)
    hung = asyncio.Event()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await hung.wait()
        writer.close()

    server = await asyncio.start_unix_server(never, str(socket))
    async with Door(socket) as door:
        with pytest.raises(DoorShut, match="TimeoutError"):
            await door.machines()
    hung.set()
    server.close()


async def test_one_that_hangs_up_is_a_shut_door(socket: Path) -> None:
    async with vcenter(socket, lambda _: b""), Door(socket) as door:
        with pytest.raises(DoorShut, match="IncompleteReadError"):
            await door.machines()


async def test_nonsense_is_a_shut_door(socket: Path) -> None:
    async with vcenter(socket, lambda _: b"<html>\n"), Door(socket) as door:
        with pytest.raises(DoorShut):
            await door.machines()


async def test_a_vcenter_that_came_back_is_asked_on_a_new_line(socket: Path) -> None:
    async with Door(socket) as door:
        async with vcenter(socket, lambda _: b""):
            with pytest.raises(DoorShut):
                await door.machines()
        async with vcenter(socket, lambda _: spoken(machines=[])):
            assert await door.machines() == []


async def test_orders_of_many_do_not_mix(socket: Path) -> None:
    async with vcenter(socket, lambda order: spoken(moid=order["name"])), Door(socket) as door:
        made = await asyncio.gather(*[door.machine_create(f"m{n}", "esx1", []) for n in range(20)])
    assert made == [f"m{n}" for n in range(20)]


async def test_closing_twice_is_no_error(socket: Path) -> None:
    async with vcenter(socket, lambda _: spoken()), Door(socket) as door:
        await door.machines()
        await door.close()
        await door.close()
