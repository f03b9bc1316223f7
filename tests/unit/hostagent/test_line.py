"""The source's end of the line: whose limit holds, and which ticket is shown."""

import asyncio
import base64
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from agents.domain.protocol import Ticket, canonical
from agents.hostagent.executor import Order
from agents.hostagent.line import Line, _expires
from agents.hostagent.portal import Portal, PortalUnreachable

MIB = 1 << 20


class Tickets:
    """A portal that gives tickets, or does not."""

    def __init__(self) -> None:
        self.asked: list[tuple[UUID, str]] = []
        self.away = False

    async def ticket(self, command: UUID, disk: str) -> str:
        self.asked.append((command, disk))
        if self.away:
            raise PortalUnreachable("it is away")
        return sealed(3600)


def sealed(seconds: float) -> str:
    """A ticket that expires so long from now; nobody here looks at its signature."""
    ticket = Ticket(
        unit=UUID(int=7),
        generation=1,
        machine="vm-1",
        disk="0",
        size=MIB,
        direction="push",
        source="aa",
        destination="bb",
        expires=int(time.time() + seconds),
    )
    return base64.urlsafe_b64encode(canonical(ticket)).rstrip(b"=").decode() + ".signature"


@pytest.fixture
def portal() -> Tickets:
    return Tickets()


@pytest.fixture
def line(portal: Tickets, tmp_path: Path) -> Line:
    nobody = cast(Any, SimpleNamespace())
    return Line(host=nobody, identity=nobody, authority="", portal=cast(Portal, portal))


def order(ticket: str) -> Order:
    body = SimpleNamespace(tickets={"0": ticket})
    return cast(Order, SimpleNamespace(body=body, command=SimpleNamespace(id=uuid4())))


async def shown(line: Line, given: Order, disk: str = "0", times: int = 1) -> list[bytes]:
    """What the mover's thread is given for its connections."""
    supply = line._tickets(given, disk)
    return [await asyncio.to_thread(supply) for _ in range(times)]


def test_rounds_of_one_limit_share_it(line: Line) -> None:
    assert line._bucket(10 * MIB) is line._bucket(10 * MIB)
    assert line._bucket(10 * MIB).rate == 10.0 * MIB


def test_a_round_without_a_limit_takes_away_nobody_else_s(line: Line) -> None:
    limited = line._bucket(10 * MIB)
    free = line._bucket(0)
    assert free.rate is None
    assert limited.rate == 10.0 * MIB


def test_another_limit_does_not_change_the_one_that_holds(line: Line) -> None:
    slow, fast = line._bucket(MIB), line._bucket(50 * MIB)
    assert (slow.rate, fast.rate) == (1.0 * MIB, 50.0 * MIB)


async def test_a_fresh_ticket_is_shown_as_it_is(line: Line, portal: Tickets) -> None:
    ticket = sealed(900)
    assert await shown(line, order(ticket), times=3) == [ticket.encode()] * 3
    assert portal.asked == []


async def test_a_ticket_that_grows_old_is_renewed_once(line: Line, portal: Tickets) -> None:
    given = order(sealed(30))
    first, second = await shown(line, given, times=2)
    assert first == second != given.body.tickets["0"].encode()
    assert portal.asked == [(given.command.id, "0")]


async def test_the_old_one_is_shown_while_the_portal_is_away(line: Line, portal: Tickets) -> None:
    portal.away = True
    ticket = sealed(30)
    assert await shown(line, order(ticket)) == [ticket.encode()]


async def test_it_is_asked_again_when_the_portal_is_back(line: Line, portal: Tickets) -> None:
    portal.away = True
    given = order(sealed(30))
    supply = line._tickets(given, "0")
    before = await asyncio.to_thread(supply)
    portal.away = False
    assert await asyncio.to_thread(supply) != before


async def test_a_disk_without_a_ticket_gets_one(line: Line, portal: Tickets) -> None:
    given = order(sealed(900))
    [ticket] = await shown(line, given, disk="1")
    assert _expires(ticket.decode()) > time.time()
    assert portal.asked == [(given.command.id, "1")]


@pytest.mark.parametrize("ticket", ["", ".", "no ticket", "e30.x", "\N{SNOWMAN}.x"])
def test_what_cannot_be_read_has_expired(ticket: str) -> None:
    assert _expires(ticket) == 0.0
