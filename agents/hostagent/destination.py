"""A destination host's steps: landing, switch to the view, the proof, and back behind the lock.

Each may be run again after the agent's death at any point: what stands is read from the engine, from the
keeper and from the stage that was remembered, in this order of trust.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress

import msgspec

from agents.domain.protocol import (
    Failed,
    Failure,
    Landing,
    Machine,
    OpenLanding,
    Step,
    Verified,
)
from agents.hostagent.barrier import barrier
from agents.hostagent.engine import Engine, EngineGone, ResyncNeeded, ViewUnproved
from agents.hostagent.executor import Order, StepFunction
from agents.hostagent.failures import StepFailed
from agents.hostagent.freeze import GuestReturned
from agents.hostagent.host import Host, MachineFolder, Place, guest_end
from agents.hostagent.landings import Landings, attach_anew
from agents.hostagent.lock import DiskLock
from agents.hostagent.released import Released
from agents.hostagent.shapes import roots_of, shapes_check

POLL_S = 0.1


class DestinationSteps:
    """The steps of one host as a destination."""

    def __init__(self, host: Host, landings: Landings, released: Released) -> None:
        self._host = host
        self._released = released
        self._landings = landings

    @property
    def steps(self) -> Mapping[Step, StepFunction]:
        """What a destination host can be told to do."""
        return {
            Step.OPEN_LANDING: self.open_landing,
            Step.SWITCH: self.switch,
            Step.CHECK_RUNNING: self.check_running,
            Step.VERIFY_DESTINATION: self.verify,
            Step.FENCE_DESTINATION: self.fence,
            Step.RELEASE_DESTINATION: self.release,
        }

    async def open_landing(self, order: Order) -> Landing:
        """Take the lock, attach, and let the source's agent in."""
        body: OpenLanding = order.body
        async with self._host.turn(body.machine):
            folder = await self._host.machine(body.machine)
            async with self._host.engine(folder) as engine:
                shapes_check(body.disks, await engine.disks())
            place = Place(
                unit=order.command.unit_id,
                generation=order.command.generation,
                stage="landing",
                disks=body.disks,
                peer=body.source_fingerprint,
            )
            await self._landings.open(body.machine, folder, place)
            self._host.place_set(body.machine, place)
        return Landing(address=self._landings.address, fingerprint=self._landings.fingerprint)

    async def switch(self, order: Order) -> None:
        """Close the landing, release the lock and put the view in, with the proof that nobody was faster."""
        body: Machine = order.body
        async with self._host.turn(body.machine):
            folder = await self._host.machine(body.machine)
            place = _placed(self._host.place(body.machine), body.machine)
            async with self._host.engine(folder) as engine:
                if place.stage == "switched" and await engine.view_find() is not None:
                    return
                if place.stage == "landing":
                    place = await self._landing_end(engine, body.machine, place)
                await self._view_put_in(engine, body.machine)
            self._host.place_set(body.machine, msgspec.structs.replace(place, stage="switched"))

    async def check_running(self, order: Order) -> None:
        """Wait until the guest's process lives and has written. Raises StepFailed at the deadline."""
        body: Machine = order.body
        async with self._host.turn(body.machine):
            folder = await self._host.machine(body.machine)
            until = time.monotonic() + body.deadline_s
            while (why := await self._not_running(folder)) is not None:
                if time.monotonic() > until:
                    raise StepFailed(_not_running(why))
                await asyncio.sleep(POLL_S)

    async def verify(self, order: Order) -> Verified:
        """Hash what the disks were before the guest's first write, from the view."""
        body: Machine = order.body
        async with self._host.turn(body.machine):
            folder = await self._host.machine(body.machine)
            async with self._host.engine(folder) as engine:
                exports = await engine.view_find()
                if exports is None:
                    raise StepFailed(_view_broken("the storage daemon has no view of the disks any more"))
                try:
                    return await roots_of(exports, self._host.own_folder(body.machine))
                except EngineGone as error:
                    raise StepFailed(_view_broken(str(error))) from error

    async def fence(self, order: Order) -> None:
        """Confirm that no guest can write here: process gone, exports closed, view out, lock held."""
        body: Machine = order.body
        async with self._host.turn(body.machine):
            folder = await self._host.machine(body.machine)
            await self._landings.close(body.machine)
            await guest_end(folder.presence, body.deadline_s)
            async with self._host.engine(folder) as engine:
                await engine.guest_exports_close()
                await engine.landing_close()
                await engine.view_close(self._host.scratch(body.machine))
                disks = [disk.path for disk in await engine.disks()]
            control = self._host.control(body.machine)
            await asyncio.to_thread(DiskLock.take, disks, control=control)
            if folder.presence.alive():
                raise GuestReturned("a guest was powered on while its disks were being fenced")
            barrier("fence_destination.locked")
            if (place := self._host.place(body.machine)) is not None:
                self._host.place_set(body.machine, msgspec.structs.replace(place, stage="fenced"))

    async def release(self, order: Order) -> None:
        """Take out everything. A lock that is still held stays until the disks are removed.

        It is held only where the migration went back: then the copy must never be started, and the vCenter
        may still have a late power-on for it under way.
        """
        body: Machine = order.body
        async with self._host.turn(body.machine):
            await self._landings.close(body.machine)
            with suppress(StepFailed):  # the machine is gone from this host: nothing is left to take out
                folder = await self._host.machine_now(body.machine)
                async with self._host.engine(folder) as engine:
                    await engine.landing_close()
                    await engine.view_close(self._host.scratch(body.machine))
                    await engine.release()
            await self._released.add(body.machine)

    # -- parts of switch --------------------------------------------------------------------------

    async def _landing_end(self, engine: Engine, machine: str, place: Place) -> Place:
        await self._landings.close(machine)
        await engine.landing_close()
        await self._record_under_lock(engine, machine)
        place = msgspec.structs.replace(place, stage="switching")
        self._host.place_set(machine, place)
        barrier("switch.closed")
        return place

    async def _record_under_lock(self, engine: Engine, machine: str) -> None:
        """See that writes are recorded since a time at which the lock was held; begin anew if not."""
        disks = [disk.path for disk in await engine.disks()]
        await asyncio.to_thread(DiskLock.take, disks, control=self._host.control(machine))
        try:
            await engine.dirty_bytes()
        except ResyncNeeded:
            await attach_anew(engine)

    async def _view_put_in(self, engine: Engine, machine: str) -> None:
        try:
            await engine.dirty_bytes()
        except ResyncNeeded:  # the daemon was restarted since; the digests will tell if somebody wrote
            await self._record_under_lock(engine, machine)
        lock = DiskLock.find(self._host.control(machine))
        if lock is not None:
            await asyncio.to_thread(lock.release)
        barrier("switch.released")
        scratch = self._host.scratch(machine)
        try:
            await engine.view_open(scratch)
        except ViewUnproved:
            await engine.view_close(scratch)
            raise

    async def _not_running(self, folder: MachineFolder) -> str | None:
        """Why the guest cannot be said to run, if it cannot."""
        if not folder.presence.alive():
            return "its process is not there"
        try:
            async with self._host.engine(folder) as engine:
                return None if await engine.dirty_bytes() else "it has not written anything yet"
        except ResyncNeeded:
            async with self._host.engine(folder) as engine:
                await attach_anew(engine)
            return "the storage daemon was restarted, and nothing was written since"


def _placed(place: Place | None, machine: str) -> Place:
    if place is None:
        raise StepFailed(
            Failed(
                code=Failure.BAD_COMMAND,
                what="Nothing of this migration is in place on this host.",
                why=f"There is no landing for {machine}; it was released, or never opened.",
                remedy="Start the migration of this machine again.",
                retry=False,
            )
        )
    return place


def _not_running(why: str) -> Failed:
    return Failed(
        code=Failure.GUEST_NOT_RUNNING,
        what="The guest was powered on at the destination, but does not run.",
        why=f"At the deadline {why}.",
        remedy="Look at its console; roll back if it does not boot.",
    )


def _view_broken(why: str) -> Failed:
    return Failed(
        code=Failure.VIEW_BROKEN,
        what="What had arrived can no longer be told from what the guest has written since.",
        why=why,
        remedy="The transfer's own digests were equal. Accept the machine as unverified, or roll back.",
        retry=False,
    )
