"""What the steps of a unit have answered, kept with the unit as JSON."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from agents.domain.protocol import FreezeDone, Landing, Validated, Verified

Roots = Mapping[str, str]
"""Digests of whole disks, by the disk's name."""


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """The last failure of a unit, in the agent's words; gone with the next success."""

    step: str
    code: str
    what: str
    why: str = ""
    remedy: str = ""
    retry: bool = True
    at: datetime | None = None

    def __str__(self) -> str:
        return " ".join(sentence for sentence in (self.what, self.why, self.remedy) if sentence)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """The answers of a unit's steps.

    `touched` once anything may have been changed at either end: only then is there a way back;
    `left_behind` names what could not be cleared away at the destination.
    """

    touched: bool = False
    rounds: int = 0
    validated: Validated | None = None
    landing: Landing | None = None
    transfer: FreezeDone | None = None
    source: Verified | None = None
    destination: Verified | None = None
    view_broken: bool = False
    left_behind: tuple[str, ...] = ()
    trouble: Trouble | None = None


def facts_read(stored: Mapping[str, object]) -> Facts:
    """Return the facts from their JSON; fields of another release are left out."""
    return msgspec.convert(stored, Facts, strict=False)


def facts_stored(facts: Facts) -> dict[str, object]:
    """Return the JSON of `facts`."""
    stored: dict[str, object] = msgspec.to_builtins(facts)
    return stored


def transferred_roots(facts: Facts) -> tuple[Roots, Roots]:
    """Return what the transfer counted at the source and at the destination."""
    transfer = facts.transfer
    return (transfer.source_roots, transfer.destination_roots) if transfer else ({}, {})


def verified_roots(facts: Facts) -> tuple[Roots, Roots]:
    """Return what both sides hashed from their disks, independently of the transfer."""
    ours, theirs = facts.source, facts.destination
    return (ours.roots if ours else {}, theirs.roots if theirs else {})
