"""Deaths at the worst moments: of the agents at their barriers, and of the storage daemons under them."""

import asyncio
import signal
from pathlib import Path

import pytest

from lab.processes import Found
from tests.integration.hostagent.chain import MIB, Chain, chain_up
from tests.integration.hostagent.portal import SmallPortal

pytestmark = pytest.mark.lab


def dying(agent: str, point: str, folder: Path) -> dict[str, dict[str, str]]:
    """The environment in which that agent dies once at that point."""
    marker = folder.parent / f"{folder.name}-died"
    return {agent: {"LANDFALL_DIE_AT": point, "LANDFALL_DIE_ONCE": str(marker)}}


async def moved(chain: Chain) -> None:
    """The whole way forth; the roots are equal, and the guest goes on where it stopped."""
    await chain.until_frozen()
    stopped_at = chain.machine.progress().last
    await chain.switched()
    await chain.started()
    near, far = await chain.verified()
    assert near == far
    assert (await chain.far_machine()).progress().first == stopped_at + 1


async def daemon_kill(folder: Path) -> None:
    """kill -9 of a machine's storage daemon; its host starts another."""
    found = Found.by_file(folder / "daemon.pid", str(folder))
    assert found is not None
    await found.end(signal.SIGKILL)
    async with asyncio.timeout(30):
        while (again := Found.by_file(folder / "daemon.pid", str(folder))) is None or again.pid == found.pid:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    "point",
    [
        "sync.started",
        "sync.mid",
        "sync.done",
        "freeze.started",
        "freeze.frozen",
        "freeze.done",
        "verify_source.done",
    ],
)
async def test_a_machine_moves_though_its_source_agent_dies(
    point: str, binary: Path, tmp_path: Path, portal: SmallPortal
) -> None:
    async with chain_up(binary, tmp_path, portal, environments=dying("acme-1", point, tmp_path)) as chain:
        reviving = asyncio.create_task(chain.restarted(chain.source))
        await moved(chain)
        await reviving


@pytest.mark.parametrize(
    "point",
    ["open_landing.done", "switch.closed", "switch.released", "switch.done", "check_running.started"],
)
async def test_a_machine_moves_though_its_destination_agent_dies(
    point: str, binary: Path, tmp_path: Path, portal: SmallPortal
) -> None:
    async with chain_up(binary, tmp_path, portal, environments=dying("provider-1", point, tmp_path)) as chain:
        reviving = asyncio.create_task(chain.restarted(chain.destination))
        await moved(chain)
        await reviving


@pytest.mark.parametrize(
    ("agent", "point"),
    [
        ("provider-1", "fence_destination.locked"),
        ("provider-1", "release_destination.done"),
        ("acme-1", "release_source.unlocked"),
    ],
)
async def test_a_machine_goes_back_though_an_agent_dies(
    agent: str, point: str, binary: Path, tmp_path: Path, portal: SmallPortal
) -> None:
    async with chain_up(binary, tmp_path, portal, environments=dying(agent, point, tmp_path)) as chain:
        dies = next(one for one in chain.pair.agents if one.name == agent)
        reviving = asyncio.create_task(chain.restarted(dies))
        await chain.until_running()
        stopped_at = chain.machine.progress().last
        await chain.rolled_back()
        await reviving
        async with asyncio.timeout(20):
            while chain.machine.progress().first <= stopped_at:
                await asyncio.sleep(0.1)


async def test_the_view_is_found_again_by_the_next_agent(
    binary: Path, tmp_path: Path, portal: SmallPortal
) -> None:
    async with chain_up(binary, tmp_path, portal) as chain:
        await chain.until_running()
        await chain.destination.kill()
        chain.destination.start()
        near, far = await chain.verified()
    assert near == far


async def test_after_the_source_daemons_death_a_round_goes_by_digests(
    binary: Path, tmp_path: Path, portal: SmallPortal
) -> None:
    async with chain_up(binary, tmp_path, portal) as chain:
        await chain.until_synced()
        await daemon_kill(chain.machine.folder)
        again = await chain.synced(2)
        await chain.shut_down()
        await chain.frozen()
        await chain.switched()
        await chain.started()
        near, far = await chain.verified()
    assert again["content"] < 4 * MIB
    assert near == far


async def test_after_the_destination_daemons_death_the_landing_is_opened_again(
    binary: Path, tmp_path: Path, portal: SmallPortal
) -> None:
    async with chain_up(binary, tmp_path, portal) as chain:
        await chain.until_synced()
        await daemon_kill((await chain.far_machine()).folder)
        await chain.synced(2)
        await chain.shut_down()
        await chain.frozen()
        await chain.switched()
        await chain.started()
        near, far = await chain.verified()
    assert near == far


async def test_a_view_that_went_with_its_daemon_is_told_as_broken(
    binary: Path, tmp_path: Path, portal: SmallPortal
) -> None:
    async with chain_up(binary, tmp_path, portal) as chain:
        await chain.until_running()
        await daemon_kill((await chain.far_machine()).folder)
        body = {"machine": chain.far_moid}
        end = await chain.tell(chain.destination, "verify_destination", body)
    assert end["body"]["code"] == "view_broken"
