"""Whatever dies, the guest pays nothing; whoever knocks, the landing goes on."""

import asyncio
import filecmp
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace

import pytest

from agents.hostagent import sending
from agents.hostagent.engine import EngineError
from agents.hostagent.mover import TransferFailed
from agents.hostagent.wire import NO_DIGEST, Encoded, frame_encode
from lab.decode import decode
from lab.progress import NAME, progress_read
from tests.integration.dataplane.conftest import SLOTS, Ends


@pytest.fixture
def torn_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The third frame is not what its digest says; where that was."""
    torn: list[int] = []
    counted = iter(range(1 << 20))

    def encode(offset: int, content: bytes, *, hurry: bool) -> Encoded:
        encoded = frame_encode(offset, content, hurry=hurry)
        if next(counted) != 2:
            return encoded
        torn.append(offset)
        return replace(encoded, frame=replace(encoded.frame, digest=NO_DIGEST))

    monkeypatch.setattr(sending, "frame_encode", encode)
    return torn


async def test_a_frame_torn_on_its_way_is_sent_again(ends: Ends, torn_once: list[int]) -> None:
    done = await ends.full()
    assert len(torn_once) == 1
    assert done.cuts == 1
    assert done.content <= done.planned * 1.15
    assert done.source_roots == done.destination_roots
    assert _equal(ends)


async def test_a_dead_line_costs_the_guest_nothing(ends: Ends) -> None:
    await ends.source.writer_start(rate=500)
    await ends.full()
    ends.passage.link.down = True
    before = _written(ends)
    with pytest.raises(TransferFailed):
        await ends.delta()
    await _goes_on(ends, before)


async def test_a_dead_destination_costs_the_guest_nothing(ends: Ends) -> None:
    await ends.source.writer_start(rate=500)
    await ends.full()
    for disk in await ends.destination.engine.disks():
        over_nbd = {name: replace(export, file=None) for name, export in ends.landing_exports.items()}
        ends.passage.landing_open(disk, over_nbd)
    await ends.destination.machine.daemon.kill()
    before = _written(ends)
    with pytest.raises((TransferFailed, EngineError)):
        await ends.delta()
    await _goes_on(ends, before)
    with suppress(EngineError):  # the landing went with its daemon
        await ends.landing.aclose()


async def test_a_round_by_the_disk_s_file_arrives_though_the_destination_s_daemon_died(ends: Ends) -> None:
    await ends.source.writer_start(rate=500)
    await ends.full()
    assert all(export.file is not None for export in ends.landing_exports.values())
    await ends.destination.machine.daemon.kill()
    await ends.source.writer_stop()
    done = await ends.delta()
    assert done.planned
    assert done.source_roots == done.destination_roots
    assert _equal(ends)
    with suppress(EngineError):  # the landing went with its daemon
        await ends.landing.aclose()


async def test_a_dead_receiver_costs_the_guest_nothing(ends: Ends) -> None:
    await ends.source.writer_start(rate=500)
    await ends.full()
    await asyncio.to_thread(ends.passage.receiver.close)
    before = _written(ends)
    with pytest.raises(TransferFailed):
        await ends.delta()
    await _goes_on(ends, before)


async def test_an_agent_that_left_everything_behind_costs_the_guest_nothing(ends: Ends) -> None:
    await ends.source.writer_start(rate=500)
    closed = await ends.source.engine.swap()
    await ends.source.engine._monitor._qmp.disconnect()  # as by kill -9, with a bitmap closed
    before = _written(ends)
    assert closed == 0
    await _goes_on(ends, before)


@pytest.fixture
def two_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver that serves two connections at a time."""
    monkeypatch.setattr("agents.hostagent.receiver.CONNECTIONS_MAX", 2)


async def test_connections_beyond_the_cap_are_closed_at_once_and_the_copy_goes_on_without_them(
    two_places: None, ends: Ends
) -> None:
    with _strangers(ends, 2):
        assert await asyncio.to_thread(_knock_is_closed, ends)
    await ends.full()
    assert _equal(ends)


@pytest.mark.parametrize(
    "noise",
    [
        pytest.param(b"", id="silence"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="another_protocol"),
        pytest.param(b"\x16\x03\x01\xff\xff" + bytes(4096), id="half_a_hello"),
        pytest.param(bytes(1 << 16), id="zeros"),
    ],
)
async def test_a_stranger_s_noise_does_not_disturb_a_copy(ends: Ends, noise: bytes) -> None:
    with _strangers(ends, 3) as strangers:
        for stranger in strangers:
            with suppress(OSError):
                stranger.sendall(noise)
        await ends.full()
    assert _equal(ends)


@contextmanager
def _strangers(ends: Ends, count: int) -> Iterator[list[socket.socket]]:
    """Connections of nobody."""
    with ExitStack() as stack:
        address = ("127.0.0.1", ends.passage.receiver.port)
        yield [stack.enter_context(socket.create_connection(address)) for _ in range(count)]


def _knock_is_closed(ends: Ends) -> bool:
    with socket.create_connection(("127.0.0.1", ends.passage.receiver.port)) as sock:
        sock.settimeout(10)
        try:
            return sock.recv(1) == b""
        except ConnectionResetError:
            return True


def _written(ends: Ends) -> int:
    return progress_read(ends.source.machine.folder / NAME).last


async def _goes_on(ends: Ends, before: int) -> None:
    """The guest has written on without an error, and everything of it is on its disk."""
    await _until(lambda: _written(ends) > before + 200)
    written = await ends.source.writer_stop()
    decoded = decode(ends.source.images, slots=SLOTS)
    assert progress_read(ends.source.machine.folder / NAME).errors == 0
    assert decoded.exact
    assert decoded.last == written


async def _until(ready: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not ready():
            await asyncio.sleep(0.05)


def _equal(ends: Ends) -> bool:
    return filecmp.cmp(ends.source.images[0], ends.destination.images[0], shallow=False)
