"""The filter language of the lists."""

import pytest

from portal.lib.filters import Field, Kind, parse, without

FIELDS = {
    "name": Field(Kind.TEXT),
    "power": Field(Kind.CHOICE, ("on", "off")),
    "size": Field(Kind.NUMBER),
}


def test_a_bare_word_is_looked_for_in_the_name() -> None:
    [term] = parse("web", FIELDS)

    assert (term.field, term.values) == ("name", ("web",))


def test_a_comma_means_or() -> None:
    [term] = parse("power:on,off", FIELDS)

    assert term.values == ("on", "off")


@pytest.mark.parametrize(
    ("text", "number"),
    [("size>100GiB", 100 * 2**30), ("size>=1.5tb", 1.5 * 10**12), ("size<512", 512), ("size:0", 0)],
)
def test_a_number_may_have_a_unit(text: str, number: float) -> None:
    [term] = parse(text, FIELDS)

    assert (term.number, term.fault) == (number, "")


def test_not_turns_the_next_term_around() -> None:
    first, second = parse("not power:on web", FIELDS)

    assert (first.negated, second.negated) == (True, False)


def test_a_value_with_spaces_stands_between_quotes() -> None:
    [term] = parse('"name:Site one"', FIELDS)

    assert term.values == ("Site one",)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("colour:red", "There is no field colour."),
        ("power:blue", "power may be on, off."),
        ("size>many", "size is compared with a number"),
        ("size>4parsec", "size is compared with a number"),
        ("power>1", "power is not a number"),
        ("size>" + "9" * 400, "99999999999999999999… is larger than any size can be."),
        ("size>٣", "size is compared with a number"),
    ],
)
def test_a_term_that_does_not_parse_stays_and_says_why(text: str, fault: str) -> None:
    [term] = parse(text, FIELDS)

    assert term.text == text
    assert term.fault.startswith(fault)


def test_an_open_quote_is_no_error() -> None:
    assert [term.text for term in parse('we"b 1', FIELDS)] == ["we", "b", "1"]


def test_nobody_can_make_it_long() -> None:
    assert len(parse("a " * 1000, FIELDS)) == 20


def test_a_term_is_taken_away_and_the_others_stay_as_they_were_typed() -> None:
    terms = parse('web not power:on "name:Site one"', FIELDS)

    assert without(terms, terms[0]) == 'not power:on "name:Site one"'
