"""JSON bodies: whatever anybody sends is content that can be stored, or a ParseError."""

import io

import pytest
from rest_framework.exceptions import ParseError

from portal.lib.parsing import DEEPEST, PlainJSONParser


def parsed(text: str) -> object:
    """Return the content of a body."""
    return PlainJSONParser().parse(io.BytesIO(text.encode()))


@pytest.mark.parametrize("text", ['{"a": ["ü\\ud83d\\ude00", 1, null]}', "[" * DEEPEST + "]" * DEEPEST])
def test_a_body_as_calls_have_it_is_read(text: str) -> None:
    assert parsed(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"token":' + "[" * 2000,
        "[" * 100_000,
        "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1),
        '{"a": 1, "b": ["\\u0000"]}',
        '{"a": {"\\u0000": 1}}',
        '"\\ud800"',
        "{",
    ],
)
def test_a_body_that_would_fail_further_in_is_refused(text: str) -> None:
    with pytest.raises(ParseError):
        parsed(text)
