"""What the two ways may and may not hold, whoever adds a step."""

import pytest

from agents.domain.protocol import Step
from migrations_app.domain.lifecycle import Phase, Side
from migrations_app.domain.stops import Work
from migrations_app.domain.ways import BACKWARD, FORWARD, STOPS

WORKS = [stop for stop in FORWARD + BACKWARD if isinstance(stop, Work)]
SOURCES = {Side.SOURCE, Side.SOURCE_CONNECTOR}
# The only orders that the source's own two agents are ever given.
AT_THE_SOURCE = {
    Step.VALIDATE,
    Step.SYNC,
    Step.SHUT_DOWN,
    Step.FREEZE,
    Step.POWER_OFF,
    Step.POWER_ON,
    Step.VERIFY_SOURCE,
    Step.RELEASE_SOURCE,
}


def names(way: tuple[object, ...], order: Step) -> list[int]:
    """Return the places of an order on a way."""
    return [place for place, stop in enumerate(way) if isinstance(stop, Work) and stop.order is order]


def test_the_source_machine_is_never_removed() -> None:
    removals = {work.side for work in WORKS if work.order is Step.REMOVE_MACHINE}

    assert removals == {Side.DESTINATION_CONNECTOR}


def test_the_source_is_given_no_other_orders() -> None:
    assert {work.order for work in WORKS if work.side in SOURCES} <= AT_THE_SOURCE


def test_the_destination_is_fenced_before_the_source_is_released() -> None:
    (fence,), (release,) = names(BACKWARD, Step.FENCE_DESTINATION), names(BACKWARD, Step.RELEASE_SOURCE)

    assert fence < release


def test_the_source_is_released_before_it_is_started() -> None:
    (release,), (start,) = names(BACKWARD, Step.RELEASE_SOURCE), names(BACKWARD, Step.POWER_ON)

    assert release < start


def test_nothing_starts_at_the_destination_before_its_view_is_in() -> None:
    (switch,), (start,) = names(FORWARD, Step.SWITCH), names(FORWARD, Step.POWER_ON)

    assert switch < start


def test_both_sides_are_verified_before_the_commit() -> None:
    (ours,), (theirs,) = names(FORWARD, Step.VERIFY_SOURCE), names(FORWARD, Step.VERIFY_DESTINATION)
    (commit,) = [place for place, stop in enumerate(FORWARD) if stop.phase is Phase.AWAITING_COMMIT]

    assert max(ours, theirs) < commit


def test_before_the_freeze_nothing_is_asked_of_a_running_destination() -> None:
    early = [
        stop for stop in FORWARD if isinstance(stop, Work) and stop.phase in (Phase.VALIDATING, Phase.SYNCING)
    ]

    assert {work.order for work in early} == {
        Step.VALIDATE,
        Step.CREATE_MACHINE,
        Step.OPEN_LANDING,
        Step.SYNC,
    }


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_every_step_has_a_deadline_and_a_remedy(work: Work) -> None:
    assert work.limit.total_seconds() > 0
    assert work.remedy.endswith(".")


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_every_detour_leads_somewhere(work: Work) -> None:
    assert {name for name in (work.then, work.reopens, work.again) if name} <= set(STOPS)


@pytest.mark.parametrize("work", WORKS, ids=lambda work: work.name)
def test_a_step_is_never_both_tried_for_ever_and_passed_by(work: Work) -> None:
    assert not (work.patient and (work.spare or work.passable))
