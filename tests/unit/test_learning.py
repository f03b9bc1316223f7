"""What a report teaches about a unit: never more than it says, never twice, and never what cannot be read."""

from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.domain.delivery import CommandPhase
from agents.domain.protocol import Failure, Step
from migrations_app.domain.facts import facts_read, facts_stored
from migrations_app.domain.learning import MOST_BYTES, is_frozen, is_readable, learned
from migrations_app.domain.snapshot import CommandView, UnitView
from tests.unit.world import GOOD, NOON, failed, unit_new

LATER = NOON + timedelta(minutes=5)
ANSWERED = sorted(GOOD)
json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
bodies = st.dictionaries(
    st.sampled_from(["round", "planned", "content", "wire", "seconds", "remaining_bytes", "roots", "machine"])
    | st.text(max_size=8),
    json,
    max_size=6,
)


def told(step: str, body: object, phase: CommandPhase = CommandPhase.SUCCEEDED) -> UnitView:
    """Return a unit whose latest command, of `step`, has answered `body`."""
    command = CommandView(
        id=uuid4(),
        step=step,
        round=1,
        attempt=1,
        seq=1,
        phase=phase,
        deadline=LATER,
        result=body if phase is not CommandPhase.ACCEPTED else {},  # type: ignore[arg-type]
        progress=body if phase is CommandPhase.ACCEPTED else {},  # type: ignore[arg-type]
    )
    return replace(unit_new(), latest={step: command})


def of(unit: UnitView) -> CommandView:
    """Return the unit's only command."""
    assert unit.command is not None
    return unit.command


def test_a_unit_without_a_command_has_nothing_to_learn() -> None:
    assert learned(unit_new(), NOON) == unit_new() or learned(unit_new(), NOON).facts.trouble is None


@pytest.mark.parametrize("step", ANSWERED)
def test_a_good_answer_can_be_read(step: str) -> None:
    assert is_readable(of(told(step, dict(GOOD[step]))))


@pytest.mark.parametrize("step", ANSWERED)
def test_the_same_answer_again_teaches_nothing_new(step: str) -> None:
    once = learned(told(step, dict(GOOD[step])), NOON)

    again = learned(once, LATER)

    assert again == once


@pytest.mark.parametrize("step", ANSWERED)
@pytest.mark.parametrize("wrong", [{}, {"machine": 7}, {"roots": "all"}, {"planned": None}])
def test_an_answer_that_cannot_be_read_is_a_trouble(step: str, wrong: dict[str, object]) -> None:
    unit = learned(told(step, wrong), NOON)

    assert unit.facts.trouble is not None
    assert (unit.facts.trouble.step, unit.facts.trouble.code) == (step, "answer_unreadable")
    assert unit.rounds == ()


@pytest.mark.parametrize("moid", ["", "x" * 65])
def test_a_machine_without_a_sane_name_was_not_made(moid: str) -> None:
    unit = learned(told(Step.CREATE_MACHINE, {"machine": moid}), NOON)

    assert unit.destination_machine_moid == ""
    assert unit.facts.trouble is not None


@pytest.mark.parametrize("field", ["planned", "content", "wire", "remaining_bytes"])
@pytest.mark.parametrize("value", [-1, MOST_BYTES + 1, "many", None, 1.5])
def test_a_number_that_is_none_is_not_kept(field: str, value: object) -> None:
    unit = learned(told(Step.SYNC, {**GOOD[Step.SYNC], field: value}), NOON)

    assert unit.rounds == ()


def test_fields_of_a_newer_agent_are_left_out() -> None:
    unit = learned(told(Step.SYNC, {**GOOD[Step.SYNC], "colour": "green"}), NOON)

    assert [ended.number for ended in unit.rounds] == [1]


@pytest.mark.parametrize("frozen", [False, None, "yes", 1, []])
def test_only_the_agent_s_own_word_is_frozen(frozen: object) -> None:
    command = of(told(Step.FREEZE, {"frozen": frozen}, CommandPhase.ACCEPTED))

    assert not is_frozen(command)


@pytest.mark.parametrize("step", [step for step in Step if step is not Step.FREEZE])
def test_no_other_step_can_say_that_a_machine_is_frozen(step: Step) -> None:
    assert not is_frozen(of(told(step, {"frozen": True}, CommandPhase.ACCEPTED)))


def test_the_moment_of_the_freeze_is_the_first_that_was_heard() -> None:
    first = learned(told(Step.FREEZE, {"frozen": True}, CommandPhase.ACCEPTED), NOON)

    assert learned(first, LATER - timedelta(seconds=1)).frozen_at == NOON


def test_an_open_command_before_its_deadline_is_no_trouble() -> None:
    assert learned(told(Step.SYNC, {}, CommandPhase.ACCEPTED), NOON).facts.trouble is None


def test_an_open_command_past_its_deadline_is_one() -> None:
    trouble = learned(told(Step.SYNC, {}, CommandPhase.ACCEPTED), LATER).facts.trouble

    assert trouble is not None
    assert trouble.code == "deadline_passed"


@pytest.mark.parametrize("code", Failure)
def test_a_failure_is_kept_in_the_agent_s_words(code: Failure) -> None:
    trouble = learned(told(Step.SYNC, failed(code), CommandPhase.FAILED), NOON).facts.trouble

    assert trouble is not None
    assert (trouble.code, trouble.what, trouble.at) == (code, "The disk is full.", NOON)


@pytest.mark.parametrize(
    "body", [{}, {"code": "never_heard_of"}, {"what": "x" * 5000}, {"code": 7, "what": []}]
)
def test_a_failure_that_cannot_be_read_is_one_all_the_same(body: dict[str, object]) -> None:
    trouble = learned(told(Step.SYNC, body, CommandPhase.FAILED), NOON).facts.trouble

    assert trouble is not None
    assert trouble.code == Failure.INTERNAL
    assert 0 < len(trouble.what) <= 500


def test_a_failure_s_words_are_as_many_as_a_person_reads() -> None:
    body = {"code": "internal", "what": "x" * 5000, "why": "y" * 5000, "remedy": "z" * 5000}

    trouble = learned(told(Step.SYNC, body, CommandPhase.FAILED), NOON).facts.trouble

    assert trouble is not None
    assert [len(words) for words in (trouble.what, trouble.why, trouble.remedy)] == [500, 500, 500]


def test_the_next_success_ends_the_trouble() -> None:
    troubled = learned(told(Step.SYNC, failed(Failure.INTERNAL), CommandPhase.FAILED), NOON)

    healed = learned(replace(troubled, latest=told(Step.SYNC, dict(GOOD[Step.SYNC])).latest), LATER)

    assert healed.facts.trouble is None


def test_a_trouble_keeps_the_time_at_which_it_was_first_heard() -> None:
    first = learned(told(Step.SYNC, failed(Failure.INTERNAL), CommandPhase.FAILED), NOON)

    again = learned(first, LATER)

    assert again.facts.trouble is not None
    assert again.facts.trouble.at == NOON


@given(st.sampled_from(sorted(Step)), st.sampled_from(CommandPhase), bodies)
def test_no_answer_whatever_breaks_the_portal(
    step: Step, phase: CommandPhase, body: dict[str, object]
) -> None:
    unit = learned(told(step, body, phase), NOON)

    assert facts_read(facts_stored(unit.facts)) == unit.facts
    assert all(0 <= ended.remaining <= MOST_BYTES for ended in unit.rounds)


@given(st.sampled_from(ANSWERED), bodies)
def test_an_answer_is_either_read_or_a_trouble(step: str, body: dict[str, object]) -> None:
    unit = told(step, body)

    assert is_readable(of(unit)) == (learned(unit, NOON).facts.trouble is None)
