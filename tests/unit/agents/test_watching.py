"""What is done about a site's watcher: one at a time, again after failures, never a bad password twice."""

from dataclasses import replace
from datetime import timedelta

import pytest

from agents.domain.delivery import CommandPhase
from agents.domain.protocol import Failure
from agents.domain.site import SiteState
from agents.domain.watching import LOOK_EVERY, WATCH_FOR, SiteView, WatcherView, watch_decide
from tests.cast import NOON

RUNNING = WatcherView(
    round=1,
    attempt=1,
    seq=1,
    phase=CommandPhase.ACCEPTED,
    deadline=NOON + WATCH_FOR,
    code="",
    why="",
    ran_for=timedelta(),
)
READY = SiteView(ready=True, halted=False, watcher=None)
PERSONS = [Failure.CREDENTIALS_REFUSED, Failure.CERTIFICATE_CHANGED, Failure.CERTIFICATE_UNKNOWN]


def ended(code: str, *, attempt: int = 1, ran_for: timedelta = timedelta()) -> SiteView:
    """Return a site whose watcher has failed."""
    watcher = replace(
        RUNNING, phase=CommandPhase.FAILED, code=code, why="what and why.", attempt=attempt, ran_for=ran_for
    )
    return replace(READY, watcher=watcher)


def test_a_site_without_a_connector_says_so_and_sleeps() -> None:
    decision = watch_decide(SiteView(ready=False, halted=False, watcher=None), NOON)

    assert (decision.state, decision.issue, decision.wake_at) == (SiteState.NO_CONNECTOR, None, None)


def test_a_site_that_is_ready_is_watched_at_once() -> None:
    decision = watch_decide(READY, NOON)

    assert (decision.issue, decision.deliver_after, decision.state) == ((1, 1, 1), NOON, SiteState.CONNECTING)
    assert decision.wake_at == NOON + LOOK_EVERY


@pytest.mark.parametrize("phase", [CommandPhase.PENDING, CommandPhase.ACCEPTED])
def test_a_watcher_at_work_is_let_be(phase: CommandPhase) -> None:
    decision = watch_decide(replace(READY, watcher=replace(RUNNING, phase=phase)), NOON)

    assert (decision.issue, decision.state, decision.expire) == (None, None, False)
    assert decision.wake_at is not None


def test_nobody_looks_later_than_the_watcher_s_deadline() -> None:
    soon = NOON + timedelta(seconds=5)

    decision = watch_decide(replace(READY, watcher=replace(RUNNING, deadline=soon)), NOON)

    assert decision.wake_at == soon


def test_a_watcher_whose_day_is_over_is_closed_and_followed() -> None:
    decision = watch_decide(replace(READY, watcher=RUNNING), NOON + WATCH_FOR)

    assert (decision.issue, decision.expire) == ((2, 1, 2), True)


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (Failure.VCENTER_UNREACHABLE, SiteState.UNREACHABLE),
        (Failure.VCENTER_HUNG, SiteState.HUNG),
    ],
)
def test_what_may_pass_by_itself_is_tried_again_and_named(code: Failure, state: SiteState) -> None:
    decision = watch_decide(ended(code), NOON)

    assert (decision.state, decision.reason, decision.halt) == (state, "what and why.", False)
    assert decision.issue == (1, 2, 2)


@pytest.mark.parametrize("code", PERSONS)
def test_what_a_person_must_answer_is_never_tried_again(code: Failure) -> None:
    decision = watch_decide(ended(code), NOON)

    assert (decision.issue, decision.halt, decision.wake_at) == (None, True, None)
    assert decision.reason == "what and why."


@pytest.mark.parametrize("code", PERSONS)
def test_a_halted_site_stays_halted_however_often_it_is_looked_at(code: Failure) -> None:
    decision = watch_decide(replace(ended(code), halted=True), NOON + timedelta(days=3))

    assert (decision.issue, decision.state, decision.wake_at) == (None, None, None)


def test_tries_grow_apart() -> None:
    first = watch_decide(ended(Failure.VCENTER_HUNG, attempt=1), NOON).deliver_after
    later = watch_decide(ended(Failure.VCENTER_HUNG, attempt=6), NOON).deliver_after

    assert first is not None
    assert later is not None
    assert NOON < first < later


def test_a_watcher_that_stood_for_a_while_begins_a_new_round() -> None:
    decision = watch_decide(ended(Failure.VCENTER_UNREACHABLE, attempt=5, ran_for=timedelta(hours=1)), NOON)

    assert decision.issue == (2, 1, 2)


def test_a_failure_of_no_known_kind_keeps_the_state_and_is_tried_again() -> None:
    decision = watch_decide(ended("internal"), NOON)

    assert (decision.state, decision.issue) == (None, (1, 2, 2))


def test_a_site_is_looked_at_again_after_its_new_watcher_is_due() -> None:
    decision = watch_decide(ended(Failure.VCENTER_HUNG), NOON)

    assert decision.deliver_after is not None
    assert decision.wake_at == decision.deliver_after + LOOK_EVERY
