"""Reports that make no sense: left out and logged, and never in the way of those after them."""

from typing import Any

import pytest

from tests.cast import Cast
from tests.integration.agents.telling import living, machine, machines, objects, site_of, tell

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "nonsense",
    [
        {"type": "vm", "moid": ""},
        {"type": "vm", "moid": "x" * 65},
        {"type": "vm", "name": "without a moid"},
        {"type": "toaster", "moid": "vm-3"},
        {"type": "vm", "moid": "vm-3", "name": "n" * 256},
        {"type": "vm", "moid": "vm-3", "cpus": -1},
        {"type": "vm", "moid": "vm-3", "cpus": "many"},
        {"type": "vm", "moid": "vm-3", "disk_bytes": 1 << 63},
        {"type": "vm", "moid": "vm-3", "disks": [{"number": 0}]},
        {"type": "vm", "moid": "vm-3", "disks": "none"},
        "vm-3",
        None,
    ],
)
def test_what_cannot_be_read_is_left_out_and_the_rest_is_taken(cast: Cast, nonsense: Any) -> None:
    tell(cast.acme, objects(nonsense, machine()))

    assert set(machines(cast.acme)) == {"vm-1"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "a new kind"},
        {"kind": "objects"},
        {"kind": "objects", "objects": {"vm-1": 1}},
        {"kind": "references"},
        {"kind": "references", "moids": ["vm-1"]},
        {"kind": "references", "moids": {"vm": "vm-1"}},
        {"kind": "references", "moids": {"toaster": []}},
        {"kind": "gone", "moids": {"toaster": ["vm-1"]}},
        {"kind": "gone", "moids": {"vm": [1, None]}},
        {"kind": "state", "state": "on fire"},
        {"kind": "state", "state": "hung", "fingerprint": "f" * 65},
    ],
)
def test_a_report_that_makes_no_sense_changes_nothing(cast: Cast, body: dict[str, Any]) -> None:
    tell(cast.acme, objects(machine()))
    before = site_of(cast.acme)

    tell(cast.acme, body)

    after = site_of(cast.acme)
    assert living(cast.acme) == {"vm-1"}
    assert (after.state, after.inventory_at) == (before.state, before.inventory_at)
