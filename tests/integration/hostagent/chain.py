"""One machine's way between two sites of the lab, step by step, as the portal's commands make it go."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec

from agents.domain.protocol import (
    CreateMachine,
    DiskShape,
    Endpoint,
    Freeze,
    Machine,
    MachinePower,
    OpenLanding,
    PeerShape,
    Sync,
    Ticket,
    Validate,
)
from agents.domain.sealing import seal
from agents.vsphere.objects import KINDS
from agents.vsphere.properties import references
from agents.vsphere.session import session_open
from lab.agents import LabAgent
from lab.folders import short_folder
from lab.pair import Pair, pair_up
from lab.sites import LabSite, PlannedMachine, RunningMachine
from lab.workloads import Runs, workloads_write
from tests.integration.hostagent.portal import Given, Member, SmallPortal

MIB = 1 << 20
NEAR, FAR = "near-1", "far-1"
MARKER = "unit-1"
RECORDS = 64


@dataclass(slots=True)
class Chain:
    """A pair of sites with their agents, one machine, and what its unit has been told so far."""

    portal: SmallPortal
    pair: Pair
    machine: RunningMachine
    sizes: list[int]
    unit: UUID = field(default_factory=uuid4)
    generation: int = 1
    seq: int = 0
    far_moid: str = ""
    peer: PeerShape | None = None

    @property
    def source(self) -> LabAgent:
        """The source host's agent, which is its site's connector, too."""
        return self.pair.near_agents[0]

    @property
    def destination(self) -> LabAgent:
        """The destination host's agent."""
        return self.pair.far_host

    @property
    def shapes(self) -> tuple[DiskShape, ...]:
        """The machine's disks."""
        return tuple(DiskShape(name=str(number), size=size) for number, size in enumerate(self.sizes))

    async def give(self, agent: LabAgent, step: str, body: Any, *, within_s: float = 120.0) -> Given:
        """Give a command of the unit."""
        self.seq += 1
        return await self.portal.give(
            UUID(agent.agent_id),
            step,
            body,
            unit=self.unit,
            seq=self.seq,
            generation=self.generation,
            within_s=within_s,
        )

    async def tell(self, agent: LabAgent, step: str, body: Any, *, within_s: float = 120.0) -> dict[str, Any]:
        """Give a command and wait for its end: its last report."""
        given = await self.give(agent, step, body, within_s=within_s)
        try:
            return await self.portal.ended(given, within_s=within_s)
        except TimeoutError:
            raise AssertionError(f"{step} has not ended: {given.reports}") from None

    async def do(self, agent: LabAgent, step: str, body: Any, *, within_s: float = 120.0) -> dict[str, Any]:
        """Give a command that must succeed; its result."""
        end = await self.tell(agent, step, body, within_s=within_s)
        assert end["kind"] == "succeeded", (step, end)
        return dict(end["body"])

    # -- the steps, forth -----------------------------------------------------------------------------

    async def validated(self) -> dict[str, Any]:
        body = Validate(machine=self.machine.moid, disks=self.shapes)
        return await self.do(self.source, "validate", body)

    async def created(self) -> None:
        host, datastore = await self._far_places()
        body = CreateMachine(
            endpoint=self.endpoint(self.pair.far, self.pair.far_connector),
            marker=MARKER,
            name=self.machine.name,
            host=host,
            datastore=datastore,
            disks=self.shapes,
            cpus=1,
            memory_mib=256,
            guest_id="otherLinux64Guest",
        )
        self.far_moid = (await self.do(self.pair.far_connector, "create_machine", body))["machine"]

    async def landing_open(self) -> dict[str, Any]:
        source = self._member(self.source).fingerprint
        body = OpenLanding(machine=self.far_moid, disks=self.shapes, source_fingerprint=source)
        answer = await self.do(self.destination, "open_landing", body)
        self.peer = msgspec.convert(answer, PeerShape)
        return answer

    async def synced(self, number: int) -> dict[str, Any]:
        return await self.do(self.source, "sync", self.sync_body(number))

    async def shut_down(self) -> None:
        await self.do(self.source, "shut_down", self.near_power())

    async def frozen(self) -> dict[str, Any]:
        return await self.do(self.source, "freeze", self.freeze_body())

    async def switched(self) -> None:
        await self.do(self.destination, "switch", Machine(machine=self.far_moid))

    async def started(self) -> None:
        await self.do(self.pair.far_connector, "power_on", self.far_power())
        await self.do(self.destination, "check_running", Machine(machine=self.far_moid, deadline_s=20))

    async def verified(self) -> tuple[dict[str, Any], dict[str, Any]]:
        near = await self.do(self.source, "verify_source", Machine(machine=self.machine.moid))
        far = await self.do(self.destination, "verify_destination", Machine(machine=self.far_moid))
        return near["roots"], far["roots"]

    async def released(self) -> None:
        await self.do(self.destination, "release_destination", Machine(machine=self.far_moid))
        await self.do(self.source, "release_source", Machine(machine=self.machine.moid))

    async def until_synced(self) -> None:
        """Everything up to the first round."""
        await self.created()
        await self.landing_open()
        await self.synced(1)

    async def until_frozen(self) -> dict[str, Any]:
        """Everything up to the freeze."""
        await self.until_synced()
        await self.shut_down()
        return await self.frozen()

    async def until_running(self) -> None:
        """Everything up to the guest's life at the destination."""
        await self.until_frozen()
        await self.switched()
        await self.started()

    # -- and back -------------------------------------------------------------------------------------

    async def fenced(self) -> None:
        await self.do(self.pair.far_connector, "power_off", self.far_power())
        await self.do(self.destination, "fence_destination", Machine(machine=self.far_moid, deadline_s=20))

    async def rolled_back(self) -> None:
        await self.fenced()
        await self.do(self.source, "release_source", Machine(machine=self.machine.moid))
        await self.do(self.source, "power_on", self.near_power())
        await self.do(self.destination, "release_destination", Machine(machine=self.far_moid))
        await self.do(self.pair.far_connector, "remove_machine", self.far_power())

    # -- bodies ---------------------------------------------------------------------------------------

    def sync_body(self, number: int) -> Sync:
        assert self.peer is not None
        return Sync(machine=self.machine.moid, round=number, peer=self.peer, tickets=self.tickets())

    def freeze_body(self, *, deadline_s: float = 30.0) -> Freeze:
        assert self.peer is not None
        return Freeze(
            machine=self.machine.moid, peer=self.peer, tickets=self.tickets(), deadline_s=deadline_s
        )

    def tickets(self, **changed: Any) -> dict[str, str]:
        """A ticket for each disk."""
        return {disk.name: self.portal.ticket_sign(self.ticket(disk.name, **changed)) for disk in self.shapes}

    def ticket(self, disk: str, **changed: Any) -> Ticket:
        """What the portal lets the source's agent write."""
        ticket = Ticket(
            unit=self.unit,
            generation=self.generation,
            machine=self.far_moid,
            disk=disk,
            size=self.sizes[int(disk)],
            direction="push",
            source=self._member(self.source).fingerprint,
            destination=self._member(self.destination).fingerprint,
            expires=int(time.time()) + 900,
        )
        return msgspec.structs.replace(ticket, **changed)

    def near_power(self) -> MachinePower:
        endpoint = self.endpoint(self.pair.near, self.source)
        return MachinePower(endpoint=endpoint, machine=self.machine.moid)

    def far_power(self) -> MachinePower:
        endpoint = self.endpoint(self.pair.far, self.pair.far_connector)
        return MachinePower(endpoint=endpoint, machine=self.far_moid, marker=MARKER)

    def endpoint(self, site: LabSite, agent: LabAgent) -> Endpoint:
        """A site's vCenter, for one connector."""
        known = site.simulator.endpoint
        sealed = seal(self._member(agent).sealing_key, known.password.encode())
        return Endpoint(
            site=UUID(int=known.port),
            host=known.host,
            port=known.port,
            username=known.user,
            sealed_password=base64.b64encode(sealed).decode(),
            fingerprint=known.fingerprint,
        )

    # -- what is there ----------------------------------------------------------------------------------

    async def far_machine(self) -> RunningMachine:
        """The machine at the destination."""
        return await self.pair.far.machine(self.machine.name)

    async def restarted(self, agent: LabAgent) -> None:
        """Wait for the agent's death at its barrier, and start it again."""
        async with asyncio.timeout(30):
            while agent.child is not None and agent.child.running:
                await asyncio.sleep(0.02)
        agent.start()

    def _member(self, agent: LabAgent) -> Member:
        return self.portal.members[UUID(agent.agent_id)]

    async def _far_places(self) -> tuple[str, str]:
        return await asyncio.to_thread(_places, self.pair.far)


def _places(site: LabSite) -> tuple[str, str]:
    """The moids of the site's host and datastore."""
    types = {kind.name: kind.type for kind in KINDS}
    with session_open(site.simulator.endpoint) as service:
        [host], [store] = (references(service, types[name]) for name in ("host", "datastore"))
        return host._moId, store._moId


async def _writing(machine: RunningMachine) -> None:
    """Wait until the machine's guest has written something."""
    async with asyncio.timeout(60):
        while not (machine.folder / "progress").exists() or not machine.progress().last:
            await asyncio.sleep(0.05)


@asynccontextmanager
async def chain_up(
    binary: Path,
    folder: Path,
    portal: SmallPortal,
    *,
    sizes: list[int] | None = None,
    environments: dict[str, dict[str, str]] | None = None,
    rate: float = 100.0,
) -> AsyncIterator[Chain]:
    """Two sites with their agents, and a machine that runs at the near one."""
    sizes = sizes or [64 * MIB]
    with short_folder(folder) as short:
        workloads_write(short / "workloads.json", {"mail": Runs(slots=RECORDS, rate=rate)})
        async with pair_up(binary, short, near_hosts=[NEAR], far_host=FAR) as pair:
            for agent in pair.agents:
                await agent.enrol(portal=portal.url, token=portal.token())
                agent.environment |= (environments or {}).get(agent.name, {})
                agent.start()
            machine = await pair.near.machine_make(
                PlannedMachine("mail", NEAR, sizes, filled=8 * MIB, fill_from=MIB)
            )
            await pair.near.power_on("mail")
            await _writing(machine)
            chain = Chain(portal, pair, machine, sizes)
            portal.ticket_of = lambda _given, disk: chain.ticket(disk)
            yield chain
