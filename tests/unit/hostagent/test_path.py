"""Whether another agent can be reached is found out before anything is made there."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from agents.domain.protocol import Failure
from agents.hostagent.failures import failed_from
from agents.hostagent.path import PathClosed, path_prove

pytestmark = pytest.mark.asyncio


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Somebody who listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        yield listening


def address_of(listener: socket.socket) -> str:
    """Return where it listens."""
    return f"127.0.0.1:{listener.getsockname()[1]}"


async def test_an_agent_that_listens_is_reached(listener: socket.socket) -> None:
    await path_prove(address_of(listener), patience_s=0)


async def test_a_port_that_nobody_listens_on_is_told_with_its_reason(listener: socket.socket) -> None:
    address = address_of(listener)
    listener.close()

    with pytest.raises(PathClosed, match=f"{address}: "):
        await path_prove(address, patience_s=0)


@pytest.mark.parametrize("address", ["", "nowhere", "127.0.0.1:", "127.0.0.1:port", "127.0.0.1:99999999"])
async def test_an_address_that_is_none_is_no_path(address: str) -> None:
    with pytest.raises(PathClosed, match="^" + address):
        await path_prove(address, patience_s=0)


async def test_a_short_cut_of_the_line_is_waited_out(listener: socket.socket) -> None:
    address, port = address_of(listener), listener.getsockname()[1]
    listener.close()
    proving = asyncio.create_task(path_prove(address, patience_s=30))
    await asyncio.sleep(0.1)

    with closing(socket.create_server(("127.0.0.1", port))):
        await proving


async def test_a_person_is_told_what_to_open() -> None:
    failed = failed_from(PathClosed("10.0.0.9:7000: no answer"))

    assert failed.code is Failure.PATH_CLOSED
    assert failed.why == "10.0.0.9:7000: no answer"
    assert "firewalls" in failed.remedy
    assert failed.retry
