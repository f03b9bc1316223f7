"""Bodies: whatever is told to an agent is what the wire contract calls it."""

from dataclasses import replace

import msgspec
import pytest

from agents.domain.protocol import (
    BODIES,
    CreateMachine,
    Freeze,
    MachinePower,
    NicPlan,
    OpenLanding,
    Step,
    Sync,
    Validate,
)
from migrations_app.domain.bodies import body_of
from migrations_app.domain.lifecycle import Desired, Phase, Side
from migrations_app.domain.stops import Work
from migrations_app.domain.ways import BACKWARD, FORWARD, STOPS
from tests.unit.world import World

WORKS = [stop for stop in FORWARD + BACKWARD if isinstance(stop, Work)]


def world_done() -> World:
    """Return a world whose unit has been everywhere."""
    world = World()
    world.want(Desired.CUT_OVER)
    world.until(Phase.AWAITING_COMMIT)
    return world


def body(world: World, name: str) -> object:
    """Return the body of the work of this name, as the agent reads it."""
    stop = STOPS[name]
    assert isinstance(stop, Work)
    return msgspec.convert(body_of(stop, world.unit, world.group, 3), BODIES[stop.order])


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_every_order_has_the_body_that_the_contract_asks_for(work: Work) -> None:
    world = world_done()

    read = msgspec.convert(body_of(work, world.unit, world.group, 1), BODIES[work.order], strict=True)

    assert read


def test_the_new_machine_is_like_the_old_one_on_the_chosen_place() -> None:
    created = body(world_done(), "create_machine")

    assert isinstance(created, CreateMachine)
    assert (created.name, created.host, created.datastore) == ("db01", "host-9", "ds-9")
    assert (created.cpus, created.memory_mib, created.firmware) == (2, 2048, "bios")
    assert created.nics == (NicPlan(network="net-9", mac="00:50:56:00:00:01", kind="vmxnet3"),)


def test_a_new_mac_is_left_to_the_destination() -> None:
    world = world_done()
    world.group = replace(world.group, keep_mac=False)

    created = body(world, "create_machine")

    assert isinstance(created, CreateMachine)
    assert created.nics[0].mac == ""


def test_the_marker_is_the_unit_s_own() -> None:
    world = world_done()

    created, removed = body(world, "create_machine"), body(world, "remove_machine")

    assert isinstance(created, CreateMachine)
    assert isinstance(removed, MachinePower)
    assert created.marker == removed.marker == f"landfall:{world.unit.id}"


def test_the_validation_reaches_for_the_destination_s_agent() -> None:
    world = world_done()
    ends = dict(world.unit.ends)
    world.set(ends={**ends, Side.DESTINATION: replace(ends[Side.DESTINATION], address="10.0.0.9:7000")})

    validate = body(world, "validate")

    assert isinstance(validate, Validate)
    assert validate.peer_address == "10.0.0.9:7000"


def test_the_landing_lets_in_the_source_s_agent_alone() -> None:
    world = world_done()

    landing = body(world, "open_landing")

    assert isinstance(landing, OpenLanding)
    assert landing.source_fingerprint == world.unit.ends[Side.SOURCE].fingerprint
    assert landing.machine == "vm-9"


def test_a_round_goes_to_where_the_landing_said() -> None:
    sync = body(world_done(), "sync")

    assert isinstance(sync, Sync)
    assert (sync.round, sync.peer.address, sync.machine) == (3, "127.0.0.1:7000", "vm-1")


def test_the_freeze_waits_as_long_as_the_policy_says_and_the_last_round_not_at_all() -> None:
    world = world_done()

    first, again = body(world, "freeze"), body(world, "final_delta")

    assert isinstance(first, Freeze)
    assert isinstance(again, Freeze)
    assert (first.deadline_s, again.deadline_s) == (300.0, 0.0)


def test_power_off_on_the_way_back_is_for_the_new_machine() -> None:
    world = world_done()

    back, hard = body(world, "power_off"), body(world, "hard_off")

    assert isinstance(back, MachinePower)
    assert isinstance(hard, MachinePower)
    assert (back.machine, hard.machine) == ("vm-9", "vm-1")


def test_the_provider_s_vcenter_is_named_by_its_site_alone() -> None:
    created = body(world_done(), "create_machine")

    assert isinstance(created, CreateMachine)
    assert (created.endpoint.host, created.endpoint.username, created.endpoint.sealed_password) == (
        "",
        "",
        "",
    )


def test_the_domain_signs_no_tickets() -> None:
    sync = body(world_done(), "sync")

    assert isinstance(sync, Sync)
    assert dict(sync.tickets) == {}


def test_every_step_of_the_contract_but_those_of_no_machine_is_used() -> None:
    assert {work.order for work in WORKS} == set(Step) - {Step.WATCH_INVENTORY, Step.UPGRADE}
