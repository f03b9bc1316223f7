"""What the demo says of its machines, and that it fails when one is not as it must be."""

import json
from dataclasses import replace
from typing import Any

import pytest

from lab.demo.results import Result, document, failure, faults, table

GOOD = Result(
    name="mail1",
    what="a hot writer",
    guest="writer",
    tier=2,
    bytes_allocated=100 << 20,
    bytes_on_wire=60 << 20,
    rounds=3,
    rounds_least=2,
    mostly_holes=False,
    freeze_to_verified_seconds=0.2,
    downtime_seconds=4.0,
    boot_seconds=0.5,
    source_digest="ab" * 32,
    destination_digest="ab" * 32,
    last_write_acknowledged=1234,
    last_write_found=1234,
    records_exact=True,
    record_slots=1024,
    first_write_at_destination=1235,
    last_write_at_destination=1900,
    source_stayed_silent=True,
    guest_errors=0,
    started_at="2026-01-01T10:00:02.000000+00:00",
    image_source="/kept/mail1-source.raw",
    image_destination="/kept/mail1-destination.raw",
    image_destination_disks=["/kept/mail1-destination.raw"],
    disk_sizes=[1 << 30],
    invoice_line={"amount": "25.00", "currency": "EUR"},
    snapshots_taken=0,
)
PROMISED = {
    *("name", "tier", "bytes_allocated", "bytes_on_wire", "rounds", "freeze_to_verified_seconds"),
    *("downtime_seconds", "source_digest", "destination_digest", "last_write_acknowledged"),
    *("last_write_found", "started_at", "image_source", "image_destination", "invoice_line"),
    "snapshots_taken",
}
"""What the JSON has of each machine, by its makers' word."""


def test_a_good_run_has_no_faults() -> None:
    assert faults([GOOD]) == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"destination_digest": "cd" * 32}, "the images differ"),
        ({"bytes_on_wire": 0}, "nothing went over the wire"),
        ({"rounds": 1}, "fewer than 2 rounds"),
        ({"mostly_holes": True, "bytes_on_wire": 300 << 20}, "its holes went over the wire"),
        ({"freeze_to_verified_seconds": 0.51}, "no equal digests within 0.5 s of the freeze"),
        ({"freeze_to_verified_seconds": None}, "no equal digests within 0.5 s of the freeze"),
        ({"invoice_line": None}, "no invoice line"),
        ({"snapshots_taken": 1}, "a snapshot was taken"),
        ({"last_write_found": 1233}, "a write is missing"),
        ({"records_exact": False}, "the records are not one history"),
        ({"first_write_at_destination": 1}, "it did not go on from where it stopped"),
        ({"first_write_at_destination": 1236}, "it did not go on from where it stopped"),
        ({"last_write_at_destination": 1235}, "it writes no more at the destination"),
        ({"source_stayed_silent": False}, "the source wrote after it was frozen"),
        ({"guest_errors": 1}, "a guest saw an error"),
        ({"downtime_seconds": 5.6}, "down for too long"),
    ],
)
def test_what_is_not_as_it_must_be_is_named(changes: dict[str, Any], fault: str) -> None:
    assert replace(GOOD, **changes).faults() == [f"mail1: {fault}"]


@pytest.mark.parametrize(
    "changes",
    [
        {"freeze_to_verified_seconds": 0.5},
        {"downtime_seconds": 5.5},
        {"rounds": 2},
        {"rounds": 1, "rounds_least": 1},
        {"mostly_holes": True, "bytes_on_wire": 256 << 20},
        {"last_write_at_destination": 1236},
    ],
)
def test_the_limit_itself_is_allowed(changes: dict[str, Any]) -> None:
    assert replace(GOOD, **changes).faults() == []


def test_a_guest_that_never_wrote_anywhere_proves_nothing() -> None:
    silent = replace(GOOD, last_write_acknowledged=0, last_write_found=0, first_write_at_destination=1)
    assert silent.faults() == ["mail1: the guest never wrote"]


def test_a_guest_that_does_not_come_up_is_no_quick_switch() -> None:
    never: dict[str, Any] = {
        "first_write_at_destination": 0,
        "last_write_at_destination": 0,
        "downtime_seconds": -900.0,
    }
    assert replace(GOOD, **never).faults() == [
        "mail1: it did not go on from where it stopped",
        "mail1: it writes no more at the destination",
    ]


def test_the_boot_does_not_count_as_downtime() -> None:
    assert faults([replace(GOOD, downtime_seconds=9.0, boot_seconds=4.5)]) == []
    assert faults([replace(GOOD, downtime_seconds=9.0, boot_seconds=3.0)]) == ["mail1: down for too long"]


def test_every_machine_s_faults_are_told() -> None:
    both = [replace(GOOD, guest_errors=2), replace(GOOD, name="web1", snapshots_taken=4)]
    assert faults(both) == ["mail1: a guest saw an error", "web1: a snapshot was taken"]


def test_a_tier_that_was_too_early_is_a_fault() -> None:
    first = replace(GOOD, name="web1", tier=3, started_at="2026-01-01T10:00:01.999999+00:00")
    assert faults([GOOD, first]) == ["the machines did not start in the order of their tiers"]


def test_machines_of_one_tier_may_start_in_any_order() -> None:
    other = replace(GOOD, name="app1", started_at="2026-01-01T10:00:01.000000+00:00")
    later = replace(GOOD, name="web1", tier=3, started_at="2026-01-01T10:00:03.000000+00:00")
    assert faults([later, GOOD, other]) == []


def test_the_document_says_whether_all_is_well() -> None:
    said = document([replace(GOOD, invoice_line=None)], seconds=120, address="http://127.0.0.1:8000")
    assert (said["ok"], said["faults"]) == (False, ["mail1: no invoice line"])
    assert said["vms"][0]["source_digest"] == said["vms"][0]["destination_digest"]


def test_the_document_has_every_promised_field_and_is_json() -> None:
    said = document([GOOD], seconds=119.96, address="http://127.0.0.1:8000")
    again = json.loads(json.dumps(said))
    assert again["vms"][0].keys() >= PROMISED
    assert (again["ok"], again["seconds"]) == (True, 120.0)


def test_a_demo_without_results_is_not_ok() -> None:
    said = failure("port 8000 is not to be had")
    assert (said["ok"], said["faults"], said["vms"]) == (False, ["port 8000 is not to be had"], [])


def test_the_table_has_a_row_for_each_machine() -> None:
    lines = table([GOOD, replace(GOOD, name="web1")]).splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["mail1", "web1"]
    assert "1234 = 1234" in lines[2]


def test_the_table_shows_what_is_missing_as_a_dash() -> None:
    row = table([replace(GOOD, invoice_line=None, freeze_to_verified_seconds=None)]).splitlines()[2]
    assert row.count("–") == 2


def test_the_table_s_columns_stand_below_each_other() -> None:
    head, rule, row = table([replace(GOOD, name="a-machine-with-a-long-name")]).splitlines()
    assert head.index("tier") == row.index("2 ")
    assert len(rule) >= len(row.rstrip())
