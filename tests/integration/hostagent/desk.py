"""A connector at work on a simulator, without a portal: commands go in, reports are read from the journal."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec

from agents.domain.protocol import CreateMachine, DiskShape, Endpoint, MachinePower, NicPlan, WatchInventory
from agents.domain.sealing import seal
from agents.hostagent.connector import Connector
from agents.hostagent.executor import Executor
from agents.hostagent.identity import StateFolder
from agents.hostagent.journal import Command, Journal
from lab.simulator import Simulator

SITE = UUID(int=3)
UNIT = UUID(int=7)
MIB = 1 << 20
END = ("succeeded", "failed", "superseded")


@dataclass(slots=True)
class Desk:
    """One connector, one vCenter."""

    simulator: Simulator
    public: bytes
    journal: Journal
    connector: Connector
    executor: Executor
    seq: int = 0
    reports: dict[UUID, list[tuple[str, dict[str, Any]]]] = field(default_factory=dict)

    def endpoint(self, **changed: str) -> Endpoint:
        """The vCenter as a command names it."""
        known = replace(self.simulator.endpoint, **changed)  # type: ignore[arg-type]
        sealed = seal(self.public, known.password.encode())
        return Endpoint(
            site=SITE,
            host=known.host,
            port=known.port,
            username=known.user,
            sealed_password=base64.b64encode(sealed).decode(),
            fingerprint=known.fingerprint,
        )

    def begin(self, step: str, body: msgspec.Struct, *, unit: UUID = UNIT, generation: int = 1) -> UUID:
        """Give a command."""
        self.seq += 1
        command = Command(
            id=uuid4(),
            unit_id=unit,
            generation=generation,
            seq=self.seq,
            step=step,
            body=msgspec.to_builtins(body),
        )
        self.executor.submit(command)
        return command.id

    def watch(self, *, generation: int = 1, resync_s: int = 900, **changed: str) -> UUID:
        """Watch the inventory."""
        body = WatchInventory(endpoint=self.endpoint(**changed), resync_s=resync_s)
        return self.begin("watch_inventory", body, unit=SITE, generation=generation)

    def told(self, command: UUID) -> list[tuple[str, dict[str, Any]]]:
        """All reports of a command so far."""
        for report in (batch := self.journal.unsent(1000)):
            self.reports.setdefault(report.command_id, []).append((report.kind, report.body))
        self.journal.sent(batch)
        return self.reports.get(command, [])

    def bodies(self, command: UUID, kind: str) -> list[dict[str, Any]]:
        """The inventory reports of one kind."""
        return [body for _, body in self.told(command) if body.get("kind") == kind]

    def objects(self, command: UUID) -> dict[str, dict[str, Any]]:
        """The objects told so far, by name."""
        batches = self.bodies(command, "objects")
        return {one["name"]: one for batch in batches for one in batch["objects"]}

    def states(self, command: UUID) -> list[str]:
        """The site's states told so far."""
        return [body["state"] for body in self.bodies(command, "state")]

    async def until(self, ready: Any, *, within_s: float = 40.0) -> Any:
        """What `ready` returns, once it is something."""
        async with asyncio.timeout(within_s):
            while not (found := ready()):
                await asyncio.sleep(0.05)
            return found

    async def synced(self, **options: Any) -> UUID:
        """A watch that has told everything once."""
        command = self.watch(**options)
        await self.until(lambda: self.bodies(command, "synced"))
        return command

    async def do(self, step: str, body: msgspec.Struct) -> tuple[str, dict[str, Any]]:
        """Give a command and wait for its end."""
        command = self.begin(step, body)
        await self.until(lambda: [kind for kind, _ in self.told(command) if kind in END])
        return self.told(command)[-1]

    async def power(self, step: str, machine: str, *, marker: str = "", **changed: str) -> Any:
        """A power step, or the removal."""
        body = MachinePower(endpoint=self.endpoint(**changed), machine=machine, marker=marker)
        return await self.do(step, body)

    async def create(self, objects: dict[str, dict[str, Any]], *, marker: str = "unit-1") -> Any:
        """A machine named `mail` with two disks and two cards."""
        datastore = next(one for one in objects.values() if one["type"] == "datastore")
        host = next(one for one in objects.values() if one["type"] == "host" and one["cluster_moid"])
        body = CreateMachine(
            endpoint=self.endpoint(),
            marker=marker,
            name="mail",
            host=host["moid"],
            datastore=datastore["moid"],
            disks=(DiskShape(name="0", size=8 * MIB), DiskShape(name="1", size=16 * MIB)),
            cpus=2,
            memory_mib=512,
            guest_id="debian10_64Guest",
            firmware="efi",
            nics=(
                NicPlan(network=objects["VM Network"]["moid"], mac="00:50:56:01:02:03"),
                NicPlan(network=objects["DC0_DVPG0"]["moid"], kind="e1000"),
            ),
        )
        return await self.do("create_machine", body)


@asynccontextmanager
async def desk_open(
    binary: Path, folder: Path, *, machines: int = 1, silence_s: float = 30.0
) -> AsyncIterator[Desk]:
    """A simulator with a connector."""
    simulator = await Simulator.start(binary, folder, machines=machines)
    keys = StateFolder(folder / "state").keys()
    journal = Journal(folder / "journal")
    connector = Connector(journal=journal, keys=keys, silence_s=silence_s)
    executor = Executor(journal=journal, steps=connector.steps, wake=lambda: None)
    public = keys.sealing.public_key().public_bytes_raw()
    try:
        yield Desk(simulator, public, journal, connector, executor)
    finally:
        await executor.stop()
        await connector.close()
        journal.close()
        await simulator.stop()
