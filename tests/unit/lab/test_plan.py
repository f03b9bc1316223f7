"""What the demo's tenant has: the estate that was promised."""

from lab.demo.plan import FAR_HOST, GIB, HOSTS, MACHINES, MIB, RECORD, TIERS
from lab.demo.results import HOLES_SHARE

PLANNED = [machine.planned for machine in MACHINES]
BY_NAME = {machine.name: machine for machine in MACHINES}


def test_six_machines_of_three_tiers_on_two_hosts() -> None:
    assert len(BY_NAME) == 6
    assert TIERS == [1, 2, 3]
    assert {planned.host for planned in PLANNED} == set(HOSTS)
    assert FAR_HOST not in HOSTS


def test_every_tier_has_machines_on_more_than_one_host() -> None:
    spread = {tier: {one.planned.host for one in MACHINES if one.tier == tier} for tier in TIERS}
    assert all(len(hosts) == 2 for hosts in spread.values())


def test_machines_have_from_256_mib_to_2_gib() -> None:
    sizes = [sum(planned.sizes) for planned in PLANNED]
    assert (min(sizes), max(sizes)) == (256 * MIB, 2 * GIB)


def test_records_and_what_is_installed_fit_on_every_disk() -> None:
    rooms = [min(planned.sizes) - planned.fill_from - planned.filled for planned in PLANNED]
    assert min(rooms) > 0


def test_nothing_is_installed_over_the_records() -> None:
    assert all(one.planned.fill_from == one.runs.slots * RECORD for one in MACHINES)


def test_one_has_two_disks_and_is_a_numbered_writer() -> None:
    (two,) = [machine for machine in MACHINES if len(machine.planned.sizes) == 2]
    assert not two.runs.linux
    assert len(set(two.planned.sizes)) == 1


def test_one_is_a_real_linux() -> None:
    assert [machine.name for machine in MACHINES if machine.runs.linux] == ["linux1"]


def test_the_hot_writer_must_need_more_than_one_round() -> None:
    (hot,) = [machine for machine in MACHINES if machine.rounds_least > 1]
    assert hot.runs.rate == max(machine.runs.rate for machine in MACHINES if not machine.runs.linux)


def test_what_is_mostly_holes_could_not_travel_whole() -> None:
    (holes,) = [machine for machine in MACHINES if machine.mostly_holes]
    full = holes.planned.fill_from + holes.planned.filled
    assert full * HOLES_SHARE < sum(holes.planned.sizes)


def test_content_that_compresses_and_content_that_does_not_are_there() -> None:
    assert {planned.compressible for planned in PLANNED} == {True, False}


def test_every_machine_says_what_it_is_for() -> None:
    assert len({machine.what for machine in MACHINES}) == len(MACHINES)
