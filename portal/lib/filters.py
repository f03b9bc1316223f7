"""The filter language of the lists: typed terms, each a condition; all of them must hold.

A term is `word` (in the name), `field:value`, `field:a,b` (a comma is "or") or `field>number unit`; each also
after `not`. A term that does not parse stays where it is, with the reason, and filters nothing.
"""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

TERMS_MAX = 20
TEXT_MAX = 500
# What the widest column holds: whatever is compared with more is no question about machines.
NUMBER_MAX = 2**63 - 1
_TERM = re.compile(r"([a-z_]+)(:|>=|<=|>|<)(.+)")
_NUMBER = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([a-zA-Z]*)")
_FACTORS: Mapping[str, int] = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "tb": 10**12,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
    "tib": 2**40,
}


class Kind(StrEnum):
    """What a field holds: words to choose from, free text, or a number."""

    CHOICE = "choice"
    TEXT = "text"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a list: its kind, and the words that a choice may be."""

    kind: Kind
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Term:
    """One condition; `fault` says why it is none."""

    text: str
    field: str = ""
    comparison: str = ":"
    values: tuple[str, ...] = ()
    number: float = 0.0
    negated: bool = False
    fault: str = ""


def parse(text: str, fields: Mapping[str, Field]) -> list[Term]:
    """Return the terms of what a person typed, in order."""
    try:
        words = shlex.split(text[:TEXT_MAX])
    except ValueError:
        words = text[:TEXT_MAX].replace('"', " ").replace("'", " ").split()
    terms: list[Term] = []
    negated = False
    for word in words:
        if word.lower() == "not" and not negated:
            negated = True
            continue
        terms.append(_term(word, fields, negated))
        negated = False
    return terms[:TERMS_MAX]


def _term(word: str, fields: Mapping[str, Field], negated: bool) -> Term:
    shown = f"not {word}" if negated else word
    found = _TERM.fullmatch(word)
    if found is None:
        return Term(shown, "name", values=(word,), negated=negated)
    name, comparison, value = found.groups()
    field = fields.get(name)
    if field is None:
        return Term(shown, fault=f"There is no field {name}. Fields are {', '.join(sorted(fields))}.")
    if field.kind is Kind.NUMBER:
        return _number(shown, name, comparison, value, negated)
    if comparison != ":":
        return Term(shown, fault=f"{name} is not a number: write {name}:{value}.")
    values = tuple(part for part in value.split(",") if part)
    wrong = [part for part in values if field.kind is Kind.CHOICE and part.lower() not in field.choices]
    if wrong:
        return Term(shown, fault=f"{name} may be {', '.join(field.choices)}.")
    return Term(shown, name, values=values, negated=negated)


def _number(shown: str, name: str, comparison: str, value: str, negated: bool) -> Term:
    found = _NUMBER.fullmatch(value)
    factor = _FACTORS.get(found.group(2).lower()) if found else None
    if found is None or factor is None:
        return Term(shown, fault=f"{name} is compared with a number, such as {name}>4 or {name}>100GiB.")
    number = float(found.group(1)) * factor
    if number > NUMBER_MAX:
        return Term(shown, fault=f"{value[:20]}… is larger than any {name} can be. Compare with less.")
    return Term(shown, name, comparison, number=number, negated=negated)


def without(terms: list[Term], removed: Term) -> str:
    """Return the text that is left when one term is taken away."""
    return " ".join(quoted(term.text) for term in terms if term is not removed)


def quoted(text: str) -> str:
    """Return a term as it must be typed: a value with spaces between quotes."""
    bare = text.removeprefix("not ")
    needed = " " in bare or "'" in bare
    front = "not " if text != bare else ""
    return f'{front}"{bare}"' if needed else text
