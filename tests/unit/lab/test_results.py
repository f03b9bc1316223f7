"""What the demo says of its machines."""

from dataclasses import replace

from lab.demo.results import Result, document, faults, table

GOOD = Result(
    name="mail1",
    tier=2,
    bytes_allocated=100 << 20,
    bytes_on_wire=60 << 20,
    rounds=3,
    freeze_to_verified_seconds=0.2,
    downtime_seconds=4.0,
    boot_seconds=0.5,
    source_digest="ab" * 32,
    destination_digest="ab" * 32,
    last_write_acknowledged=1234,
    last_write_found=1234,
    records_exact=True,
    guest_errors=0,
    started_at="2026-01-01T10:00:02Z",
    image_source="mail1-source.raw",
    image_destination="mail1-destination.raw",
    disk_sizes=[1 << 30],
    invoice_line={"amount": "25.00", "currency": "EUR"},
    snapshots_taken=0,
)


def test_a_good_run_has_no_faults() -> None:
    assert faults([GOOD]) == []


def test_a_write_that_did_not_arrive_is_named() -> None:
    assert faults([replace(GOOD, last_write_found=1233)]) == ["mail1: a write is missing"]


def test_the_boot_does_not_count_as_downtime() -> None:
    assert faults([replace(GOOD, downtime_seconds=9.0, boot_seconds=4.5)]) == []
    assert faults([replace(GOOD, downtime_seconds=9.0, boot_seconds=3.0)]) == ["mail1: down for too long"]


def test_a_tier_that_was_too_early_is_a_fault() -> None:
    first = replace(GOOD, name="web1", tier=3, started_at="2026-01-01T10:00:01Z")
    assert faults([GOOD, first]) == ["the machines did not start in the order of their tiers"]


def test_the_document_says_whether_all_is_well() -> None:
    said = document([replace(GOOD, invoice_line=None)], seconds=120, address="http://127.0.0.1:8000")
    assert (said["ok"], said["faults"]) == (False, ["mail1: no invoice line"])
    assert said["vms"][0]["source_digest"] == said["vms"][0]["destination_digest"]


def test_the_table_has_a_row_for_each_machine() -> None:
    lines = table([GOOD, replace(GOOD, name="web1")]).splitlines()
    assert [line.split()[0] for line in lines[2:]] == ["mail1", "web1"]
    assert "1234 = 1234" in lines[2]
