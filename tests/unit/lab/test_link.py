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


async def test_a_cut_ends_what_is_under_way_and_lets_the_next_through(link: Link) -> None:
    port = await link.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    link.cut()
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await reader.readexactly(1)
    writer.close()
    assert await asked(port, b"again") == b"again"


async def test_a_line_that_went_down_ends_what_is_under_way_too(link: Link) -> None:
    port = await link.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello")
    await reader.readexactly(5)
    down = asyncio.create_task(link.down_for(60))
    with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
        await reader.readexactly(1)
    assert await asked(port, b"again") == b""
    down.cancel()
    writer.close()


async def test_all_that_goes_over_a_slow_line_shares_it(link: Link) -> None:
    port = await link.start()
    link.rate = 200_000
    began = time.monotonic()
    said = await asyncio.gather(*[asked(port, bytes(10_000)) for _ in range(3)])
    assert [len(one) for one in said] == [10_000] * 3
    assert time.monotonic() - began >= 2 * 30_000 / 200_000 * 0.9


async def test_only_what_goes_out_is_counted(link: Link) -> None:
    port = await link.start()
    await asked(port, bytes(70_000))
    await asked(port, bytes(30_000))
    assert link.forwarded == 100_000


async def test_a_line_that_was_stopped_has_no_beginning(link: Link) -> None:
    port = await link.start()
    await link.stop()
    with pytest.raises(ConnectionError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_one_that_never_began_can_be_stopped_and_cut() -> None:
    unused = Link()
    unused.cut()
    await unused.stop()


async def test_it_follows_who_comes_back_on_another_port(link: Link, echo: int) -> None:
    port = await link.start()
    link.target_port = 1
    assert await asked(port, b"hello") == b""
    link.target_port = echo
    assert await asked(port, b"hello") == b"hello"
