"""The line between two sites, and what can be made to go wrong on it."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from lab.link import Link


@pytest.fixture
async def echo() -> AsyncIterator[int]:
    """The port of somebody who says everything again."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield int(server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()


@pytest.fixture
async def link(echo: int) -> AsyncIterator[Link]:
    made = Link(echo)
    yield made
    await made.stop()


async def asked(port: int, words: bytes) -> bytes:
    """What comes back before the line ends or all is there."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(words)
        return await reader.readexactly(len(words))
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
    finally:
        writer.close()


async def test_what_goes_in_comes_out(link: Link) -> None:
    port = await link.start()
    assert await asked(port, b"hello") == b"hello"
    assert link.forwarded == 5


async def test_a_line_that_is_down_lets_nobody_through(link: Link) -> None:
    port = await link.start()
    link.down = True
    assert await asked(port, b"hello") == b""


async def test_it_comes_up_again_by_itself(link: Link) -> None:
    port = await link.start()
    await link.down_for(0.05)
    assert await asked(port, b"hello") == b"hello"


async def test_a_slow_line_takes_its_time(link: Link) -> None:
    port = await link.start()
    link.rate = 100_000
    began = time.monotonic()
    assert len(await asked(port, bytes(20_000))) == 20_000
    assert time.monotonic() - began >= 0.2


async def test_nobody_at_the_far_end_is_a_cut_line(link: Link) -> None:
    port = await link.start()
    link.target_port = 1
    assert await asked(port, b"hello") == b""
