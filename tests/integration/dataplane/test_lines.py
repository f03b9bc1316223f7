"""Several connections for one disk: more while that helps, one session for all of them."""

import asyncio
import filecmp

import pytest

from tests.integration.dataplane.conftest import MIB, Ends


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every line is long, and every further connection seems to help."""
    monkeypatch.setattr("agents.hostagent.sending.LONG_RTT_S", 0.0)
    monkeypatch.setattr("agents.hostagent.sending.GROW_EVERY_S", 0.1)
    monkeypatch.setattr("agents.hostagent.sending.GROWS", 0.0)


async def test_a_short_line_gets_one_connection(ends: Ends) -> None:
    ends.passage.bucket.rate = 30.0 * MIB
    done = await ends.full()
    assert done.connections == 1


@pytest.mark.usefixtures("eager")
async def test_many_connections_carry_one_disk(ends: Ends) -> None:
    ends.passage.bucket.rate = 40.0 * MIB

    done = await ends.full()

    assert done.connections >= 8
    assert done.cuts == 0
    assert done.content == done.planned
    assert done.source_roots == done.destination_roots
    assert filecmp.cmp(ends.source.images[0], ends.destination.images[0], shallow=False)


@pytest.mark.usefixtures("eager")
async def test_all_connections_share_one_throttle(ends: Ends) -> None:
    ends.passage.bucket.rate = 30.0 * MIB
    done = await ends.full()
    assert done.wire / done.took.total_seconds() < 31.5 * MIB


@pytest.mark.usefixtures("eager")
async def test_a_cut_of_many_connections_costs_one_window(ends: Ends) -> None:
    ends.passage.bucket.rate = 40.0 * MIB
    copying = asyncio.create_task(ends.full())
    while ends.passage.link.forwarded < 40 * MIB:
        await asyncio.sleep(0.01)
    ends.passage.link.cut()

    done = await copying

    assert done.cuts == 1
    assert done.content <= done.planned * 1.15
    assert filecmp.cmp(ends.source.images[0], ends.destination.images[0], shallow=False)


@pytest.mark.usefixtures("eager")
async def test_a_destination_that_takes_no_more_connections_costs_nothing(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.hostagent.landing.CONNECTIONS_MAX", 2)
    ends.passage.bucket.rate = 40.0 * MIB

    done = await ends.full()

    assert done.connections == 2
    assert done.cuts == 0
