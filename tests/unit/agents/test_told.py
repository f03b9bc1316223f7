"""What a connector tells is read defensively: each thing once, and nonsense left out."""

from typing import Any

import pytest

from agents.domain.inventory import BATCH_MAX, REASON_MAX, moids_read, objects_read, state_read
from agents.domain.site import SITE_CODES, SiteState


def vm(moid: str = "vm-1", **changes: Any) -> dict[str, Any]:
    """Return a machine as it is told."""
    return {"type": "vm", "moid": moid, "name": "db01", **changes}


def test_objects_are_sorted_by_kind() -> None:
    found = objects_read([vm(), {"type": "host", "moid": "host-1", "name": "esx1"}, vm("vm-2")])

    assert {kind: [one.moid for one in items] for kind, items in found.items()} == {
        "host": ["host-1"],
        "vm": ["vm-1", "vm-2"],
    }


def test_a_field_of_a_newer_connector_is_ignored() -> None:
    [read] = objects_read([vm(colour="blue")])["vm"]

    assert read.name == "db01"


def test_a_field_that_an_older_connector_does_not_tell_has_its_default() -> None:
    [read] = objects_read([{"type": "vm", "moid": "vm-1"}])["vm"]

    assert (read.name, read.firmware, read.disks, read.nics) == ("", "bios", [], [])


def test_the_last_word_on_an_object_counts() -> None:
    [read] = objects_read([vm(power="poweredOn"), vm(power="poweredOff")])["vm"]

    assert read.power == "poweredOff"


def test_a_host_and_a_machine_may_have_the_same_moid() -> None:
    found = objects_read([vm("x-1"), {"type": "host", "moid": "x-1", "name": "esx1"}])

    assert set(found) == {"vm", "host"}


def test_a_batch_without_end_is_read_to_its_limit() -> None:
    found = objects_read([vm(f"vm-{number}") for number in range(BATCH_MAX + 1)])

    assert len(found["vm"]) == BATCH_MAX


@pytest.mark.parametrize("told", [None, "vm-1", 7, {"vm-1": vm()}, [[]], [None]])
def test_what_is_no_list_of_objects_is_nothing(told: object) -> None:
    assert objects_read(told) == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"cpus": 1 << 31},
        {"cpus": True},
        {"memory_mib": -1},
        {"disk_bytes": 1.5},
        {"nics": [{"label": "a card without a key"}]},
        {"disks": [{"number": -1, "key": 1, "size_bytes": 1}]},
        {"disks": [{"number": 0, "key": 1 << 31, "size_bytes": 1}]},
        {"power": "p" * 17},
    ],
)
def test_a_value_that_no_column_could_hold_is_left_out(changes: dict[str, Any]) -> None:
    assert objects_read([vm(**changes)]) == {}


def test_a_kind_without_any_moid_is_not_a_kind_that_was_not_named() -> None:
    assert moids_read({"vm": []}) == {"vm": frozenset()}


@pytest.mark.parametrize("told", [None, [], "vm", {"toaster": ["t-1"]}, {"vm": "vm-1"}, {"vm": None}])
def test_moids_that_cannot_be_read_name_no_kind(told: object) -> None:
    assert moids_read(told) == {}


def test_moids_that_are_no_text_are_left_out() -> None:
    assert moids_read({"vm": ["vm-1", 2, None]}) == {"vm": frozenset({"vm-1"})}


def test_a_state_is_read_with_all_that_it_says() -> None:
    read = state_read(
        {"kind": "state", "state": "hung", "reason": "why", "fingerprint": "ab", "about": {"v": 1}}
    )

    assert read is not None
    assert (read.state, read.reason, read.fingerprint, read.about) == (SiteState.HUNG, "why", "ab", {"v": 1})


@pytest.mark.parametrize(
    "changes", [{"state": "on fire"}, {"reason": 7}, {"about": []}, {"fingerprint": "f" * 65}]
)
def test_a_state_that_cannot_be_read_is_none(changes: dict[str, Any]) -> None:
    assert state_read({"state": "hung", **changes}) is None


def test_every_state_that_needs_somebody_has_a_code() -> None:
    quiet = {SiteState.NEW, SiteState.CONNECTING, SiteState.CONNECTED}

    assert set(SITE_CODES) == set(SiteState) - quiet
    assert len(set(SITE_CODES.values())) == len(SITE_CODES)


def test_a_site_that_talks_for_ever_is_cut_short() -> None:
    read = state_read({"state": "hung", "reason": "x" * 10**6, "about": {"name": "y" * 10**6}})

    assert read is not None
    assert (len(read.reason), read.about) == (REASON_MAX, {})
