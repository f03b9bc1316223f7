"""Pre-flight: what would fail is told in plain words, with a way out, before the start."""

from dataclasses import replace

import pytest

from migrations_app.domain.preflight import (
    CHECKS_NAMED,
    HEALTHY,
    MISSING,
    SILENT,
    DiskPlan,
    Finding,
    GroupPlan,
    Severity,
    UnitPlan,
    findings_of,
)

GIB = 1024**3
DISK = DiskPlan(number=0, label="Hard disk 1", size=10 * GIB, kind="flat")
UNIT = UnitPlan(
    name="db01",
    gone=False,
    snapshots=0,
    disks=(DISK,),
    networks=("net-1",),
    source_host="esx1",
    source_agent=HEALTHY,
    source_connector=HEALTHY,
    destination_host="esx9",
    destination_agent=HEALTHY,
    destination_connector=HEALTHY,
    destination_address="127.0.0.1:7000",
    path_fault="",
    elsewhere="",
    survives_power_off=None,
    power="poweredOn",
    tools="toolsOk",
)
PLAN = GroupPlan(
    datastore="fast",
    datastore_free=100 * GIB,
    network_map={"net-1": "net-9"},
    names_taken=frozenset({"other"}),
    units=(UNIT,),
)


def told(plan: GroupPlan) -> Finding:
    """Return the only finding."""
    (finding,) = findings_of(plan)
    return finding


def told_of(unit: UnitPlan) -> Finding:
    """Return the only finding about a plan with this machine."""
    return told(replace(PLAN, units=(unit,)))


def test_a_sound_plan_has_no_findings() -> None:
    assert findings_of(PLAN) == ()


def test_a_datastore_that_is_too_small_is_told_with_both_numbers() -> None:
    finding = told(replace(PLAN, datastore_free=9 * GIB))

    assert finding.code == "PRE-02"
    assert finding.what == "The datastore fast is too small."
    assert finding.evidence == "10.0 GiB wanted, 9.0 GiB free"
    assert finding.remedy == "Choose a larger datastore, or move fewer machines."


def test_all_machines_together_must_fit() -> None:
    units = tuple(replace(UNIT, name=f"db{number}") for number in range(11))

    assert told(replace(PLAN, units=units)).code == "PRE-02"


def test_a_datastore_that_is_no_longer_offered_is_told() -> None:
    assert told(replace(PLAN, datastore_free=None)).code == "PRE-01"


def test_two_machines_of_one_name_are_told_once() -> None:
    assert told(replace(PLAN, units=(UNIT, UNIT))).code == "PRE-03"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"gone": True}, "PRE-04"),
        ({"elsewhere": "Second wave"}, "PRE-05"),
        ({"name": "other"}, "PRE-06"),
        ({"disks": ()}, "PRE-07"),
        ({"disks": (replace(DISK, kind="rdm"),)}, "PRE-08"),
        ({"snapshots": 2}, "PRE-09"),
        ({"networks": ("net-1", "net-2")}, "PRE-10"),
        ({"source_agent": MISSING}, "PRE-11"),
        ({"source_agent": SILENT}, "PRE-12"),
        ({"source_connector": MISSING}, "PRE-13"),
        ({"source_connector": SILENT}, "PRE-13"),
        ({"destination_agent": MISSING}, "PRE-14"),
        ({"destination_agent": SILENT}, "PRE-15"),
        ({"destination_address": ""}, "PRE-16"),
        ({"destination_connector": SILENT}, "PRE-17"),
        ({"path_fault": "10.0.0.9:7000: Connection refused"}, "PRE-16"),
        ({"survives_power_off": False}, "PRE-18"),
    ],
)
def test_what_would_fail_is_told_about_the_machine(change: dict[str, object], code: str) -> None:
    finding = told_of(replace(UNIT, **change))  # type: ignore[arg-type]

    assert (finding.code, finding.severity) == (code, Severity.FAIL)
    assert finding.machine
    assert finding.remedy.endswith(".")


def test_a_guest_without_tools_is_worth_knowing_and_no_reason_to_stay() -> None:
    finding = told_of(replace(UNIT, tools="toolsNotInstalled"))

    assert (finding.code, finding.severity) == ("PRE-19", Severity.WARN)


def test_a_machine_that_is_off_needs_no_tools() -> None:
    assert (
        findings_of(replace(PLAN, units=(replace(UNIT, tools="toolsNotInstalled", power="poweredOff"),)))
        == ()
    )


def test_failures_come_first() -> None:
    unit = replace(UNIT, tools="toolsNotInstalled", snapshots=1)

    assert [finding.severity for finding in findings_of(replace(PLAN, units=(unit,)))] == [
        Severity.FAIL,
        Severity.WARN,
    ]


def test_every_check_has_a_name_for_the_page() -> None:
    assert list(CHECKS_NAMED) == [f"PRE-{number:02}" for number in range(1, 20)]
