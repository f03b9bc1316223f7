"""Inventory reports become rows: upserts by (site, moid), and marks on what is gone. Safe to apply twice."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from agents.domain.protocol import InventoryKind
from agents.domain.site import SiteState
from agents.models import (
    Cluster,
    Datastore,
    Host,
    Inventoried,
    Network,
    Site,
    VirtualDisk,
    VirtualMachine,
)
from portal.lib.live import publish
from portal.lib.queue import enqueue

BATCH_MAX = 1000
SEEN_EVERY = timedelta(hours=1)
"""How exact `seen_at` is: writing it at every resync would rewrite every row for nothing."""

MODELS: Mapping[str, type[Inventoried]] = {
    "cluster": Cluster,
    "host": Host,
    "datastore": Datastore,
    "network": Network,
    "vm": VirtualMachine,
}
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "cluster": ("name",),
    "host": ("name", "cluster_moid", "connection_state"),
    "datastore": ("name", "kind", "capacity_bytes", "free_bytes", "host_moids"),
    "network": ("name", "kind"),
    "vm": (
        *("name", "host_moid", "power", "cpus", "memory_mib", "guest_id", "uuid", "firmware", "tools"),
        *("snapshots", "disk_bytes", "nics"),
    ),
}
_DISK_FIELDS = ("key", "label", "size_bytes", "path", "datastore_moid", "kind")
_REFRESHES = frozenset({"host", "datastore", "network", "vm"})


@transaction.atomic
def inventory_apply(*, site_id: UUID, generation: int, body: Mapping[str, Any], now: datetime) -> None:
    """Apply one report of the site's watcher; nothing when the watcher is of an older generation."""
    site = Site.objects.filter(id=site_id, generation=generation).first()
    if site is None:
        return
    kind = body.get("kind")
    if kind == InventoryKind.STATE:
        _state(site, body, now)
    elif kind == InventoryKind.OBJECTS:
        objects_upsert(site=site, objects=body.get("objects", ()), now=now)
    elif kind == InventoryKind.REFERENCES:
        _absent_mark(site, body.get("moids", {}), now)
    elif kind == InventoryKind.GONE:
        for name, moids in body.get("moids", {}).items():
            _living(site, name).filter(moid__in=moids).update(gone_at=now)
    elif kind == InventoryKind.SYNCED:
        Site.objects.filter(id=site.id).update(inventory_at=now)
        enqueue("agents.offers_refresh", site_id=site.id, tenant_id=site.tenant_id)
    publish(f"site:{site.id}", tenant_id=site.tenant_id)
    publish("machines", tenant_id=site.tenant_id)


def _state(site: Site, body: Mapping[str, Any], now: datetime) -> None:
    state = SiteState(body.get("state", SiteState.CONNECTED))
    changes: dict[str, Any] = {"seen_fingerprint": str(body.get("fingerprint", ""))[:64]}
    if state != site.state:
        changes |= {"state": state.value, "state_since": now}
    changes |= {"state_reason": str(body.get("reason", "")), "state_code": ""}
    if body.get("about"):
        changes["about"] = body["about"]
    Site.objects.filter(id=site.id).update(**changes)


def _living(site: Site, name: str) -> Any:
    return MODELS[name]._base_manager.filter(site_id=site.id, gone_at=None)


def _absent_mark(site: Site, moids: Mapping[str, Sequence[str]], now: datetime) -> None:
    """Mark as gone whatever the vCenter did not name."""
    for name, named in moids.items():
        if name in MODELS:
            known = set(_living(site, name).values_list("moid", flat=True))
            gone = known - set(named)
            if gone:
                _living(site, name).filter(moid__in=gone).update(gone_at=now)


def objects_upsert(*, site: Site, objects: Iterable[Mapping[str, Any]], now: datetime) -> None:
    """Insert what is new and update what is different; what is the same is not written."""
    by_kind: dict[str, list[Mapping[str, Any]]] = {}
    for item in list(objects)[:BATCH_MAX]:
        if item.get("type") in MODELS and item.get("moid"):
            by_kind.setdefault(str(item["type"]), []).append(item)
    for name, items in by_kind.items():
        _rows_upsert(site, name, items, now)
        if name == "vm":
            _disks_replace(site, {str(item["moid"]): item for item in items})


def _rows_upsert(site: Site, name: str, items: Sequence[Mapping[str, Any]], now: datetime) -> set[str]:
    """Return the moids whose row was written."""
    model, fields = MODELS[name], _FIELDS[name]
    moids = [str(item["moid"]) for item in items]
    known = {
        row["moid"]: row
        for row in model._base_manager.filter(site_id=site.id, moid__in=moids).values(
            "moid", "seen_at", "gone_at", *fields
        )
    }
    fresh = [item for item in items if _differs(known.get(str(item["moid"])), item, fields, now)]
    rows = [
        model(
            tenant_id=site.tenant_id,
            site_id=site.id,
            moid=str(item["moid"]),
            seen_at=now,
            gone_at=None,
            **{field: item[field] for field in fields if item.get(field) is not None},
        )
        for item in fresh
    ]
    model._base_manager.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["site", "moid"],
        update_fields=["seen_at", "gone_at", *fields],
    )
    return {str(item["moid"]) for item in fresh}


def _differs(
    row: Mapping[str, Any] | None, item: Mapping[str, Any], fields: Sequence[str], now: datetime
) -> bool:
    if row is None or row["gone_at"] is not None or now - row["seen_at"] > SEEN_EVERY:
        return True
    return any(item.get(field) is not None and row[field] != item[field] for field in fields)


def _disks_replace(site: Site, items: Mapping[str, Mapping[str, Any]]) -> None:
    """Make the disks of these machines what the report says; most reports change none."""
    machines = dict(
        VirtualMachine.objects.filter(site_id=site.id, moid__in=list(items)).values_list("id", "moid")
    )
    known: dict[UUID, list[tuple[Any, ...]]] = {}
    fields = ("machine_id", "number", *_DISK_FIELDS)
    stored = VirtualDisk.objects.filter(machine_id__in=list(machines)).order_by("number")
    for row in stored.values_list(*fields):
        known.setdefault(row[0], []).append(row[1:])
    stale = []
    rows = []
    for machine_id, moid in machines.items():
        disks = items[moid].get("disks") or []
        told = [(disk["number"], *(disk.get(field, "") for field in _DISK_FIELDS)) for disk in disks]
        if told != known.get(machine_id, []):
            stale.append(machine_id)
            rows += [_disk(site, machine_id, disk) for disk in disks]
    if stale:
        VirtualDisk.objects.filter(machine_id__in=stale).delete()
        VirtualDisk.objects.bulk_create(rows)


def _disk(site: Site, machine_id: UUID, disk: Mapping[str, Any]) -> VirtualDisk:
    return VirtualDisk(
        tenant_id=site.tenant_id,
        machine_id=machine_id,
        number=disk["number"],
        **{field: disk[field] for field in _DISK_FIELDS if field in disk},
    )
