"""Conditions in words, refusals in words, and what is left of a page's cursor that somebody made up."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from migrations_app.domain.lifecycle import Condition
from migrations_app.domain.standing import FOR_A_PERSON
from migrations_app.domain.wording import WORDS
from migrations_app.services import refusals
from portal.lib.paging import _read
from portal.lib.refusal import Refusal

KINDS = [kind for kind in vars(refusals).values() if isinstance(kind, type) and issubclass(kind, Refusal)]
OURS = [kind for kind in KINDS if kind is not Refusal]


@pytest.mark.parametrize("condition", Condition)
def test_every_condition_says_what_is_the_matter(condition: Condition) -> None:
    words = WORDS[condition]

    assert words.title[0].isupper()
    assert words.text.endswith(".")


@pytest.mark.parametrize("condition", sorted(FOR_A_PERSON))
def test_what_only_a_person_can_end_says_how(condition: Condition) -> None:
    assert WORDS[condition].remedy.endswith(".")


def test_no_two_conditions_look_the_same() -> None:
    assert len({words.title for words in WORDS.values()}) == len(Condition)


def test_no_two_refusals_share_a_code() -> None:
    assert len({kind.code for kind in OURS}) == len(OURS)


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_a_refusal_tells_what_why_and_what_to_do(kind: type[Refusal]) -> None:
    refusal = kind("It was not done.", why="It is night.", remedy="Wait for the day.")

    assert str(refusal) == "It was not done. It is night. Wait for the day."
    assert refusal.status in (409, 422)


@given(st.text(max_size=200))
def test_a_cursor_that_somebody_made_up_begins_at_the_first_page(cursor: str) -> None:
    back, key = _read(cursor)

    assert (back, key) == (False, []) or len(key) == 2


@pytest.mark.parametrize("content", [[], {}, 7, None, [1], [0, "a", "b", "c"], "abc"])
def test_a_cursor_of_another_shape_is_none(content: object) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(content).encode()).decode()

    assert _read(cursor)[1] == [] or content == "abc"
