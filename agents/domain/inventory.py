"""What a connector tells of a site's objects, read defensively: a site's own agent may be old, or hostile."""

import logging
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from agents.domain.site import SiteState

BATCH_MAX = 1000
"""Objects in one report; a connector tells 500 at most."""
REASON_MAX = 1000
ABOUT_MAX = 4096
"""Characters and bytes of what a site says of itself: the provider's home reads those of all tenants."""

Moid = Annotated[str, Meta(min_length=1, max_length=64)]
Name = Annotated[str, Meta(max_length=255)]
Word = Annotated[str, Meta(max_length=24)]
Term = Annotated[str, Meta(max_length=40)]
Label = Annotated[str, Meta(max_length=80)]
Bytes = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Count = Annotated[int, Meta(ge=0, le=(1 << 31) - 1)]
Key = Annotated[int, Meta(ge=-(1 << 31), le=(1 << 31) - 1)]

log = logging.getLogger(__name__)


class ObjectTold(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """An object of a vCenter; a field that is not told has its default."""

    moid: Moid
    name: Name = ""


class ClusterTold(ObjectTold, frozen=True, kw_only=True, tag="cluster"):
    """A cluster of hosts."""


class HostTold(ObjectTold, frozen=True, kw_only=True, tag="host"):
    """A hypervisor host."""

    cluster_moid: Annotated[str, Meta(max_length=64)] = ""
    connection_state: Word = ""


class DatastoreTold(ObjectTold, frozen=True, kw_only=True, tag="datastore"):
    """A datastore; sizes in bytes."""

    kind: Word = ""
    capacity_bytes: Bytes = 0
    free_bytes: Bytes = 0
    host_moids: list[Moid] = []


class NetworkTold(ObjectTold, frozen=True, kw_only=True, tag="network"):
    """A network or distributed port group."""

    kind: Term = ""


class DiskTold(msgspec.Struct, frozen=True, kw_only=True):
    """A disk; `key` is vCenter's and stays the same, `number` is its place among the machine's disks."""

    number: Count
    key: Key
    label: Label = ""
    size_bytes: Bytes
    path: Annotated[str, Meta(max_length=512)] = ""
    datastore_moid: Annotated[str, Meta(max_length=64)] = ""
    kind: Word = "flat"


class NicTold(msgspec.Struct, frozen=True, kw_only=True):
    """A network card."""

    key: Key
    label: Label = ""
    network_moid: Annotated[str, Meta(max_length=64)] = ""
    mac: Term = ""
    kind: Term = ""


class MachineTold(ObjectTold, frozen=True, kw_only=True, tag="vm"):
    """A virtual machine with its disks and cards, in vCenter's order."""

    host_moid: Annotated[str, Meta(max_length=64)] = ""
    power: Annotated[str, Meta(max_length=16)] = ""
    cpus: Count = 0
    memory_mib: Count = 0
    guest_id: Label = ""
    uuid: Annotated[str, Meta(max_length=36)] = ""
    firmware: Annotated[str, Meta(max_length=8)] = "bios"
    tools: Term = ""
    snapshots: Count = 0
    disk_bytes: Bytes = 0
    disks: list[DiskTold] = []
    nics: list[NicTold] = []


class StateTold(msgspec.Struct, frozen=True, kw_only=True):
    """How the vCenter answers; `fingerprint` is the certificate it shows, where that is in question."""

    state: SiteState = SiteState.CONNECTED
    reason: str = ""
    fingerprint: Annotated[str, Meta(max_length=64)] = ""
    about: dict[str, Any] = {}


AnyTold = ClusterTold | HostTold | DatastoreTold | NetworkTold | MachineTold
KINDS: Mapping[str, type[ObjectTold]] = {
    "cluster": ClusterTold,
    "host": HostTold,
    "datastore": DatastoreTold,
    "network": NetworkTold,
    "vm": MachineTold,
}


def objects_read(told: object) -> dict[str, list[Any]]:
    """Return the objects by kind, each once, the last word counting; what cannot be read is left out."""
    found: dict[str, dict[str, ObjectTold]] = {name: {} for name in KINDS}
    for item in _each(told):
        read = _read(item, AnyTold)
        if isinstance(read, ObjectTold):
            found[str(read.__struct_config__.tag)][read.moid] = read
    return {name: list(items.values()) for name, items in found.items() if items}


def moids_read(told: object) -> dict[str, frozenset[str]]:
    """Return the moids by kind; a kind that was not named is not there, which is not the same as empty."""
    named = told if isinstance(told, Mapping) else {}
    return {
        name: frozenset(moid for moid in moids if isinstance(moid, str))
        for name, moids in named.items()
        if name in KINDS and isinstance(moids, list | tuple)
    }


def state_read(body: Mapping[str, Any]) -> StateTold | None:
    """Return a site's state as its connector tells it, in so many words; None when that cannot be read."""
    read = _read(body, StateTold)
    if not isinstance(read, StateTold):
        return None
    about = read.about if len(msgspec.json.encode(read.about)) <= ABOUT_MAX else {}
    return msgspec.structs.replace(read, reason=read.reason[:REASON_MAX], about=about)


def _each(told: object) -> Iterable[object]:
    return told[:BATCH_MAX] if isinstance(told, list | tuple) else ()


def _read(item: object, as_type: Any) -> object:
    try:
        return msgspec.convert(item, as_type)
    except msgspec.ValidationError as error:
        log.warning("told of what cannot be read: %s", error)
        return None
