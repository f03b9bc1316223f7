"""A machine's whole way, forth and back, by two agents of real processes on the lab."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.domain.protocol import DiskShape, Freeze, Machine, Validate
from tests.integration.hostagent.chain import MIB, Chain, chain_up
from tests.integration.hostagent.portal import SmallPortal

pytestmark = pytest.mark.lab


@pytest.fixture
async def chain(binary: Path, tmp_path: Path, portal: SmallPortal) -> AsyncIterator[Chain]:
    async with chain_up(binary, tmp_path, portal) as chain:
        yield chain


async def test_a_machine_moves_and_goes_on_where_it_stopped(chain: Chain) -> None:
    validated = await chain.validated()
    await chain.until_synced()
    second = await chain.synced(2)
    await chain.shut_down()
    final = await chain.frozen()
    stopped_at = chain.machine.progress().last
    await chain.switched()
    await chain.started()
    near, far = await chain.verified()
    going_on = (await chain.far_machine()).progress()
    await chain.released()
    assert validated["guest_running"]
    assert validated["survives_power_off"]
    assert 0 < second["planned"] < 8 * MIB
    assert final["freeze_to_verified_s"] <= 0.5
    assert near == far
    assert going_on.first == stopped_at + 1 > 1


async def test_two_disks_move_as_one(binary: Path, tmp_path: Path, portal: SmallPortal) -> None:
    async with chain_up(binary, tmp_path, portal, sizes=[32 * MIB, 32 * MIB]) as chain:
        await chain.until_running()
        near, far = await chain.verified()
    assert near == far
    assert sorted(near) == ["0", "1"]


async def test_frozen_is_told_before_the_last_round(chain: Chain) -> None:
    await chain.until_synced()
    await chain.shut_down()
    given = await chain.give(chain.source, "freeze", chain.freeze_body())
    await chain.portal.ended(given)
    [told] = given.progress()
    assert told["frozen"]
    assert told["exports_closed"] == ["0"]


async def test_a_guest_that_does_not_end_is_not_frozen(chain: Chain) -> None:
    await chain.until_synced()
    body: Freeze = chain.freeze_body(deadline_s=0.5)
    end = await chain.tell(chain.source, "freeze", body)
    assert end["body"]["code"] == "guest_still_running"
    assert chain.machine.folder.joinpath("guest.presence").exists()


async def test_a_machine_goes_back_and_its_copy_is_removed(chain: Chain) -> None:
    await chain.until_running()
    stopped_at = chain.machine.progress().last
    await chain.rolled_back()
    async with asyncio.timeout(20):
        while chain.machine.progress().first <= stopped_at:
            await asyncio.sleep(0.1)
    kept = chain.destination.state / "machines" / chain.far_moid
    async with asyncio.timeout(20):
        while kept.exists():
            await asyncio.sleep(0.1)
    assert chain.machine.progress().first == stopped_at + 1


async def test_a_fenced_copy_cannot_be_started_even_after_its_release(chain: Chain) -> None:
    await chain.until_running()
    await chain.fenced()
    await chain.do(chain.destination, "release_destination", Machine(machine=chain.far_moid))
    far = await chain.far_machine()
    written = far.progress().last
    await chain.do(chain.pair.far_connector, "power_on", chain.far_power())
    await asyncio.sleep(2)
    assert far.progress().last == written


async def test_disks_that_differ_are_told_with_both_sizes(chain: Chain) -> None:
    body = Validate(machine=chain.machine.moid, disks=(DiskShape(name="0", size=MIB),))
    end = await chain.tell(chain.source, "validate", body)
    assert end["body"]["code"] == "disks_differ"
    assert str(64 * MIB) in end["body"]["why"]


async def test_a_machine_that_the_host_does_not_have_is_unknown(chain: Chain) -> None:
    end = await chain.tell(chain.source, "validate", Validate(machine="vm-9999", disks=()))
    assert end["body"]["code"] == "machine_unknown"


async def test_a_machine_cannot_be_named_by_a_path(chain: Chain) -> None:
    end = await chain.tell(chain.source, "validate", Validate(machine="../near-1/vm-1", disks=()))
    assert end["body"]["code"] == "bad_command"


async def test_switching_what_never_landed_is_a_bad_command(chain: Chain) -> None:
    await chain.created()
    end = await chain.tell(chain.destination, "switch", Machine(machine=chain.far_moid))
    assert end["body"]["code"] == "bad_command"


async def test_a_guest_that_is_not_started_does_not_run(chain: Chain) -> None:
    await chain.until_frozen()
    await chain.switched()
    body = Machine(machine=chain.far_moid, deadline_s=1)
    end = await chain.tell(chain.destination, "check_running", body)
    assert end["body"]["code"] == "guest_not_running"


async def test_a_new_generation_ends_a_freeze_that_waits(chain: Chain) -> None:
    await chain.until_synced()
    waiting = await chain.give(chain.source, "freeze", chain.freeze_body(deadline_s=60))
    await chain.portal.until(lambda: waiting.accepted)
    chain.generation, chain.seq = 2, 0
    await chain.do(chain.source, "release_source", Machine(machine=chain.machine.moid))
    end = await chain.portal.ended(waiting)
    before = chain.machine.progress().last
    await asyncio.sleep(0.5)
    assert end["kind"] == "superseded"
    assert chain.machine.progress().last > before
