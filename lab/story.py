"""What people do at the portal, from the first site to the commit; by the API, as they would by the pages."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lab.agents import LabAgent
from lab.pair import Pair
from lab.session import PortalSaidNo, Session
from lab.simulator import PASSWORD, USER
from lab.sites import LabSite

POLL_S = 0.25
PATIENCE_S = 90.0
CONNECTED = "connected"
FAILED = "failed"
AWAITS_ACCEPTANCE = "certificate_unknown"


class NotInTime(Exception):
    """The portal did not come to show what it should."""


async def until(
    seen: Callable[[], Any], *, what: str, seconds: float = PATIENCE_S, last: Callable[[], object] = str
) -> Any:
    """Wait until the coroutine function `seen` returns something true; that. Raises NotInTime."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := await seen():
            return found
        await asyncio.sleep(POLL_S)
    raise NotInTime(f"not within {seconds:.0f} s: {what} {last()}")


@dataclass(slots=True)
class Place:
    """A site as its owner sees it."""

    session: Session
    id: str
    name: str

    @classmethod
    async def create(cls, session: Session, name: str) -> "Place":
        """A new site."""
        made = await session.post("/sites/", {"name": name})
        return cls(session, str(made["id"]), name)

    async def enrol(self, agent: LabAgent) -> None:
        """Make a token, install the agent with it, and start it."""
        made = await self.session.post(f"/sites/{self.id}/enrolments/")
        await agent.enrol(portal=self.session.address, token=made["token"])
        agent.start()

    async def connect(self, site: LabSite) -> None:
        """Enter the vCenter, compare and accept its certificate, and wait for the inventory."""
        endpoint = site.simulator.endpoint
        entered = {"host": endpoint.host, "port": endpoint.port, "username": USER, "password": PASSWORD}
        await self.session.post(f"/sites/{self.id}/connect/", entered)
        await self.state(AWAITS_ACCEPTANCE)
        seen = (await self.seen())["seen_fingerprint"]
        if seen != endpoint.fingerprint:
            raise NotInTime(f"the portal shows {seen} and the vCenter has {endpoint.fingerprint}")
        await self.session.post(f"/sites/{self.id}/certificate/", {"fingerprint": seen})
        await self.state(CONNECTED)

    async def state(self, wanted: str) -> None:
        """Wait for a state of the site."""
        said: dict[str, Any] = {}

        async def look() -> bool:
            said.update(await self.seen())
            return bool(said["state"] == wanted)

        await until(look, what=f"site {self.name} {wanted}", last=lambda: said)

    async def seen(self) -> dict[str, Any]:
        """The site as the API tells it."""
        found: dict[str, Any] = await self.session.get(f"/sites/{self.id}/")
        return found

    async def machines(self, names: Collection[str]) -> dict[str, dict[str, Any]]:
        """These machines of the inventory, by name, once all are there with their disks."""

        async def look() -> dict[str, dict[str, Any]] | None:
            listed = await self.session.listed("/machines/", site=self.id)
            found = {one["name"]: one for one in listed if one["name"] in names and one["disk_bytes"]}
            return found if len(found) == len(names) else None

        found: dict[str, dict[str, Any]] = await until(look, what=f"{sorted(names)} in the inventory")
        return found


@dataclass(slots=True)
class Journey:
    """A migration group as its owner drives it."""

    session: Session
    id: str
    name: str
    seen: dict[str, Any] = field(default_factory=dict)

    async def ask(self, what: str, body: Mapping[str, Any] | None = None) -> Any:
        """One of the requests on the group's page."""
        return await self.session.post(f"/groups/{self.id}/{what}/", dict(body or {}))

    async def look(self) -> dict[str, Any]:
        """The group with its units."""
        self.seen = await self.session.get(f"/groups/{self.id}/")
        return self.seen

    async def units(self) -> list[dict[str, Any]]:
        """The units, each with all that its page shows."""
        found: list[dict[str, Any]] = (await self.look())["units"]
        return found

    async def commands(self, unit: str) -> list[dict[str, Any]]:
        """The commands sent for one of its units, the newest first."""
        said = await self.session.get(f"/groups/{self.id}/units/{unit}/history/")
        found: list[dict[str, Any]] = said["commands"]
        return found

    async def phases(self) -> set[str]:
        """The phases that the units are in."""
        return {unit["phase"] for unit in await self.units()}

    async def reach(self, *wanted: str, seconds: float = PATIENCE_S) -> None:
        """Wait until every unit is in one of these phases. Raises NotInTime with what holds them."""

        async def look() -> bool:
            phases = await self.phases()
            if FAILED in phases - set(wanted):
                raise NotInTime(f"{self.name} failed on its way to {wanted}: {self.told()}")
            return phases <= set(wanted)

        await until(look, what=f"{self.name}: {wanted}", seconds=seconds, last=self.told)

    def told(self) -> str:
        """Where the units stood when last looked at, and why."""
        keys = ("name", "phase", "reason", "conditions")
        return str([{key: unit.get(key) for key in keys} for unit in self.seen.get("units", [])])

    async def confirmed(self, what: str) -> Any:
        """A request that is confirmed by typing the group's name."""
        return await self.ask(what, {"confirmation": self.name})


@dataclass(slots=True)
class Story:
    """The provider's and the tenant's people, with their sites connected."""

    provider: Session
    tenant: Session
    pair: Pair
    near: Place | None = None
    far: Place | None = None

    async def provider_site(self, name: str, tenant_ids: Sequence[str]) -> None:
        """The provider connects its own site and grants it to tenants."""
        self.far = place = await Place.create(self.provider, name)
        await place.enrol(self.pair.far_connector)
        await place.enrol(self.pair.far_host)
        await place.connect(self.pair.far)
        for tenant_id in tenant_ids:
            await self.provider.post("/offers/", {"site": place.id, "tenant": tenant_id})

    async def price(self, tenant_id: str, amount: str, currency: str = "EUR") -> None:
        """The provider says what a migrated machine costs a tenant, from now on."""
        body = {"tenant": tenant_id, "currency": currency, "vm_migrated_price": amount}
        await self.provider.post("/prices/", body)

    async def tenant_site(self, name: str) -> None:
        """The tenant connects its site."""
        self.near = place = await Place.create(self.tenant, name)
        for agent in self.pair.near_agents:
            await place.enrol(agent)
        await place.connect(self.pair.near)

    async def destination(self) -> dict[str, Any]:
        """What the tenant may move to, once the provider's inventory is in it."""

        async def look() -> dict[str, Any] | None:
            offers = await self.tenant.listed("/destinations/")
            full = [offer for offer in offers if offer["hosts"] and offer["datastores"]]
            return full[0] if full else None

        found: dict[str, Any] = await until(look, what="a destination with a host and a datastore")
        return found

    async def group(self, name: str, tiers: Mapping[str, int], **options: Any) -> Journey:
        """A new group of these machines, each in its boot tier."""
        assert self.near is not None  # noqa: S101  tenant_site came first
        machines = await self.near.machines(set(tiers))
        offer = await self.destination()
        networks = {nic["network_moid"] for machine in machines.values() for nic in machine["nics"]}
        plan = {
            "name": name,
            "offer": offer["id"],
            "datastore": offer["datastores"][0]["moid"],
            "network_map": {moid: offer["networks"][0]["moid"] for moid in networks},
            "machines": [{"machine": machines[one]["id"], "tier": tier} for one, tier in tiers.items()],
            "tiers": [{"number": number} for number in sorted(set(tiers.values()))],
            **options,
        }
        made = await self.tenant.post("/groups/", plan)
        return Journey(self.tenant, str(made["id"]), name)

    def snapshots(self) -> int:
        """How many calls that have to do with snapshots both vCenters have heard, whoever made them."""
        return sum(site.simulator.calls("Snapshot") for site in (self.pair.near, self.pair.far))

    async def invoice_lines(self, name: str) -> list[dict[str, Any]]:
        """What a machine has been billed."""
        lines = await self.tenant.listed("/usage/")
        return [line for line in lines if line.get("machine") == name]


__all__ = ["Journey", "NotInTime", "Place", "PortalSaidNo", "Story", "until"]
