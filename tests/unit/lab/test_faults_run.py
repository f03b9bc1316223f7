"""One cell's run: what a person would do meanwhile, when it is at an end, and what ends it early."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from lab.evidence import NoView
from lab.faults import run as module
from lab.faults.cells import MOMENTS, Cell, Special, Victim
from lab.faults.ground import Ground
from lab.faults.run import Outcome, Run, patiently
from lab.faults.specials import _not_found
from lab.faults.writers import WritersWatch
from lab.session import PortalAway, PortalSaidNo
from lab.story import Journey

CELL = Cell(victim=Victim.WORKER, moment=MOMENTS[0])
PERSON = [{"code": "destination_unknown", "text": "Nobody answers there.", "for_a_person": True}]


@dataclass
class Group:
    """A group whose unit goes from phase to phase whenever it is looked at; the last one stays."""

    phases: list[str]
    conditions: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def ask(self, what: str) -> None:
        self.asked.append(what)

    async def confirmed(self, what: str) -> None:
        self.asked.append(what)

    async def units(self) -> list[dict[str, Any]]:
        phase = self.phases.pop(0) if len(self.phases) > 1 else self.phases[0]
        return [{"phase": phase, "reason": "", "conditions": self.conditions}]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again at once, and wait for nobody long."""
    monkeypatch.setattr(module, "POLL_S", 0.001)
    monkeypatch.setattr(module, "STILL_S", 0.02)
    monkeypatch.setattr(module, "BUDGET_S", 0.5)
    monkeypatch.setattr(module, "PORTAL_BACK_S", 0.2)


def run_of(group: Group, *, images: Callable[[], Awaitable[None]] | None = None) -> Run:
    async def none_taken() -> None:
        """Take no images."""

    made = Run(
        cast(Ground, SimpleNamespace()),
        CELL,
        "m001",
        Outcome(CELL.name),
        cast(Journey, group),
        WritersWatch("m001", {}),
        0,
    )
    return WithImages(made, images or none_taken)


class WithImages(Run):
    """A run whose images are taken as a test says."""

    __slots__ = ("taken",)

    def __init__(self, run: Run, taken: Callable[[], Awaitable[None]]) -> None:
        super().__init__(run.ground, run.cell, run.name, run.outcome, run.journey, run.watch, run.made_before)
        self.taken = taken

    async def _images(self) -> None:
        await self.taken()


async def test_it_cuts_over_when_ready_and_commits_once() -> None:
    group = Group(["planned", "syncing", "ready", "ready", "awaiting_commit", "awaiting_commit", "committed"])
    run = run_of(group)
    await run.drive(back=False)
    assert group.asked == ["start", "cutover", "commit"]
    assert run.outcome.end == "committed"


async def test_it_rolls_back_where_that_is_the_cell() -> None:
    group = Group(["ready", "awaiting_commit", "rolling_back", "rolled_back"])
    run = run_of(group)
    await run.drive(back=True)
    assert group.asked == ["start", "cutover", "rollback"]
    assert run.outcome.end == "rolled_back"


async def test_images_are_taken_before_the_commit() -> None:
    group = Group(["awaiting_commit", "awaiting_commit", "committed"])
    seen: list[list[str]] = []

    async def look() -> None:
        seen.append(list(group.asked))

    await run_of(group, images=look).drive(back=False)
    assert seen == [["start"]]


async def test_a_missing_view_leaves_the_commit_undone() -> None:
    group = Group(["awaiting_commit"])

    async def broken() -> None:
        raise NoView("no export")

    with pytest.raises(NoView):
        await run_of(group, images=broken).drive(back=False)
    assert "commit" not in group.asked


async def test_one_that_waits_for_a_person_is_at_an_end_with_its_reason() -> None:
    run = run_of(Group(["rolling_back"], conditions=PERSON))
    await run.drive(back=True)
    assert (run.outcome.end, run.outcome.reason) == ("rolling_back", "Nobody answers there.")


async def test_one_that_never_ends_is_left_when_the_time_is_over() -> None:
    run = run_of(Group(["syncing"]))
    await run.drive(back=False)
    assert run.outcome.end == "syncing"


async def test_a_portal_that_comes_back_is_asked_again() -> None:
    said: list[Any] = [PortalAway("restarting"), no(503), "there"]

    async def ask() -> Any:
        answer = said.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert await patiently(ask) == "there"


async def test_a_refusal_is_not_asked_again() -> None:
    asked: list[int] = []

    async def ask() -> None:
        asked.append(1)
        raise no(409)

    with pytest.raises(PortalSaidNo):
        await patiently(ask)
    assert asked == [1]


@pytest.mark.parametrize("status", [500, 502])
async def test_a_portal_that_stays_broken_is_told(status: int) -> None:
    async def ask() -> None:
        raise no(status)

    with pytest.raises(PortalSaidNo, match=str(status)):
        await patiently(ask)


async def test_a_portal_that_stays_away_is_told() -> None:
    async def ask() -> None:
        raise PortalAway("gone")

    with pytest.raises(PortalAway):
        await patiently(ask)


def no(status: int) -> PortalSaidNo:
    request = httpx.Request("GET", "http://127.0.0.1/api/v1/groups/7/")
    return PortalSaidNo(httpx.Response(status, request=request, text="no"))


@pytest.mark.parametrize("special", [Special.FLIPPED_BYTE, Special.SUPPRESSED_BIT])
def test_a_spoiled_byte_that_was_committed_is_the_worst(special: Special) -> None:
    assert _not_found(Outcome("x", end="committed"), special) == ["the spoiled byte was not found"]
    assert _not_found(Outcome("x", end="rolled_back"), special) == []
    assert _not_found(Outcome("x", end="failed"), special) == []


def test_other_cells_may_commit() -> None:
    assert _not_found(Outcome("x", end="committed"), Special.LINK_CUT) == []


def test_an_outcome_is_told_with_what_it_broke() -> None:
    told = Outcome("x", broken=["two guests wrote"]).told()
    assert (told["cell"], told["ok"], told["broken"]) == ("x", False, ["two guests wrote"])


async def test_a_watch_that_was_not_started_can_be_stopped(tmp_path: Path) -> None:
    await asyncio.wait_for(WritersWatch("m001", {}).stop(), 1)
