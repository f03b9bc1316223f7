"""A source host's steps: looking, rounds, the freeze with its last round, the proof and the release.

Each may be run again after the death of the agent or of the storage daemon, at any point.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec

from agents.domain.protocol import (
    Failed,
    Failure,
    Freeze,
    FreezeDone,
    FreezeProgress,
    Machine,
    Step,
    SyncDone,
    Validate,
    Validated,
    Verified,
)
from agents.hostagent.barrier import barrier
from agents.hostagent.engine import Engine, EngineAbsent, EngineGone, GuestEngineEnded, ResyncNeeded
from agents.hostagent.executor import Order, StepFunction
from agents.hostagent.failures import StepFailed
from agents.hostagent.freeze import freeze, keeper_ready
from agents.hostagent.host import Host, MachineFolder, Place, guest_end
from agents.hostagent.landings import attach_anew
from agents.hostagent.line import Line, LineRound
from agents.hostagent.lock import DiskLock, LockLost
from agents.hostagent.path import path_prove
from agents.hostagent.presence import Presence
from agents.hostagent.shapes import allocated_bytes, roots_of, shapes_check

ENGINE_LOSSES_MAX = 3
"""Restarts of the storage daemon that one step survives."""

Work = Callable[[Engine, MachineFolder], Awaitable[msgspec.Struct]]


class SourceSteps:
    """The steps of one host as a source."""

    def __init__(self, host: Host, line: Line) -> None:
        self._host = host
        self._line = line

    @property
    def steps(self) -> Mapping[Step, StepFunction]:
        """What a source host can be told to do."""
        return {
            Step.VALIDATE: self.validate,
            Step.SYNC: self.sync,
            Step.FREEZE: self.freeze,
            Step.VERIFY_SOURCE: self.verify,
            Step.RELEASE_SOURCE: self.release,
        }

    async def validate(self, order: Order) -> Validated:
        """Look, without changing anything."""
        body: Validate = order.body
        if body.peer_address:
            await path_prove(body.peer_address)
        async with self._host.turn(body.machine):
            folder = await self._host.machine(body.machine)
            async with self._host.engine(folder) as engine:
                disks = await engine.disks()
                shapes_check(body.disks, disks)
                return Validated(
                    disks=body.disks,
                    engine=engine.name,
                    survives_power_off=engine.survives_power_off(
                        said=folder.description().survives_power_off
                    ),
                    guest_running=engine.guest(folder.presence).alive(),
                    allocated_bytes=allocated_bytes(disks),
                )

    async def sync(self, order: Order) -> msgspec.Struct:
        """One round: everything, or what changed, or after a daemon's death what differs."""

        async def round_run(engine: Engine, _folder: MachineFolder) -> msgspec.Struct:
            stage = await self._attach(engine, order)
            done = await self._round(engine, order, stage)
            return SyncDone(
                round=order.body.round,
                planned=done.planned,
                content=done.content,
                wire=done.wire,
                connections=done.connections,
                seconds=done.took.total_seconds(),
                remaining_bytes=await engine.dirty_bytes(),
                allocated_bytes=allocated_bytes(await engine.disks()),
            )

        return await self._with_engine(order.body.machine, round_run)

    async def freeze(self, order: Order) -> msgspec.Struct:
        """Wait for the guest's end, freeze, carry the last round, and compare both ends' digests."""
        body: Freeze = order.body

        async def freeze_run(engine: Engine, folder: MachineFolder) -> msgspec.Struct:
            stage = await self._attach(engine, order)
            presence = _Watched(engine.guest(folder.presence))
            control = self._host.control(body.machine)
            async with keeper_ready(engine, control) as keeper:
                await guest_end(presence, body.deadline_s)
                async with self._host.final_turn():
                    frozen = await freeze(
                        engine=engine, presence=presence, keeper=keeper, deadline=timedelta(0)
                    )
                    frozen_at = time.monotonic()
                    order.progress(FreezeProgress(frozen=True, exports_closed=frozen.exports_closed))
                    barrier("freeze.frozen")
                    final = await self._round(engine, order, stage)
            _digests_equal(final)
            return FreezeDone(
                planned=final.planned,
                content=final.content,
                wire=final.wire,
                source_roots=final.source_roots,
                destination_roots=final.destination_roots,
                freeze_to_verified_s=final.proved_at - frozen_at,
                guest_end_to_frozen_s=frozen_at - presence.ended_at,
            )

        return await self._with_engine(body.machine, freeze_run)

    async def verify(self, order: Order) -> Verified:
        """Hash the frozen disks themselves."""
        body: Machine = order.body
        async with self._host.turn(body.machine):
            folder = await self._host.machine(body.machine)
            if await asyncio.to_thread(DiskLock.find, self._host.control(body.machine)) is None:
                raise LockLost(f"the disks of {body.machine} are not locked, so they may change")
            async with self._host.engine(folder) as engine, engine.delta(None) as exports:
                return await roots_of(exports, self._host.own_folder(body.machine))

    async def release(self, order: Order) -> None:
        """Take everything out, the lock last: then the guest may be started again."""
        machine = order.body.machine
        async with self._host.turn(machine):
            folder = await self._host.machine(machine)
            with suppress(EngineAbsent):  # what the agent had put into it went with its process
                async with self._host.engine(folder) as engine:
                    await engine.release()
            barrier("release_source.unlocked")
            lock = await asyncio.to_thread(DiskLock.find, self._host.control(machine))
            if lock is not None:
                await asyncio.to_thread(lock.release)
            self._host.forget(machine)

    # -- parts --------------------------------------------------------------------------------------

    async def _with_engine(self, machine: str, work: Work) -> msgspec.Struct:
        """Work on a machine's engine, again when its daemon dies under it."""
        async with self._host.turn(machine):
            folder = await self._host.machine(machine)
            for _ in range(ENGINE_LOSSES_MAX):
                try:
                    async with self._host.engine(folder) as engine:
                        return await work(engine, folder)
                except GuestEngineEnded:
                    raise
                except EngineGone as error:
                    lost = error
            raise lost

    async def _attach(self, engine: Engine, order: Order) -> str:
        """Record writes; what the next round has to be: "full", "delta" or "resync"."""
        machine, command = order.body.machine, order.command
        place = self._host.place(machine)
        ours = place is not None and (place.unit, place.generation) == (command.unit_id, command.generation)
        if place is None or not ours:
            await engine.release()  # an older migration's records say nothing of this one's destination
            await attach_anew(engine)
            place = Place(unit=command.unit_id, generation=command.generation, stage="full")
            self._host.place_set(machine, place)
            return place.stage
        try:
            await engine.attach(known=True)
        except ResyncNeeded:
            await attach_anew(engine)
            if place.stage == "delta":
                place = msgspec.structs.replace(place, stage="resync")
                self._host.place_set(machine, place)
        return place.stage

    async def _round(self, engine: Engine, order: Order, stage: str) -> LineRound:
        done = await self._line.round_run(order, engine, stage)
        place = self._host.place(order.body.machine)
        if place is not None:
            self._host.place_set(order.body.machine, msgspec.structs.replace(place, stage="delta"))
        return done


@dataclass(slots=True)
class _Watched:
    """Presence that remembers when it was first seen ended, by the monotonic clock."""

    presence: Presence
    ended_at: float = field(default=0.0, init=False)

    def alive(self) -> bool:
        """Whether the guest's process exists now."""
        alive = self.presence.alive()
        if not alive and not self.ended_at:
            self.ended_at = time.monotonic()
        return alive


def _digests_equal(final: LineRound) -> None:
    if final.source_roots == final.destination_roots:
        return
    different = sorted(
        name for name, root in final.source_roots.items() if final.destination_roots.get(name) != root
    )
    raise StepFailed(
        Failed(
            code=Failure.DIGESTS_DIFFER,
            what="The destination's disks are not what was sent.",
            why=f"The digests of disk {', '.join(different)} differ after the last round.",
            remedy="Roll back; the source is unharmed and starts again. Then see the destination's storage.",
            retry=False,
        )
    )
