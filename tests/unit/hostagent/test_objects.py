"""vCenter's objects as flat JSON: what can be carried, and what cannot."""

from typing import Any

import pytest
from pyVmomi import vim

from agents.vsphere.objects import KINDS, kind_of, machine_flat

_device = vim.vm.device
_disk = _device.VirtualDisk
FLAT = _disk.FlatVer2BackingInfo


def disk(backing: Any, *, key: int = 2000, controller: int = 1000) -> Any:
    return _disk(key=key, controllerKey=controller, unitNumber=0, capacityInKB=1024, backing=backing)


def kind(*devices: Any) -> str:
    [told] = machine_flat(None, {"config.hardware.device": list(devices)})["disks"]
    return str(told["kind"])


def flat(**options: Any) -> Any:
    return FLAT(fileName="[ds] m/m.vmdk", diskMode="persistent", **options)


def test_a_flat_disk_can_be_carried() -> None:
    assert kind(disk(flat())) == "flat"


@pytest.mark.parametrize(
    ("backing", "expected"),
    [
        (_disk.RawDiskMappingVer1BackingInfo(fileName="[ds] m/rdm.vmdk", diskMode="persistent"), "rdm"),
        (_disk.SeSparseBackingInfo(fileName="[ds] m/s.vmdk", diskMode="persistent"), "sesparse"),
        (FLAT(fileName="[ds] m/i.vmdk", diskMode="independent_persistent"), "independent"),
        (FLAT(fileName="[ds] m/n.vmdk", diskMode="independent_nonpersistent"), "independent"),
        (flat(sharing="sharingMultiWriter"), "shared"),
        (flat(parent=flat()), "delta"),
        (
            _disk.SparseVer2BackingInfo(fileName="[ds] m/v.vmdk", diskMode="persistent"),
            "SparseVer2BackingInfo",
        ),
    ],
)
def test_every_other_kind_has_its_name(backing: Any, expected: str) -> None:
    assert kind(disk(backing)) == expected


def test_a_disk_on_a_shared_controller_is_shared() -> None:
    controller = _device.ParaVirtualSCSIController(key=1000, busNumber=0, sharedBus="physicalSharing")
    assert kind(controller, disk(flat())) == "shared"


def test_disks_are_numbered_in_vcenters_order() -> None:
    devices = [disk(flat(), key=2005), disk(flat(), key=2001)]
    told = machine_flat(None, {"config.hardware.device": devices})["disks"]
    assert [(one["number"], one["key"]) for one in told] == [(0, 2005), (1, 2001)]


def test_a_disk_without_its_size_in_bytes_has_it_from_kilobytes() -> None:
    told = machine_flat(None, {"config.hardware.device": [disk(flat())]})
    assert told["disks"][0]["size_bytes"] == told["disk_bytes"] == 1 << 20


def test_a_card_on_a_distributed_port_group_names_it_by_its_key() -> None:
    port = vim.dvs.PortConnection(portgroupKey="dvportgroup-7", switchUuid="x")
    backing = _device.VirtualEthernetCard.DistributedVirtualPortBackingInfo(port=port)
    card = _device.VirtualVmxnet3(key=4000, backing=backing, macAddress="00:50:56:00:00:01")
    [told] = machine_flat(None, {"config.hardware.device": [card]})["nics"]
    assert (told["network_moid"], told["kind"]) == ("dvportgroup-7", "vmxnet3")


def test_a_machine_of_which_nothing_can_be_read_is_told_all_the_same() -> None:
    told = machine_flat(None, {})
    assert (told["disks"], told["nics"], told["firmware"], told["snapshots"]) == ([], [], "bios", 0)


def test_snapshots_are_counted() -> None:
    snapshots = [vim.vm.Snapshot("snapshot-1"), vim.vm.Snapshot("snapshot-2")]
    assert machine_flat(None, {"rootSnapshot": snapshots})["snapshots"] == 2


def test_a_port_group_is_a_network() -> None:
    kind = kind_of(vim.dvs.DistributedVirtualPortgroup("dvportgroup-7"))
    assert kind is not None
    assert kind.name == "network"


def test_a_folder_is_nothing_that_the_inventory_holds() -> None:
    assert kind_of(vim.Folder("group-v3")) is None


def test_little_is_watched_as_each_property_costs_for_every_object() -> None:
    assert max(len(kind.watched) for kind in KINDS) == 3
