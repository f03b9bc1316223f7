"""The journal: what the agent must still know after any death."""

from collections.abc import Iterator
from pathlib import Path
from uuid import UUID

import pytest

from agents.hostagent.journal import Journal, Received, Report
from tests.unit.hostagent.orders import command


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path / "journal")
    yield journal
    journal.close()


def told(journal: Journal) -> list[tuple[int, str]]:
    return [(report.number, report.kind) for report in journal.unsent(100)]


def all_sent(journal: Journal) -> None:
    journal.sent(journal.unsent(100))


def test_a_new_command_is_accepted_by_report_number_one(journal: Journal) -> None:
    assert journal.receive(command()) is Received.NEW
    assert told(journal) == [(1, "accepted")]


def test_the_same_id_again_is_no_new_command(journal: Journal) -> None:
    given = command()
    journal.receive(given)
    assert journal.receive(given) is Received.UNDER_WAY


def test_the_same_id_again_is_answered_by_the_same_end(journal: Journal) -> None:
    given = command()
    journal.receive(given)
    journal.report(given.id, "succeeded", {"machine": "vm-9"})
    all_sent(journal)
    assert journal.receive(given) is Received.ENDED
    assert [(one.number, one.kind, one.body) for one in journal.unsent(100)] == [
        (1, "accepted", {}),
        (2, "succeeded", {"machine": "vm-9"}),
    ]


def test_a_command_ends_once(journal: Journal) -> None:
    given = command()
    journal.receive(given)
    assert journal.report(given.id, "succeeded", {})
    assert not journal.report(given.id, "failed", {})
    assert told(journal) == [(1, "accepted"), (2, "succeeded")]


def test_nothing_is_reported_of_an_unknown_command(journal: Journal) -> None:
    assert not journal.report(command().id, "progress", {})


def test_a_lower_generation_is_superseded(journal: Journal) -> None:
    journal.receive(command(generation=2))
    all_sent(journal)
    assert journal.receive(command(generation=1, seq=9)) is Received.SUPERSEDED
    assert told(journal) == [(1, "superseded")]


def test_a_lower_seq_of_the_same_generation_is_superseded(journal: Journal) -> None:
    journal.receive(command(seq=5))
    assert journal.receive(command(seq=4)) is Received.SUPERSEDED


def test_a_lower_seq_of_a_new_generation_is_taken(journal: Journal) -> None:
    journal.receive(command(seq=5))
    assert journal.receive(command(seq=1, generation=2)) is Received.NEW


def test_units_do_not_supersede_each_other(journal: Journal) -> None:
    journal.receive(command(generation=5))
    assert journal.receive(command(unit=UUID(int=8))) is Received.NEW


def test_a_superseded_command_raises_nothing(journal: Journal) -> None:
    journal.receive(command(generation=2))
    journal.receive(command(generation=1, seq=9))
    assert journal.receive(command(generation=2, seq=2)) is Received.NEW


def test_what_was_under_way_is_known_after_a_restart(journal: Journal, tmp_path: Path) -> None:
    ended, going = command(), command(seq=2)
    journal.receive(ended)
    journal.receive(going)
    journal.report(ended.id, "succeeded", {})
    journal.close()
    again = Journal(tmp_path / "journal")
    assert again.under_way() == [going]
    again.close()


def test_reports_are_numbered_on_after_a_restart(journal: Journal, tmp_path: Path) -> None:
    given = command()
    journal.receive(given)
    journal.report(given.id, "progress", {})
    all_sent(journal)
    journal.close()
    again = Journal(tmp_path / "journal")
    again.report(given.id, "progress", {})
    assert told(again) == [(3, "progress")]
    again.close()


def test_what_was_not_sent_is_sent_after_a_restart(journal: Journal, tmp_path: Path) -> None:
    journal.receive(command())
    journal.close()
    again = Journal(tmp_path / "journal")
    assert told(again) == [(1, "accepted")]
    again.close()


def test_reports_wait_in_their_order_and_bulk_waits_last(journal: Journal) -> None:
    watch, sync = command(unit=UUID(int=8)), command()
    journal.receive(watch)
    journal.report(watch.id, "progress", {"kind": "objects"}, bulk=True)
    journal.receive(sync)
    journal.report(sync.id, "succeeded", {})
    assert told(journal) == [(1, "accepted"), (1, "accepted"), (2, "succeeded"), (2, "progress")]


def test_sent_progress_is_forgotten_and_an_end_is_not(journal: Journal) -> None:
    given = command()
    journal.receive(given)
    journal.report(given.id, "progress", {})
    journal.report(given.id, "succeeded", {})
    all_sent(journal)
    journal.receive(given)
    assert told(journal) == [(1, "accepted"), (3, "succeeded")]


def test_it_counts_what_waits_of_one_command(journal: Journal) -> None:
    given, other = command(), command(unit=UUID(int=8))
    journal.receive(given)
    journal.receive(other)
    journal.report(given.id, "progress", {})
    assert journal.unsent_count(given.id) == 2


def test_ids_are_pruned_below_the_stored_generation_once_the_portal_has_their_end(journal: Journal) -> None:
    old = command(generation=1)
    journal.receive(old)
    journal.report(old.id, "succeeded", {})
    all_sent(journal)
    journal.receive(command(generation=2))
    assert journal.receive(old) is Received.SUPERSEDED


def test_an_end_that_the_portal_has_not_got_is_kept(journal: Journal) -> None:
    old = command(generation=1)
    journal.receive(old)
    journal.report(old.id, "succeeded", {})
    journal.receive(command(generation=2))
    assert journal.receive(old) is Received.ENDED


def test_a_counter_never_gives_a_number_twice(journal: Journal, tmp_path: Path) -> None:
    first = journal.count("heartbeat")
    journal.close()
    again = Journal(tmp_path / "journal")
    assert again.count("heartbeat") == first + 1
    again.close()


def test_it_remembers_what_is_in_place_until_nothing_is(journal: Journal) -> None:
    journal.place_set("vm-1", b"landing")
    journal.place_set("vm-1", b"switched")
    journal.place_set("vm-2", b"landing")
    journal.place_set("vm-2", None)
    assert journal.places() == {"vm-1": b"switched"}
    assert journal.place_get("vm-2") is None


def test_a_report_knows_its_length(journal: Journal) -> None:
    given = command()
    journal.receive(given)
    [report] = journal.unsent(1)
    assert report == Report(report.row, given.id, 1, "accepted", {}, len(b"{}"))


def test_what_was_settled_is_in_the_file(journal: Journal, tmp_path: Path) -> None:
    given = command()
    journal.receive(given)
    journal.report(given.id, "progress", {"frozen": True})
    journal.settle()
    other = Journal(tmp_path / "journal")
    assert told(other) == [(1, "accepted"), (2, "progress")]
    other.close()
