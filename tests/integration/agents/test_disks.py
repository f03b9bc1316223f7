"""Disks of machines: the same row while they are there, a mark when they are not."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError

from agents.models import VirtualDisk
from portal.lib.tenancy import tenant_context
from tests.cast import GIB, NOON, Cast
from tests.integration.agents.telling import disk, disks, every_disk, machine, objects, tell

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(minutes=5)


def told(cast: Cast, *found: Any, **changes: Any) -> None:
    """Tell of a machine with these disks."""
    tell(cast.acme, objects(machine(disks=list(found))), **changes)


def test_a_disk_is_there_as_it_was_told(cast: Cast) -> None:
    told(cast, disk(2000, size_bytes=GIB, path="[fast] db01/a.vmdk"), disk(2001, number=1, kind="rdm"))

    first, second = disks(cast.acme)
    assert (first.size_bytes, first.path, first.kind) == (GIB, "[fast] db01/a.vmdk", "flat")
    assert (second.number, second.kind) == (1, "rdm")


def test_a_disk_that_grew_is_the_same_disk(cast: Cast) -> None:
    told(cast, disk())
    [before] = disks(cast.acme)

    told(cast, disk(size_bytes=GIB))

    [after] = disks(cast.acme)
    assert (after.id, after.size_bytes) == (before.id, GIB)


def test_a_new_disk_leaves_the_others_what_they_were(cast: Cast) -> None:
    told(cast, disk())
    [before] = disks(cast.acme)

    told(cast, disk(), disk(2001, number=1))

    assert [one.key for one in disks(cast.acme)] == [2000, 2001]
    assert disks(cast.acme)[0].id == before.id


def test_a_removed_disk_is_gone_and_not_deleted(cast: Cast) -> None:
    told(cast, disk(), disk(2001, number=1))

    told(cast, disk(), now=LATER)

    assert [one.key for one in disks(cast.acme)] == [2000]
    assert [(one.key, one.gone_at) for one in every_disk(cast.acme)] == [(2000, None), (2001, LATER)]


def test_the_disk_after_a_removed_one_moves_up(cast: Cast) -> None:
    told(cast, disk(), disk(2001, number=1))

    told(cast, disk(2001, number=0))

    [left] = disks(cast.acme)
    assert (left.key, left.number) == (2001, 0)


def test_two_disks_may_change_places(cast: Cast) -> None:
    told(cast, disk(2000), disk(2001, number=1))

    told(cast, disk(2001, number=0), disk(2000, number=1))

    assert [one.key for one in disks(cast.acme)] == [2001, 2000]


def test_a_disk_that_is_back_is_the_same_row(cast: Cast) -> None:
    told(cast, disk())
    [before] = disks(cast.acme)
    told(cast)

    told(cast, disk(), now=LATER)

    [after] = disks(cast.acme)
    assert (after.id, after.gone_at) == (before.id, None)


def test_a_disk_that_stays_gone_keeps_its_moment(cast: Cast) -> None:
    told(cast, disk(), disk(2001, number=1))
    told(cast, disk(), now=LATER)

    told(cast, disk(size_bytes=GIB), now=LATER + timedelta(hours=1))

    assert every_disk(cast.acme)[1].gone_at == LATER


def test_a_machine_without_disks_has_none(cast: Cast) -> None:
    told(cast)

    assert disks(cast.acme) == []


def test_two_disks_of_one_key_are_one(cast: Cast) -> None:
    told(cast, disk(2000), disk(2000, number=1, size_bytes=GIB))

    [only] = disks(cast.acme)
    assert (only.number, only.size_bytes) == (0, GIB)


def test_disks_of_one_number_are_numbered_anew(cast: Cast) -> None:
    told(cast, disk(2000), disk(2001, number=0))

    assert sorted(one.number for one in disks(cast.acme)) == [0, 1]


def test_two_machines_may_have_disks_of_the_same_key(cast: Cast) -> None:
    tell(cast.acme, objects(machine(), machine("vm-2", name="db02")))

    assert [len(disks(cast.acme, moid)) for moid in ("vm-1", "vm-2")] == [1, 1]


def test_the_database_knows_no_two_living_disks_of_one_number(cast: Cast) -> None:
    told(cast, disk(2000), disk(2001, number=1))

    with pytest.raises(IntegrityError, match="number_once"), tenant_context(cast.acme.tenant.id):
        VirtualDisk.objects.update(number=0)


def test_a_machine_s_own_disks_are_those_that_are_there(cast: Cast) -> None:
    told(cast, disk(), disk(2001, number=1))
    told(cast, disk())

    with tenant_context(cast.acme.tenant.id):
        machine_row = disks(cast.acme)[0].machine
        assert machine_row.disks.count() == 1
