"""Creates and removes the destination's virtual machines, known again by a marker in their annotation."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pyVmomi import vim, vmodl

from agents.vsphere.power import machine_reference, power_off
from agents.vsphere.properties import ObjectUnknown, properties_of, task_wait

CONTROLLER_KEY = -101
FIRST_DISK_KEY = -201
FIRST_NIC_KEY = -301
SCSI_UNIT_RESERVED = 7
ANNOTATION = "Created by Landfall; do not edit this line: "

_device = vim.vm.device
_NIC_KINDS: dict[str, Any] = {
    "vmxnet3": _device.VirtualVmxnet3,
    "e1000": _device.VirtualE1000,
    "e1000e": _device.VirtualE1000e,
}


class NameTaken(Exception):
    """Another machine has the name, and it is not ours."""


class NotOurs(Exception):
    """The machine does not bear the marker, so it is not touched."""


@dataclass(frozen=True, slots=True)
class Nic:
    """A network card; `mac` empty means: a new one."""

    network: str
    mac: str
    kind: str


@dataclass(frozen=True, slots=True)
class Machine:
    """What to create, powered off; hosts, datastores and networks by moid, disks by size in bytes."""

    marker: str
    name: str
    host: str
    datastore: str
    disks: Sequence[int]
    cpus: int
    memory_mib: int
    guest_id: str
    firmware: str
    nics: Sequence[Nic]


def machine_ensure(service: Any, wanted: Machine) -> str:
    """The moid of the machine with this marker, created if it is not there.

    Raises NameTaken, ObjectUnknown and TaskFailed.
    """
    host = vim.HostSystem(wanted.host, service._stub)
    folder = _datacenter(service, host).vmFolder
    if (there := _find(service, folder, wanted)) is not None:
        return there
    compute = properties_of(service, host, ("parent",))["parent"]
    task = folder.CreateVM_Task(_config(service, wanted), compute.resourcePool, host)
    return str(task_wait(service, task)._moId)


def machine_remove(service: Any, moid: str, *, marker: str) -> None:
    """Destroy a machine of ours with its disks; nothing when it is gone. Raises NotOurs and TaskFailed."""
    machine = machine_reference(service, moid)
    try:
        if not marker or marker not in _annotation(service, machine):
            raise NotOurs(f"machine {moid} does not bear the marker of this migration")
        power_off(service, moid)
        task_wait(service, machine.Destroy_Task())
    except (ObjectUnknown, vmodl.fault.ManagedObjectNotFound):
        return


def _find(service: Any, folder: Any, wanted: Machine) -> str | None:
    """The machine of this name, if it is ours. Names are unique within a folder. Raises NameTaken."""
    found = service.content.searchIndex.FindChild(folder, wanted.name)
    if found is None:
        return None
    if not isinstance(found, vim.VirtualMachine) or wanted.marker not in _annotation(service, found):
        raise NameTaken(f"there is already a machine named {wanted.name}")
    return str(found._moId)


def _annotation(service: Any, machine: Any) -> str:
    return str(properties_of(service, machine, ("config.annotation",)).get("config.annotation", ""))


def _datacenter(service: Any, item: Any) -> Any:
    """The datacenter that an object is in. Raises ObjectUnknown."""
    while item is not None and not isinstance(item, vim.Datacenter):
        item = properties_of(service, item, ("parent",)).get("parent")
    if item is None:
        raise ObjectUnknown("the host is in no datacenter")
    return item


def _config(service: Any, wanted: Machine) -> Any:
    datastore = vim.Datastore(wanted.datastore, service._stub)
    place = f"[{properties_of(service, datastore, ('name',))['name']}]"
    devices = [*_disk_devices(wanted.disks, place), *_nic_devices(service, wanted.nics)]
    return vim.vm.ConfigSpec(
        name=wanted.name,
        annotation=ANNOTATION + wanted.marker,
        numCPUs=wanted.cpus,
        memoryMB=wanted.memory_mib,
        guestId=wanted.guest_id or "otherGuest64",
        firmware=wanted.firmware or "bios",
        files=vim.vm.FileInfo(vmPathName=place),
        deviceChange=devices,
    )


def _disk_devices(sizes: Sequence[int], place: str) -> Iterator[Any]:
    sharing = _device.VirtualSCSIController.Sharing.noSharing
    yield _added(_device.ParaVirtualSCSIController(key=CONTROLLER_KEY, busNumber=0, sharedBus=sharing))
    for number, size in enumerate(sizes):
        backing = _device.VirtualDisk.FlatVer2BackingInfo(
            fileName=place, diskMode="persistent", thinProvisioned=True
        )
        disk = _device.VirtualDisk(
            key=FIRST_DISK_KEY - number,
            controllerKey=CONTROLLER_KEY,
            unitNumber=number + (number >= SCSI_UNIT_RESERVED),
            capacityInKB=size // 1024,
            backing=backing,
        )
        yield _added(disk, fileOperation="create")


def _nic_devices(service: Any, nics: Sequence[Nic]) -> Iterator[Any]:
    for number, nic in enumerate(nics):
        card = _NIC_KINDS.get(nic.kind, _device.VirtualVmxnet3)(
            key=FIRST_NIC_KEY - number,
            backing=_nic_backing(service, nic.network),
            connectable=_device.VirtualDevice.ConnectInfo(
                startConnected=True, allowGuestControl=True, connected=False
            ),
            addressType="manual" if nic.mac else "generated",
        )
        if nic.mac:
            card.macAddress = nic.mac
        yield _added(card)


def _nic_backing(service: Any, moid: str) -> Any:
    """How a card is joined to a network: a distributed port group goes by its switch."""
    if not moid.startswith("dvportgroup-"):
        network = vim.Network(moid, service._stub)
        name = properties_of(service, network, ("name",))["name"]
        return _device.VirtualEthernetCard.NetworkBackingInfo(deviceName=name, network=network)
    group = vim.dvs.DistributedVirtualPortgroup(moid, service._stub)
    read = properties_of(service, group, ("key", "config.distributedVirtualSwitch"))
    switch = properties_of(service, read["config.distributedVirtualSwitch"], ("uuid",))
    port = vim.dvs.PortConnection(portgroupKey=read["key"], switchUuid=switch["uuid"])
    return _device.VirtualEthernetCard.DistributedVirtualPortBackingInfo(port=port)


def _added(device: Any, **options: Any) -> Any:
    return _device.VirtualDeviceSpec(operation="add", device=device, **options)
