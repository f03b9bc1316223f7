"""FROZEN: what it says of exports does not depend on who closed them, or how often it is asked."""

import asyncio
from datetime import timedelta

import pytest

from agents.hostagent.freeze import GuestStillRunning
from agents.hostagent.lock import DiskBusy, DiskLock
from lab.daemon import DiskRefused, GuestPath
from tests.integration.dataplane.conftest import Ends


async def test_an_export_that_the_guest_left_open_is_closed(ends: Ends) -> None:
    daemon = ends.source.machine.daemon
    await daemon.guest_open(GuestPath.NBD)

    frozen = await ends.freeze()

    assert frozen.exports_closed == ("0",)
    assert not await daemon.execute("query-block-exports")


async def test_an_export_that_the_hypervisor_closed_first_is_told_as_closed(ends: Ends) -> None:
    daemon = ends.source.machine.daemon
    await daemon.guest_open(GuestPath.NBD)
    await daemon.guest_close()

    frozen = await ends.freeze()

    assert frozen.exports_closed == ("0",)


async def test_both_may_close_it_at_once(ends: Ends) -> None:
    daemon = ends.source.machine.daemon
    await daemon.guest_open(GuestPath.VHOST_USER)

    frozen, _ = await asyncio.gather(ends.freeze(), daemon.guest_close())

    assert frozen.exports_closed == ("0",)


async def test_all_disks_of_a_machine_are_named(ends_of_two_disks: Ends) -> None:
    await ends_of_two_disks.source.machine.daemon.guest_open(GuestPath.NBD)
    frozen = await ends_of_two_disks.freeze()
    assert frozen.exports_closed == ("0", "1")
    assert frozen.lock.disks == tuple(ends_of_two_disks.source.images)


async def test_a_freeze_that_is_asked_again_says_the_same(ends: Ends) -> None:
    first = await ends.freeze()
    again = await ends.freeze()
    assert again == first


async def test_a_frozen_machine_lets_no_guest_in(ends: Ends) -> None:
    await ends.freeze()
    with pytest.raises(DiskRefused):
        await ends.source.machine.daemon.guest_open(GuestPath.NBD)


async def test_a_guest_that_runs_keeps_its_export(ends: Ends) -> None:
    await ends.source.writer_start(rate=500)

    with pytest.raises(GuestStillRunning):
        await ends.freeze(deadline=timedelta(seconds=0.2))

    [export] = await ends.source.machine.daemon.execute("query-block-exports")
    assert export["id"] == "guest-0"


async def test_a_disk_that_another_keeper_holds_is_not_frozen(ends: Ends) -> None:
    other = DiskLock.take(ends.source.images, control=ends.source.control.with_name("other"))
    with pytest.raises(DiskBusy):
        await ends.freeze()
    other.release()

    assert (await ends.freeze()).exports_closed == ("0",)
