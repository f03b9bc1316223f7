"""Inventory reports become rows: upserts by (site, moid), and marks on what is gone. Safe to apply twice."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from django.db import transaction

from agents.domain.inventory import ObjectTold, StateTold, moids_read, objects_read, state_read
from agents.domain.protocol import InventoryKind
from agents.domain.site import SITE_CODES
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
_DISK_FIELDS = ("number", "label", "size_bytes", "path", "datastore_moid", "kind")
Flat = Mapping[str, Any]


@transaction.atomic
def inventory_apply(*, site_id: UUID, generation: int, body: Mapping[str, Any], now: datetime) -> None:
    """Apply one report of the site's watcher; nothing when the watcher is of an older generation."""
    site = Site.objects.filter(id=site_id, generation=generation).first()
    if site is None:
        return
    kind = body.get("kind")
    if kind == InventoryKind.STATE:
        _state(site, state_read(body), now)
    elif kind == InventoryKind.OBJECTS:
        objects_upsert(site=site, objects=body.get("objects"), now=now)
    elif kind == InventoryKind.REFERENCES:
        _absent_mark(site, moids_read(body.get("moids")), now)
    elif kind == InventoryKind.GONE:
        for name, moids in moids_read(body.get("moids")).items():
            _living(site, name).filter(moid__in=moids).update(gone_at=now)
    elif kind == InventoryKind.SYNCED:
        Site.objects.filter(id=site.id).update(inventory_at=now)
        enqueue("agents.offers_refresh", site_id=site.id, tenant_id=site.tenant_id)
    publish(f"site:{site.id}", tenant_id=site.tenant_id)
    publish("machines", tenant_id=site.tenant_id)


def _state(site: Site, told: StateTold | None, now: datetime) -> None:
    if told is None:
        return
    changes: dict[str, Any] = {
        "seen_fingerprint": told.fingerprint,
        "state_reason": told.reason,
        "state_code": SITE_CODES.get(told.state, ""),
    }
    if told.state != site.state:
        changes |= {"state": told.state.value, "state_since": now}
    if told.about:
        changes["about"] = told.about
    Site.objects.filter(id=site.id).update(**changes)


def _living(site: Site, name: str) -> Any:
    return MODELS[name]._base_manager.filter(site_id=site.id, gone_at=None)


def _absent_mark(site: Site, moids: Mapping[str, frozenset[str]], now: datetime) -> None:
    """Mark as gone whatever the vCenter did not name."""
    for name, named in moids.items():
        known = set(_living(site, name).values_list("moid", flat=True))
        if gone := known - named:
            _living(site, name).filter(moid__in=gone).update(gone_at=now)


def objects_upsert(*, site: Site, objects: object, now: datetime) -> None:
    """Insert what is new and update what is different; what is the same is not written."""
    for name, told in objects_read(objects).items():
        items = [_flat(item) for item in told]
        _rows_upsert(site, name, items, now)
        if name == "vm":
            _disks_upsert(site, {item["moid"]: item["disks"] for item in items}, now)


def _flat(item: ObjectTold) -> Flat:
    """Return the object as the JSON that rows hold."""
    flat: Flat = msgspec.to_builtins(item)
    return flat


def _rows_upsert(site: Site, name: str, items: Sequence[Flat], now: datetime) -> None:
    model, fields = MODELS[name], _FIELDS[name]
    moids = [item["moid"] for item in items]
    stored = model._base_manager.filter(site_id=site.id, moid__in=moids)
    known = {row["moid"]: row for row in stored.values("moid", "seen_at", "gone_at", *fields)}
    rows = [
        model(
            tenant_id=site.tenant_id,
            site_id=site.id,
            moid=item["moid"],
            seen_at=now,
            gone_at=None,
            **{field: item[field] for field in fields},
        )
        for item in items
        if _differs(known.get(item["moid"]), item, fields, now)
    ]
    model._base_manager.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["site", "moid"],
        update_fields=["seen_at", "gone_at", *fields],
    )


def _differs(row: Flat | None, item: Flat, fields: Sequence[str], now: datetime) -> bool:
    if row is None or row["gone_at"] is not None or now - row["seen_at"] > SEEN_EVERY:
        return True
    return any(row[field] != item[field] for field in fields)


def _disks_upsert(site: Site, told: Mapping[str, Sequence[Flat]], now: datetime) -> None:
    """Make the disks of these machines what was told; most reports change none."""
    machines = dict(
        VirtualMachine.objects.filter(site_id=site.id, moid__in=list(told)).values_list("id", "moid")
    )
    known: dict[UUID, dict[int, Flat]] = {}
    for row in VirtualDisk.objects.filter(machine_id__in=machines).values("machine_id", "key", *_DISK_FIELDS):
        known.setdefault(row.pop("machine_id"), {})[row["key"]] = row
    stale = {
        machine_id: disks
        for machine_id, moid in machines.items()
        if (disks := _disks_once(told[moid])) != known.get(machine_id, {})
    }
    if stale:
        # All first, so that two disks may change places: their numbers are unique among those that are there.
        VirtualDisk.objects.filter(machine_id__in=stale).update(gone_at=now)
        VirtualDisk.every.bulk_create(
            [_disk(site, machine_id, disk) for machine_id, disks in stale.items() for disk in disks.values()],
            update_conflicts=True,
            unique_fields=["machine", "key"],
            update_fields=["gone_at", *_DISK_FIELDS],
        )


def _disks_once(disks: Sequence[Flat]) -> dict[int, Flat]:
    """Return the disks by key, numbered anew: two of one number would be no machine's."""
    by_key = {disk["key"]: disk for disk in disks}
    ordered = sorted(by_key.values(), key=lambda disk: disk["number"])
    return {disk["key"]: {**disk, "number": number} for number, disk in enumerate(ordered)}


def _disk(site: Site, machine_id: UUID, disk: Flat) -> VirtualDisk:
    return VirtualDisk(tenant_id=site.tenant_id, machine_id=machine_id, gone_at=None, **disk)
