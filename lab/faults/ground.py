"""The estate that fault cells share: one portal, both sites, and everybody who can be killed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from lab import stack
from lab.agents import LabAgent
from lab.faults.cells import Holder, Moment, Victim
from lab.sites import PlannedMachine, RunningMachine
from lab.story import Story
from lab.workloads import Runs, workloads_write

MIB = 1 << 20
SIZE = 64 * MIB
SLOTS = 1024
RECORD = 4096
FILLED = 24 * MIB
REACH_S = 60.0
POLL_S = 0.05
BACK_AFTER_S = 1.0
"""How long a killed agent stays away: its service manager starts it again."""


class NotReached(Exception):
    """Nobody came to the barrier."""


@dataclass(slots=True)
class Ground:
    """Where cells are run, one after another; `supervisor` tells the number of the portal's process."""

    story: Story
    supervisor: Callable[[], int]
    folder: Path
    runs: dict[str, Runs] = field(default_factory=dict)

    @property
    def hold(self) -> Path:
        """Where agents look for barriers."""
        return self.folder / "hold"

    def name(self) -> str:
        """A name that no machine had yet."""
        return f"m{len(self.runs):03d}"

    async def machine_make(self, name: str, *, linger: float = 0.0, disks: int = 1) -> RunningMachine:
        """A machine with disks of 64 MiB that runs at the tenant's first host, and writes."""
        self.runs[name] = Runs(slots=SLOTS, rate=200, linger=linger)
        workloads_write(self.folder / "workloads.json", self.runs)
        near = self.story.pair.near
        host = next(iter(near.hosts))
        planned = PlannedMachine(name, host, [SIZE] * disks, FILLED, SLOTS * RECORD, compressible=False)
        await near.machine_make(planned)
        await near.power_on(name)
        return await near.machine(name)

    async def machine_end(self, name: str) -> None:
        """Remove the machine at both sides: the next cell has its own."""
        for site in (self.story.pair.near, self.story.pair.far):
            async with site.door as door:
                for seen in await door.machines():
                    if seen.name == name:
                        await door.destroy(seen.moid)

    async def at(self, moment: Moment, act: Callable[[], Awaitable[None]]) -> None:
        """Do something while an agent stands at its barrier. Raises NotReached."""
        hold, reached = self.hold / f"{moment.barrier}.hold", self.hold / f"{moment.barrier}.reached"
        hold.touch()
        try:
            async with asyncio.timeout(REACH_S):
                while not reached.exists():
                    await asyncio.sleep(POLL_S)
            await act()
        except TimeoutError as error:
            raise NotReached(moment.barrier) from error
        finally:
            hold.unlink(missing_ok=True)
            reached.unlink(missing_ok=True)

    async def kill(self, victim: Victim, moment: Moment) -> str:
        """kill -9, and see to it that the victim comes back; who it was."""
        agent = self._agent(victim, moment)
        if agent is None:
            return f"{victim} {stack.kill(self.supervisor(), victim)}"
        await agent.kill()
        await asyncio.sleep(BACK_AFTER_S)
        agent.start()
        return f"{victim} {agent.name}"

    def holder(self, holder: Holder) -> LabAgent:
        """The agent whose barrier it is."""
        pair = self.story.pair
        return {
            Holder.SOURCE: pair.near_agents[0],
            Holder.SOURCE_CONNECTOR: pair.near_agents[0],
            Holder.DESTINATION: pair.far_host,
            Holder.DESTINATION_CONNECTOR: pair.far_connector,
        }[holder]

    def _agent(self, victim: Victim, moment: Moment) -> LabAgent | None:
        pair = self.story.pair
        if victim is Victim.CONNECTOR:
            near = moment.holder in (Holder.SOURCE, Holder.SOURCE_CONNECTOR)
            return pair.near_agents[0] if near else pair.far_connector
        agents = {Victim.SOURCE_AGENT: pair.near_agents[0], Victim.DESTINATION_AGENT: pair.far_host}
        return agents.get(victim)
