"""The tenant's site and the provider's, with the agents that people installed there."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from lab.agents import LabAgent
from lab.link import Link
from lab.sites import LabSite, site_up

NEAR_STORE = "acme-ds1"
FAR_STORE = "landing-ds1"


@dataclass(slots=True)
class Pair:
    """Two sites. The tenant's first agent is its connector, too; `link` is the line between them."""

    folder: Path
    near: LabSite
    far: LabSite
    near_agents: list[LabAgent]
    far_host: LabAgent
    far_connector: LabAgent
    link: Link

    @property
    def agents(self) -> list[LabAgent]:
        """All of them."""
        return [*self.near_agents, self.far_host, self.far_connector]

    def site_of(self, agent: LabAgent) -> LabSite:
        """Where an agent works."""
        return self.near if agent in self.near_agents else self.far


@asynccontextmanager
async def pair_up(
    binary: Path, folder: Path, *, near_hosts: Sequence[str], far_host: str
) -> AsyncIterator[Pair]:
    """Both sites up in `folder`, no agent enrolled yet; ended with all that runs."""
    async with AsyncExitStack() as stack:
        workloads = folder / "workloads.json"
        near = await stack.enter_async_context(
            site_up(binary, folder / "n", hosts=near_hosts, workloads=workloads, store=NEAR_STORE)
        )
        far = await stack.enter_async_context(
            site_up(binary, folder / "f", hosts=[far_host], workloads=workloads, store=FAR_STORE)
        )
        link = Link()
        states = folder / "agents"
        states.mkdir()
        near_agents = [
            LabAgent(
                f"acme-{number}", states / f"acme-{number}", host, near.machines_folder(host), number == 1
            )
            for number, host in enumerate(near_hosts, start=1)
        ]
        host = LabAgent(
            "provider-1", states / "provider-1", far_host, far.machines_folder(far_host), link=link
        )
        connector = LabAgent("provider-connector", states / "provider-connector", connector=True)
        pair = Pair(folder, near, far, near_agents, host, connector, link)
        stack.push_async_callback(_agents_stop, pair)
        yield pair


async def _agents_stop(pair: Pair) -> None:
    await asyncio.gather(*[agent.stop() for agent in pair.agents])
