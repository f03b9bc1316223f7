"""What the host's steps share: machines' folders, engines, what is in place, and whose turn it is."""

import asyncio
import shutil
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import msgspec

from agents.domain.protocol import DiskShape, Failed, Failure
from agents.hostagent.engine import Engine, EngineGone
from agents.hostagent.engine_qemu import DiskPath, QemuEngine
from agents.hostagent.engine_qsd import StorageDaemonEngine
from agents.hostagent.failures import StepFailed
from agents.hostagent.freeze import PRESENCE_POLL_S, GuestStillRunning
from agents.hostagent.journal import Journal
from agents.hostagent.monitor import Monitor
from agents.hostagent.presence import Presence, PresenceFile

MACHINE_PATIENCE_S = 15.0
"""A machine that the vCenter has just created takes the hypervisor a moment."""
ENGINE_PATIENCE_S = 20.0
CONNECT_TIMEOUT_S = 5.0
FINAL_TURN_S = 3.0
POLL_S = 0.2


class Shape(msgspec.Struct, frozen=True):
    """A disk as the host describes it."""

    name: str
    size: int
    path: str


class Description(msgspec.Struct, frozen=True):
    """A machine's `machine.json`."""

    moid: str
    name: str
    disks: list[Shape]
    survives_power_off: bool = False


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What the agent has put in place for a machine, and for whom: what it must find again."""

    unit: UUID
    generation: int
    stage: str
    disks: tuple[DiskShape, ...] = ()
    peer: str = ""


@dataclass(frozen=True, slots=True)
class MachineFolder:
    """A machine's folder below --machines."""

    path: Path

    @property
    def presence(self) -> PresenceFile:
        """Whether its guest's process lives."""
        return PresenceFile(self.path / "guest.presence")

    def description(self) -> Description:
        """What the host says of it. Raises StepFailed when it says nothing."""
        try:
            return msgspec.json.decode((self.path / "machine.json").read_bytes(), type=Description)
        except (OSError, msgspec.MsgspecError) as error:
            raise StepFailed(_unknown(self.path.name, str(error))) from error


@dataclass(slots=True)
class Host:
    """One hypervisor host, as its agent knows it."""

    machines: Path
    state: Path
    journal: Journal
    engine_patience_s: float = ENGINE_PATIENCE_S
    _final: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)
    _turns: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock), init=False)

    @asynccontextmanager
    async def final_turn(self) -> AsyncIterator[None]:
        """One machine after the other between freeze and proof: six at once take each six times as long.

        A courtesy: when another takes too long it is not waited for.
        """
        try:
            async with asyncio.timeout(FINAL_TURN_S):
                await self._final.acquire()
        except TimeoutError:
            yield
            return
        try:
            yield
        finally:
            self._final.release()

    def turn(self, machine: str) -> asyncio.Lock:
        """Held by whoever works on a machine: its engine takes one client at a time."""
        return self._turns[machine]

    def own_folder(self, machine: str) -> Path:
        """The agent's own folder for a machine: lock, digests, scratch."""
        folder = self.state / "machines" / _checked(machine)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def control(self, machine: str) -> Path:
        """The socket of the keeper that holds the machine's disk lock, if one does."""
        return self.own_folder(machine) / "lock"

    def scratch(self, machine: str) -> Path:
        """Where a view keeps the blocks that the guest replaces."""
        folder = self.own_folder(machine) / "scratch"
        folder.mkdir(exist_ok=True)
        return folder

    async def machine(self, moid: str) -> MachineFolder:
        """A machine's folder, once the host has it. Raises StepFailed."""
        folder = MachineFolder(self.machines / _checked(moid))
        until = time.monotonic() + MACHINE_PATIENCE_S
        while not (folder.path / "machine.json").exists():
            if time.monotonic() > until:
                raise StepFailed(_unknown(moid, f"there is no {folder.path / 'machine.json'}"))
            await asyncio.sleep(POLL_S)
        return folder

    async def machine_now(self, moid: str) -> MachineFolder:
        """A machine's folder, if the host has it. Raises StepFailed."""
        folder = MachineFolder(self.machines / _checked(moid))
        folder.description()
        return folder

    @asynccontextmanager
    async def engine(self, folder: MachineFolder) -> AsyncIterator[Engine]:
        """The machine's engine, waited for while a storage daemon is being restarted. Raises EngineGone."""
        async with AsyncExitStack() as stack:
            until = time.monotonic() + self.engine_patience_s
            while True:
                try:
                    engine = await self._connect(stack, folder)
                except EngineGone:
                    if time.monotonic() > until:
                        raise
                    await asyncio.sleep(POLL_S)
                else:
                    break
            yield engine

    def place(self, machine: str) -> Place | None:
        """What is in place for a machine."""
        kept = self.journal.place_get(_key(machine))
        return None if kept is None else msgspec.json.decode(kept, type=Place)

    def place_set(self, machine: str, place: Place | None) -> None:
        """Remember what is in place."""
        self.journal.place_set(_key(machine), None if place is None else msgspec.json.encode(place))

    def places(self) -> dict[str, Place]:
        """All that is in place, by machine."""
        return {
            key.removeprefix(_key("")): msgspec.json.decode(kept, type=Place)
            for key, kept in self.journal.places().items()
            if key.startswith(_key(""))
        }

    def forget(self, machine: str) -> None:
        """Nothing is in place any more: neither in the journal nor in the agent's own folder."""
        self.place_set(machine, None)
        shutil.rmtree(self.state / "machines" / _checked(machine), ignore_errors=True)

    async def _connect(self, stack: AsyncExitStack, folder: MachineFolder) -> Engine:
        qmp, nbd = folder.path / "agent.qmp", folder.path / "nbd"
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S), AsyncExitStack() as own:
                monitor = await own.enter_async_context(Monitor.connect(qmp))
                engine: Engine = StorageDaemonEngine(monitor, nbd)
                if await _is_inside(monitor):
                    disks = [DiskPath(disk.name, Path(disk.path)) for disk in folder.description().disks]
                    engine = await own.enter_async_context(QemuEngine.over(monitor, nbd, disks))
                # Only now: a half-made connection that stayed open would stand in the next one's way.
                await stack.enter_async_context(own.pop_all())
                return engine
        except TimeoutError as error:
            raise EngineGone(f"the engine at {qmp} takes no second client") from error


async def guest_end(presence: Presence, deadline_s: float) -> None:
    """Wait until the guest's process is gone. Raises GuestStillRunning."""
    until = time.monotonic() + deadline_s
    while presence.alive():
        if time.monotonic() > until:
            raise GuestStillRunning(f"the guest still runs after {deadline_s:.0f} s")
        await asyncio.sleep(PRESENCE_POLL_S)


async def _is_inside(monitor: Monitor) -> bool:
    """Whether that is a guest's own QEMU: only there is a guest whose state can be asked for."""
    commands = await monitor.execute("query-commands")
    return any(command["name"] == "query-status" for command in commands)


def _key(machine: str) -> str:
    return f"machine:{machine}"


def _checked(moid: str) -> str:
    """A moid that is a file name. It comes from a vCenter, by way of the portal."""
    if not moid or moid.startswith(".") or "/" in moid or "\0" in moid:
        raise StepFailed(
            Failed(code=Failure.BAD_COMMAND, what="That is no machine's name.", why=repr(moid), retry=False)
        )
    return moid


def _unknown(moid: str, why: str) -> Failed:
    return Failed(
        code=Failure.MACHINE_UNKNOWN,
        what=f"This host has no machine {moid}.",
        why=why,
        remedy="See whether the machine runs on another host now; the inventory shows where.",
    )
