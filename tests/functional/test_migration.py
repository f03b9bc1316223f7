"""A tenant moves machines by the portal's API, on real disks, daemons, agents and vCenters."""

from pathlib import Path
from typing import Any

import pytest

from lab.decode import decode
from lab.evidence import destination_image, source_image
from lab.faults.ground import SLOTS, Ground
from lab.sites import RunningMachine
from lab.story import Journey, until
from tests.ground import ON_THE_ESTATE

pytestmark = ON_THE_ESTATE


async def cut_over(ground: Ground, name: str) -> Journey:
    """The machine of that name, verified at its destination and waiting for the commit."""
    journey = await ground.story.group(name, {name: 1})
    await journey.ask("start")
    await journey.reach("ready")
    await journey.confirmed("cutover")
    await journey.reach("awaiting_commit")
    return journey


async def writing(machine: RunningMachine, above: int) -> None:
    async def more() -> bool:
        return machine.progress().last > above

    await until(more, what=f"{machine.name} writes above {above}")


async def unit_of(journey: Journey) -> dict[str, Any]:
    return (await journey.units())[0]


async def test_a_running_machine_goes_on_at_the_provider_and_is_billed_once(ground: Ground) -> None:
    name = ground.name()
    near = await ground.machine_make(name)
    await writing(near, 100)

    journey = await cut_over(ground, name)
    ended = near.progress()
    far = await ground.story.pair.far.machine(name)
    await writing(far, ended.last + 100)
    await journey.confirmed("commit")
    await journey.reach("committed")

    unit = await unit_of(journey)
    assert far.progress().first == ended.last + 1
    assert (ended.errors, far.progress().errors) == (0, 0)
    assert unit["bytes_on_wire"] > 0
    assert unit["freeze_to_verified_s"] > 0
    assert len(await ground.story.invoice_lines(name)) == 1
    assert not await ground.story.pair.near.is_on(name)


async def test_both_sides_hold_the_same_bytes_before_the_commit(ground: Ground, tmp_path: Path) -> None:
    name = ground.name()
    near = await ground.machine_make(name, disks=2)
    await writing(near, 100)

    await cut_over(ground, name)
    far = await ground.story.pair.far.machine(name)
    source = await source_image(near.disks, tmp_path, name)
    destination = await destination_image(far.folder / "nbd", 2, tmp_path, name)

    decoded = decode(destination.disks, slots=SLOTS)
    assert source.digest == destination.digest
    assert decoded.exact
    assert decoded.last == near.progress().last


async def test_a_rollback_after_the_cut_over_starts_the_source_again(ground: Ground) -> None:
    name = ground.name()
    near = await ground.machine_make(name)
    await writing(near, 100)

    journey = await cut_over(ground, name)
    frozen = near.progress().last
    await journey.confirmed("rollback")
    await journey.reach("rolled_back")
    await writing(near, frozen + 100)

    assert near.progress().first == frozen + 1
    assert near.progress().errors == 0
    assert await ground.story.invoice_lines(name) == []
    with pytest.raises(TimeoutError):
        await ground.story.pair.far.machine(name)


async def test_a_plan_that_cannot_work_is_told_before_it_starts(ground: Ground) -> None:
    name = ground.name()
    await ground.machine_make(name)
    journey = await cut_over(ground, name)

    again = await ground.story.group(f"{name} again", {name: 1})
    said = await again.ask("preflight")

    assert said["ok"] is False
    assert all(finding["what"] and finding["remedy"] for finding in said["findings"])
    await journey.confirmed("rollback")
    await journey.reach("rolled_back")


async def test_nobody_took_a_snapshot(ground: Ground) -> None:
    pair = ground.story.pair
    assert pair.near.simulator.calls("Snapshot") + pair.far.simulator.calls("Snapshot") == 0
