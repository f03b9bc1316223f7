"""Guests that do what vCenter does not say."""

from lab.faults.bench import cell_run
from lab.faults.cells import Cell, Special
from lab.faults.ground import Ground
from tests.ground import ON_THE_ESTATE

pytestmark = ON_THE_ESTATE


async def test_a_guest_that_writes_10_seconds_past_off_loses_nothing(ground: Ground) -> None:
    outcome = await cell_run(ground, Cell(special=Special.LINGERING_GUEST))

    assert outcome.broken == []
    assert (outcome.end, outcome.images_equal, outcome.records_exact) == ("committed", True, True)
    assert outcome.seconds > 10


async def test_a_power_on_that_lands_after_the_rollback_starts_no_second_guest(ground: Ground) -> None:
    outcome = await cell_run(ground, Cell(special=Special.LATE_POWER_ON))

    assert outcome.broken == []
    assert outcome.end == "rolled_back"
    assert outcome.hit.startswith("power-on")
    assert not outcome.two_wrote
