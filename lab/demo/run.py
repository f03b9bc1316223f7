"""Builds the demo's estate, signs everybody in, and lets them work."""

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.children import ROOT
from lab.demo.migrate import Tell, machines_make, migrate
from lab.demo.people import Person, tenant_join
from lab.demo.plan import FAR_HOST, HOSTS, MACHINES
from lab.demo.results import Result, document
from lab.folders import folder_claimed, folder_clean, short_folder
from lab.pair import pair_up
from lab.session import Session
from lab.simulator import simulator_build
from lab.stack import PortalStack, portal_up
from lab.story import Story
from lab.workloads import workloads_write

PRICES = ("49.00", "59.00")
"""A migrated machine, in euros: Acme has negotiated."""
CACHE = ROOT / "var" / "cache"


@dataclass(frozen=True, slots=True)
class Demo:
    """What was asked for: everything goes below `folder`, images for good into `keep`."""

    folder: Path
    keep: Path | None
    tell: Tell
    port: int = 8000
    gateway_port: int = 8001


@dataclass(frozen=True, slots=True)
class Told:
    """How it ended: for people, and as JSON."""

    results: list[Result]
    document: dict[str, Any]
    signs: str


@asynccontextmanager
async def demo_run(demo: Demo) -> AsyncIterator[Told]:
    """Run it all; what was built stays up until the end of the block."""
    began = time.monotonic()
    CACHE.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        stack.enter_context(folder_claimed(demo.folder))
        folder_clean(demo.folder)
        binary = simulator_build(CACHE)
        short = stack.enter_context(short_folder(demo.folder))
        workloads_write(short / "workloads.json", {machine.name: machine.runs for machine in MACHINES})
        portal = await stack.enter_async_context(
            portal_up(short / "p", port=demo.port, gateway_port=demo.gateway_port)
        )
        demo.tell(f"the portal answers at {portal.ready.portal}")
        pair = await stack.enter_async_context(pair_up(binary, short, near_hosts=HOSTS, far_host=FAR_HOST))
        people = await _people(stack, portal)
        demo.tell(f"sign in and watch:\n{people.signs}")
        story = Story(people.provider, people.alice, pair)
        await machines_make(story, demo.tell)
        for tenant, amount in zip(people.tenants, PRICES, strict=True):
            await story.price(tenant, amount)
        await story.provider_site("Landing zone", people.tenants)
        demo.tell("the provider's site is connected, and granted")
        await story.tenant_site("Acme data centre")
        demo.tell("Acme's site is connected: two hosts with an agent each")
        results = await migrate(story, _keep(demo), demo.tell)
        seconds = time.monotonic() - began
        said = document(results, seconds=seconds, address=portal.ready.portal)
        demo.tell(f"done in {seconds:.0f} s")
        yield Told(results, said, people.signs)


@dataclass(frozen=True, slots=True)
class _People:
    provider: Session
    alice: Session
    tenants: list[str]
    signs: str


async def _people(stack: AsyncExitStack, portal: PortalStack) -> _People:
    """The provider, Alice of Acme and Charlie of Globex, signed in; and how a reader signs in."""
    ready = portal.ready
    provider, alice, charlie = [await stack.enter_async_context(Session(ready.portal)) for _ in range(3)]
    await provider.sign_in(ready.email, ready.password)
    owner = Person("Alice", "alice@acme.example", secrets.token_urlsafe(12))
    other = Person("Charlie", "charlie@globex.example", secrets.token_urlsafe(12))
    tenants = [await tenant_join(provider, alice, owner, organisation="Acme")]
    tenants.append(await tenant_join(provider, charlie, other, organisation="Globex"))
    await charlie.post("/sites/", {"name": "Globex data centre"})
    signs = [f"Portal    {ready.portal}", f"Provider  {ready.email}  {ready.password}"]
    signs += [f"{person.name:<9} {person.email}  {person.password}" for person in (owner, other)]
    return _People(provider, alice, tenants, "\n".join(signs))


def _keep(demo: Demo) -> Path:
    """Where the images go: nowhere for long, unless somebody asked for them."""
    folder = (demo.keep or demo.folder / "images").absolute()
    folder.mkdir(parents=True, exist_ok=True)
    return folder
