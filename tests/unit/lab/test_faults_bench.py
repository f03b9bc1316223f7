"""The fault bench's own book-keeping: what is done, what is left, what it says of it."""

import json
from pathlib import Path

import pytest

from lab.faults.bench import Bench, document
from lab.faults.cells import MOMENTS, Cell, Special, Victim
from lab.faults.run import Outcome, broken, needs_person, told

LINGERING = Cell(special=Special.LINGERING_GUEST)
FLIPPED = Cell(special=Special.FLIPPED_BYTE)
KILLED = Cell(victim=Victim.WORKER, moment=MOMENTS[0])


def outcome(cell: Cell, **changes: object) -> Outcome:
    """A cell in which all went well."""
    good: dict[str, object] = {
        "phase_hit": "validating",
        "end": "committed",
        "images_equal": True,
        "records_exact": True,
        "machines_made": 1,
        "invoice_lines": 1,
    }
    return Outcome(cell.name, **{**good, **changes})  # type: ignore[arg-type]


def bench(tmp_path: Path, *kept: dict[str, object]) -> Bench:
    done = tmp_path / "done.jsonl"
    done.write_text("".join(json.dumps(line) + "\n" for line in kept))
    return Bench([LINGERING, KILLED], done, seed=7, tell=print)


def test_what_was_done_with_this_seed_is_not_done_again(tmp_path: Path) -> None:
    found = bench(tmp_path, {"seed": 7, "cell": LINGERING.name}).outcomes()
    assert [line["cell"] for line in found] == [LINGERING.name]


def test_another_seed_s_outcomes_do_not_count(tmp_path: Path) -> None:
    assert bench(tmp_path, {"seed": 8, "cell": LINGERING.name}).outcomes() == []


def test_another_shard_s_outcomes_do_not_count(tmp_path: Path) -> None:
    assert bench(tmp_path, {"seed": 7, "cell": FLIPPED.name}).outcomes() == []


def test_a_whole_run_without_faults_meets_its_bars() -> None:
    said = document([outcome(KILLED).told()], seed=7, of=1)
    assert all(bar["ok"] for bar in said["bars"])
    assert said["seed"] == 7


def test_a_run_that_was_interrupted_does_not_meet_them() -> None:
    said = document([outcome(KILLED).told()], seed=7, of=2)
    assert [bar["name"] for bar in said["bars"] if not bar["ok"]] == ["cells run"]


def test_a_spoiled_byte_that_was_committed_does_not_meet_them() -> None:
    said = document([outcome(FLIPPED).told()], seed=7, of=1)
    assert "spoiled bytes found" in [bar["name"] for bar in said["bars"] if not bar["ok"]]


def test_cells_that_take_too_long_together_do_not_meet_them() -> None:
    said = document([outcome(KILLED, seconds=44.0).told()] * 140, seed=7, of=140)
    assert [bar["name"] for bar in said["bars"] if not bar["ok"]] == ["all cells"]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"two_wrote": True}, "two guests wrote"),
        ({"guest_errors": 1}, "a guest saw an error"),
        ({"images_equal": False}, "committed, and the images differ"),
        ({"records_exact": False}, "committed, and a write is missing"),
        ({"machines_made": 2}, "more than one machine was made"),
        ({"invoice_lines": 2}, "billed more than once"),
        ({"invoice_lines": 0}, "committed and not billed"),
        ({"released": False}, "committed, and the source was not let go"),
        ({"end": "rolled_back"}, "billed without a commit"),
        ({"end": "failed", "invoice_lines": 0}, "it waits and does not say why"),
        ({"phase_hit": "syncing"}, "it hit syncing, not ['validating']"),
    ],
)
def test_a_broken_rule_is_named(changes: dict[str, object], fault: str) -> None:
    assert broken(outcome(KILLED, **changes), KILLED) == [fault]


def test_an_engine_s_own_death_may_show_in_its_guest() -> None:
    cell = Cell(special=Special.SOURCE_DAEMON)
    assert broken(outcome(cell, guest_errors=3), cell) == []


def test_a_unit_that_waits_for_a_person_says_why() -> None:
    condition = {"code": "destination_unknown", "text": "Nobody answers there.", "for_a_person": True}
    unit = {"phase": "rolling_back", "reason": "power off", "conditions": [condition]}
    assert needs_person(unit)
    assert told(unit) == "power off Nobody answers there."


def test_a_unit_that_merely_waits_needs_nobody() -> None:
    assert not needs_person({"phase": "syncing", "conditions": [{"code": "paused", "for_a_person": False}]})
