"""The whole inventory, batch by batch, and then every change: the bodies of inventory reports.

References first, then properties of 500 objects at a time; nothing holds all objects' properties at once.
Updates can be missed (the simulator sends none for a changed configuration), so the whole is read again
every so often.
"""

import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any

from pyVmomi import vmodl

from agents.domain.protocol import InventoryKind
from agents.domain.site import SiteState
from agents.vsphere.objects import KINDS, Flat, Kind, kind_of
from agents.vsphere.properties import BATCH, batches, references

WAIT_S = 10
"""Longest wait for updates at once; the caller hears from us at least so often."""

Emit = Callable[[Flat], None]
_Collector = vmodl.query.PropertyCollector


def inventory_watch(service: Any, *, resync_s: int, emit: Emit, fingerprint: str) -> None:
    """Tell everything and then every change, for ever; ends with whatever the session raises."""
    updates = _Updates(service)
    emit(_state(service, fingerprint))
    while True:
        updates.changed(wait_s=0)  # what changed until now is in what is read next
        inventory_read(service, emit)
        until = time.monotonic() + resync_s
        while (left := until - time.monotonic()) > 0:
            changed, gone = updates.changed(wait_s=min(WAIT_S, max(1, int(left))))
            _changes_tell(service, changed, gone, emit)
            emit({})  # still alive


def inventory_read(service: Any, emit: Emit) -> None:
    """One whole resync."""
    sync = str(uuid.uuid4())
    found = {kind.name: references(service, kind.type) for kind in KINDS}
    moids = {name: [item._moId for item in items] for name, items in found.items()}
    emit({"kind": InventoryKind.REFERENCES, "sync": sync, "moids": moids})
    counts = {kind.name: _objects_tell(service, kind, found[kind.name], sync, emit) for kind in KINDS}
    emit({"kind": InventoryKind.SYNCED, "sync": sync, "counts": counts})


def _objects_tell(service: Any, kind: Kind, items: list[Any], sync: str, emit: Emit) -> int:
    """The objects in batches; how many there still were."""
    told = 0
    for read in batches(service, items, kind.type, kind.paths):
        objects = [_object(kind, item, values) for item, values in read]
        emit({"kind": InventoryKind.OBJECTS, "sync": sync, "objects": objects})
        told += len(objects)
    return told


def _changes_tell(service: Any, changed: Iterable[Any], gone: Iterable[Any], emit: Emit) -> None:
    by_kind: dict[str, list[Any]] = {}
    for item in changed:
        if (kind := kind_of(item)) is not None:
            by_kind.setdefault(kind.name, []).append(item)
    for kind in KINDS:
        _objects_tell(service, kind, by_kind.get(kind.name, []), "", emit)
    moids: dict[str, list[str]] = {}
    for item in gone:
        if (kind := kind_of(item)) is not None:
            moids.setdefault(kind.name, []).append(item._moId)
    if moids:
        emit({"kind": InventoryKind.GONE, "moids": moids})


def _object(kind: Kind, item: Any, values: dict[str, Any]) -> Flat:
    return {"type": kind.name, "moid": item._moId, "name": values.get("name", ""), **kind.flat(item, values)}


def _state(service: Any, fingerprint: str) -> Flat:
    about = service.content.about
    return {
        "kind": InventoryKind.STATE,
        "state": SiteState.CONNECTED,
        "reason": "",
        "fingerprint": fingerprint,
        "about": {"name": about.fullName, "version": about.version, "instance": about.instanceUuid},
    }


class _Updates:
    """What changed since it was last asked, by filters on very few properties: each costs per object."""

    def __init__(self, service: Any) -> None:
        self._collector = service.content.propertyCollector.CreatePropertyCollector()
        self._version = ""
        content = service.content
        for kind in KINDS:
            view = content.viewManager.CreateContainerView(content.rootFolder, [kind.type], True)
            traversal = _Collector.TraversalSpec(name="view", type=type(view), path="view", skip=False)
            wanted = _Collector.FilterSpec(
                objectSet=[_Collector.ObjectSpec(obj=view, skip=True, selectSet=[traversal])],
                propSet=[_Collector.PropertySpec(type=kind.type, pathSet=list(kind.watched))],
            )
            self._collector.CreateFilter(wanted, False)

    def changed(self, *, wait_s: int) -> tuple[list[Any], list[Any]]:
        """References of objects that are new or different, and of those that are gone."""
        changed: dict[str, Any] = {}
        gone: dict[str, Any] = {}
        options = _Collector.WaitOptions(maxWaitSeconds=wait_s, maxObjectUpdates=BATCH)
        while (update := self._collector.WaitForUpdatesEx(self._version, options)) is not None:
            self._version = update.version
            for part in update.filterSet:
                for item in part.objectSet:
                    left = item.kind == vmodl.query.PropertyCollector.ObjectUpdate.Kind.leave
                    (gone if left else changed)[item.obj._moId] = item.obj
            if not update.truncated:
                break
        return list(changed.values()), list(gone.values())
