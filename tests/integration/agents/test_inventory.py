"""Inventory reports become rows, whatever order, repetition or nonsense they come in."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.models import Site
from portal.lib.tenancy import tenant_context
from tests.cast import NOON, Cast
from tests.integration.agents.telling import (
    MIB,
    Told,
    datastore,
    gone,
    host,
    living,
    machine,
    machines,
    network,
    objects,
    references,
    site_of,
    tell,
)

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(minutes=5)


# -- what is told is there ----------------------------------------------------------------------------


def test_a_machine_that_is_told_is_there_with_its_hardware(cast: Cast) -> None:
    tell(cast.acme, objects(machine(cpus=8, memory_mib=4096, firmware="efi", tools="guestToolsRunning")))

    [row] = machines(cast.acme).values()
    assert (row.name, row.power, row.cpus, row.memory_mib) == ("db01", "poweredOn", 8, 4096)
    assert (row.firmware, row.tools, row.disk_bytes) == ("efi", "guestToolsRunning", MIB)
    assert row.nics[0]["mac"] == "00:50:56:00:00:01"
    assert (row.seen_at, row.gone_at) == (NOON, None)


def test_hosts_datastores_and_networks_are_told_alike(cast: Cast) -> None:
    told: list[Told] = [
        {"type": "cluster", "moid": "c-1", "name": "C1"},
        {
            "type": "host",
            "moid": "host-7",
            "name": "esx7",
            "cluster_moid": "c-1",
            "connection_state": "connected",
        },
        {
            "type": "datastore",
            "moid": "ds-7",
            "name": "fast",
            "capacity_bytes": 9,
            "free_bytes": 4,
            "host_moids": ["host-7"],
        },
        {"type": "network", "moid": "net-7", "name": "VM Network", "kind": "Network"},
    ]

    tell(cast.acme, objects(*told))

    assert host(cast.acme, "host-7").cluster_moid == "c-1"
    assert (datastore(cast.acme, "ds-7").free_bytes, datastore(cast.acme, "ds-7").host_moids) == (
        4,
        ["host-7"],
    )
    assert network(cast.acme, "net-7").kind == "Network"


def test_what_a_machine_does_not_tell_any_more_is_forgotten(cast: Cast) -> None:
    tell(cast.acme, objects(machine(tools="guestToolsRunning")))

    tell(cast.acme, objects(machine(tools="")))

    assert machines(cast.acme)["vm-1"].tools == ""


# -- twice, out of order, late ------------------------------------------------------------------------


def test_the_same_report_twice_is_one_machine(cast: Cast) -> None:
    tell(cast.acme, objects(machine()))
    [first] = machines(cast.acme).values()

    tell(cast.acme, objects(machine()))

    [second] = machines(cast.acme).values()
    assert second.id == first.id


def test_a_resync_without_changes_writes_nothing(cast: Cast) -> None:
    told = objects(*(machine(f"vm-{number}", name=f"m{number}") for number in range(50)))
    tell(cast.acme, told)

    with CaptureQueriesContext(connection) as captured:
        tell(cast.acme, told, now=LATER)

    assert not [query["sql"] for query in captured if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]


def test_a_large_batch_asks_no_more_of_the_database_than_a_small_one(cast: Cast) -> None:
    with CaptureQueriesContext(connection) as small:
        tell(cast.acme, objects(machine("vm-1")))
    with CaptureQueriesContext(connection) as large:
        tell(cast.acme, objects(*(machine(f"vm-{number}") for number in range(100, 600))))

    assert len(large) == len(small)


def test_only_the_machine_that_changed_is_written(cast: Cast) -> None:
    tell(cast.acme, objects(machine(), machine("vm-2", name="db02")))

    tell(cast.acme, objects(machine(), machine("vm-2", name="db02", power="poweredOff")), now=LATER)

    found = machines(cast.acme)
    assert (found["vm-1"].seen_at, found["vm-2"].seen_at) == (NOON, LATER)
    assert found["vm-2"].power == "poweredOff"


def test_it_is_noted_once_an_hour_that_a_machine_is_still_there(cast: Cast) -> None:
    tell(cast.acme, objects(machine()))

    tell(cast.acme, objects(machine()), now=NOON + timedelta(hours=2))

    assert machines(cast.acme)["vm-1"].seen_at == NOON + timedelta(hours=2)


def test_an_object_that_is_told_twice_in_one_batch_is_what_was_said_last(cast: Cast) -> None:
    tell(cast.acme, objects(machine(power="poweredOn"), machine(power="poweredOff")))

    assert machines(cast.acme)["vm-1"].power == "poweredOff"


def test_objects_may_come_before_their_references(cast: Cast) -> None:
    tell(cast.acme, objects(machine()))
    tell(cast.acme, references(vm=["vm-1"], host=["host-1"]))

    assert living(cast.acme) == {"vm-1"}


def test_a_watcher_of_an_older_generation_changes_nothing(cast: Cast) -> None:
    tell(cast.acme, objects(machine()), generation=1)
    with tenant_context(cast.acme.tenant.id):
        Site.objects.filter(id=cast.acme.site.id).update(generation=2)

    tell(cast.acme, references(vm=[]), generation=1)
    tell(cast.acme, objects(machine("vm-2")), generation=1)
    tell(cast.acme, {"kind": "state", "state": "hung"}, generation=1)

    assert living(cast.acme) == {"vm-1"}
    assert site_of(cast.acme).state != "hung"


# -- gone, and back -----------------------------------------------------------------------------------


def test_what_a_whole_sync_does_not_name_is_gone_and_not_deleted(cast: Cast) -> None:
    tell(cast.acme, objects(machine(), machine("vm-2", name="db02")))

    tell(cast.acme, references(vm=["vm-2"]), now=LATER)

    assert living(cast.acme) == {"vm-2"}
    assert machines(cast.acme)["vm-1"].gone_at == LATER


def test_a_removed_machine_is_gone_at_once(cast: Cast) -> None:
    tell(cast.acme, objects(machine(), machine("vm-2", name="db02")))

    tell(cast.acme, gone(vm=["vm-1"]), now=LATER)

    assert living(cast.acme) == {"vm-2"}


def test_a_machine_stays_gone_since_it_went(cast: Cast) -> None:
    tell(cast.acme, objects(machine()))
    tell(cast.acme, gone(vm=["vm-1"]), now=NOON)

    tell(cast.acme, gone(vm=["vm-1"]), now=LATER)
    tell(cast.acme, references(vm=[]), now=LATER)

    assert machines(cast.acme)["vm-1"].gone_at == NOON


def test_a_machine_that_is_back_is_the_same_row(cast: Cast) -> None:
    tell(cast.acme, objects(machine()))
    [before] = machines(cast.acme).values()
    tell(cast.acme, gone(vm=["vm-1"]))

    tell(cast.acme, objects(machine()), now=LATER)

    [after] = machines(cast.acme).values()
    assert (after.id, after.gone_at, after.seen_at) == (before.id, None, LATER)


def test_a_kind_that_was_not_named_keeps_all_it_has(cast: Cast) -> None:
    tell(cast.acme, objects(machine()))

    tell(cast.acme, references(host=[]))

    assert living(cast.acme) == {"vm-1"}
    assert host(cast.acme, "host-1").gone_at == NOON


def test_a_stale_sync_is_put_right_by_the_next_word_of_the_machine(cast: Cast) -> None:
    tell(cast.acme, objects(machine()))
    tell(cast.acme, references(vm=[]))

    tell(cast.acme, objects(machine()), now=LATER)

    assert living(cast.acme) == {"vm-1"}


def test_a_machine_on_another_host_is_the_same_machine(cast: Cast) -> None:
    tell(cast.acme, objects(machine(host_moid="host-1")))
    [before] = machines(cast.acme).values()

    tell(cast.acme, objects(machine(host_moid="host-2")))

    [after] = machines(cast.acme).values()
    assert (after.id, after.host_moid) == (before.id, "host-2")


# -- two sites, two tenants ---------------------------------------------------------------------------


def test_two_sites_may_share_every_moid_and_uuid(cast: Cast) -> None:
    house = cast.acme
    other = house.offer.site
    tell(house, objects(machine(name="here")))
    tell(house, objects(machine(name="there")), site=other)

    tell(house, gone(vm=["vm-1"]))

    here, there = machines(house)["vm-1"], machines(house, site=other)["vm-1"]
    assert (here.name, there.name) == ("here", "there")
    assert here.uuid == there.uuid
    assert (here.gone_at, there.gone_at) == (NOON, None)


def test_two_tenants_may_share_every_moid_and_see_their_own(cast: Cast) -> None:
    tell(cast.acme, objects(machine(name="acme's")))
    tell(cast.globex, objects(machine(name="globex's")))

    tell(cast.globex, references(vm=[]))

    assert [row.name for row in machines(cast.acme).values()] == ["acme's"]
    assert living(cast.acme) == {"vm-1"}
    assert living(cast.globex) == set()


def test_a_tenant_cannot_tell_of_another_tenant_s_site(cast: Cast) -> None:
    tell(cast.acme, objects(machine()))

    tell(cast.globex, references(vm=[]), site=cast.acme.site)
    tell(cast.globex, objects(machine("vm-2")), site=cast.acme.site)

    assert living(cast.acme) == {"vm-1"}
