"""What a site's connector tells, for the tests of what the portal makes of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from agents.models import Datastore, Host, Network, Site, VirtualDisk, VirtualMachine
from agents.services import inventory_apply
from portal.lib.tenancy import tenant_context
from tests.cast import NOON, House

Told = Mapping[str, Any]
MIB = 1 << 20


def disk(key: int = 2000, *, number: int = 0, **changes: Any) -> Told:
    """Return a disk of 1 MiB as a connector tells it."""
    usual = {"label": f"Hard disk {number + 1}", "size_bytes": MIB, "datastore_moid": "ds-1", "kind": "flat"}
    return {"key": key, "number": number, "path": f"[fast] db01/disk{number}.vmdk", **usual, **changes}


def nic(key: int = 4000, **changes: Any) -> Told:
    """Return a network card."""
    return {
        "key": key,
        "label": "",
        "network_moid": "net-1",
        "mac": "00:50:56:00:00:01",
        "kind": "",
        **changes,
    }


def machine(moid: str = "vm-1", *, name: str = "db01", **changes: Any) -> Told:
    """Return a machine with one disk and one card."""
    usual: dict[str, Any] = {
        "host_moid": "host-1",
        "power": "poweredOn",
        "cpus": 2,
        "memory_mib": 2048,
        "guest_id": "otherGuest64",
        "uuid": "265104de-1472-547c-b873-6dc7883fb6cb",
        "disk_bytes": MIB,
        "disks": [disk()],
        "nics": [nic()],
    }
    return {"type": "vm", "moid": moid, "name": name, **usual, **changes}


def tell(
    house: House, body: Told, *, site: Site | None = None, generation: int = 1, now: datetime = NOON
) -> None:
    """Let the connector of the house's site, or of another, tell `body`."""
    with tenant_context(house.tenant.id):
        inventory_apply(site_id=(site or house.site).id, generation=generation, body=body, now=now)


def objects(*told: Told) -> Told:
    """Return a batch of objects."""
    return {"kind": "objects", "sync": "s", "objects": list(told)}


def references(**moids: list[str]) -> Told:
    """Return the references of a whole sync, by kind."""
    return {"kind": "references", "sync": "s", "moids": moids}


def gone(**moids: list[str]) -> Told:
    """Return the news that objects are gone, by kind."""
    return {"kind": "gone", "moids": moids}


def machines(house: House, *, site: Site | None = None) -> dict[str, VirtualMachine]:
    """Return all machines of the site that are known, gone or not, by moid."""
    with tenant_context(house.tenant.id):
        return {row.moid: row for row in VirtualMachine.objects.filter(site=site or house.site)}


def living(house: House, *, site: Site | None = None) -> set[str]:
    """Return the moids of the site's machines that are there."""
    return {moid for moid, row in machines(house, site=site).items() if row.gone_at is None}


def disks(house: House, moid: str = "vm-1") -> list[VirtualDisk]:
    """Return the disks that are there, in their order."""
    with tenant_context(house.tenant.id):
        found = VirtualDisk.objects.filter(machine__site=house.site, machine__moid=moid)
        return list(found.order_by("number"))


def every_disk(house: House) -> list[VirtualDisk]:
    """Return the disks that ever were, in the order of their keys."""
    with tenant_context(house.tenant.id):
        return list(VirtualDisk.every.filter(machine__site=house.site).order_by("key"))


def host(house: House, moid: str) -> Host:
    """Return a host of the site."""
    with tenant_context(house.tenant.id):
        return Host.objects.get(site=house.site, moid=moid)


def datastore(house: House, moid: str) -> Datastore:
    """Return a datastore of the site."""
    with tenant_context(house.tenant.id):
        return Datastore.objects.get(site=house.site, moid=moid)


def network(house: House, moid: str) -> Network:
    """Return a network of the site."""
    with tenant_context(house.tenant.id):
        return Network.objects.get(site=house.site, moid=moid)


def site_of(house: House) -> Site:
    """Return the house's site as it stands."""
    with tenant_context(house.tenant.id):
        return Site.objects.get(id=house.site.id)
