"""vCenter's objects as the flat JSON of the wire contract: for each kind what is read, and how it is told."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pyVmomi import vim

_device = vim.vm.device
Values = dict[str, Any]
Flat = dict[str, Any]
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object: its type in vCenter, what is read of it, what is watched, and how it is told."""

    name: str
    type: Any
    paths: tuple[str, ...]
    watched: tuple[str, ...]
    flat: Callable[[Any, Values], Flat]


def cluster_flat(_cluster: Any, _values: Values) -> Flat:
    """Nothing but its name."""
    return {}


def host_flat(_host: Any, values: Values) -> Flat:
    """A host, with the cluster it is in, if any."""
    parent = values.get("parent")
    return {
        "cluster_moid": parent._moId if isinstance(parent, vim.ClusterComputeResource) else "",
        "connection_state": str(values.get("runtime.connectionState", "")),
    }


def datastore_flat(_datastore: Any, values: Values) -> Flat:
    """A datastore, sizes in bytes."""
    return {
        "kind": values.get("summary.type", ""),
        "capacity_bytes": int(values.get("summary.capacity", 0)),
        "free_bytes": int(values.get("summary.freeSpace", 0)),
        "host_moids": [mount.key._moId for mount in values.get("host") or []],
    }


def network_flat(network: Any, _values: Values) -> Flat:
    """A network, with what kind it is."""
    return {"kind": type(network).__name__.rpartition(".")[2]}


def machine_flat(_machine: Any, values: Values) -> Flat:
    """A virtual machine, with its disks and cards in vCenter's order."""
    devices = values.get("config.hardware.device") or []
    disks = list(_disks(devices))
    host = values.get("runtime.host")
    return {
        "host_moid": host._moId if host else "",
        "power": str(values.get("runtime.powerState", "")),
        "cpus": int(values.get("config.hardware.numCPU", 0)),
        "memory_mib": int(values.get("config.hardware.memoryMB", 0)),
        "guest_id": values.get("config.guestId", ""),
        "uuid": values.get("config.uuid", ""),
        "firmware": values.get("config.firmware") or "bios",
        "tools": values.get("guest.toolsRunningStatus") or "",
        "snapshots": len(values.get("rootSnapshot") or []),
        "disk_bytes": sum(disk["size_bytes"] for disk in disks),
        "disks": disks,
        "nics": list(_nics(devices)),
    }


KINDS = (
    Kind("cluster", vim.ClusterComputeResource, ("name",), ("name",), cluster_flat),
    Kind(
        "host",
        vim.HostSystem,
        ("name", "parent", "runtime.connectionState"),
        ("runtime.connectionState",),
        host_flat,
    ),
    Kind(
        "datastore",
        vim.Datastore,
        ("name", "summary.type", "summary.capacity", "summary.freeSpace", "host"),
        ("name",),
        datastore_flat,
    ),
    Kind("network", vim.Network, ("name",), ("name",), network_flat),
    Kind(
        "vm",
        vim.VirtualMachine,
        (
            *(
                "name",
                "runtime.powerState",
                "runtime.host",
                "config.hardware.device",
                "config.hardware.numCPU",
            ),
            *("config.hardware.memoryMB", "config.guestId", "config.uuid", "config.firmware"),
            *("guest.toolsRunningStatus", "rootSnapshot"),
        ),
        ("name", "runtime.powerState", "runtime.host"),
        machine_flat,
    ),
)


def kind_of(item: Any) -> Kind | None:
    """The kind of a reference; None for what the inventory does not hold."""
    return next((kind for kind in KINDS if isinstance(item, kind.type)), None)


def _disks(devices: list[Any]) -> Iterator[Flat]:
    shared = {
        device.key
        for device in devices
        if isinstance(device, _device.VirtualSCSIController) and str(device.sharedBus) != "noSharing"
    }
    disks = (device for device in devices if isinstance(device, _device.VirtualDisk))
    for number, disk in enumerate(disks):
        store = getattr(disk.backing, "datastore", None)
        yield {
            "number": number,
            "key": disk.key,
            "label": (disk.deviceInfo.label if disk.deviceInfo else "") or "",
            # capacityInBytes is absent from the simulator and from vCenter before 5.5.
            "size_bytes": int(disk.capacityInBytes or disk.capacityInKB * 1024),
            "path": getattr(disk.backing, "fileName", "") or "",
            "datastore_moid": store._moId if store else "",
            "kind": "shared" if disk.controllerKey in shared else _disk_kind(disk.backing),
        }


def _disk_kind(backing: Any) -> str:
    """Whether a disk can be carried ("flat"), or why not."""
    disk = _device.VirtualDisk
    if isinstance(backing, disk.RawDiskMappingVer1BackingInfo):
        return "rdm"
    if isinstance(backing, disk.SeSparseBackingInfo):
        return "sesparse"
    if not isinstance(backing, disk.FlatVer2BackingInfo):
        return type(backing).__name__.rpartition(".")[2][:24]
    if str(backing.diskMode).startswith("independent"):
        return "independent"
    if getattr(backing, "sharing", None) == "sharingMultiWriter":
        return "shared"
    return "delta" if backing.parent is not None else "flat"


def _nics(devices: list[Any]) -> Iterator[Flat]:
    for card in devices:
        if isinstance(card, _device.VirtualEthernetCard):
            yield {
                "key": card.key,
                "label": (card.deviceInfo.label if card.deviceInfo else "") or "",
                "network_moid": _network_moid(card.backing),
                "mac": card.macAddress or "",
                "kind": type(card).__name__.rpartition(".")[2].removeprefix("Virtual").lower(),
            }


def _network_moid(backing: Any) -> str:
    if isinstance(backing, _device.VirtualEthernetCard.DistributedVirtualPortBackingInfo):
        return backing.port.portgroupKey or ""  # a port group's key is its moid
    network = getattr(backing, "network", None)
    return network._moId if network else ""
