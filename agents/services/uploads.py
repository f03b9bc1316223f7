"""What people do with a workbook of RVTools: look what it would change, keep it, drop it."""

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import BinaryIO

from django.db import transaction

from agents.clients.workbook import workbook_told
from agents.domain.rvtools import FILE_MAX, Change, Told, ToldMachine, WorkbookWrong, changes
from agents.models import InventoryUpload, Site, UploadedMachine, VirtualMachine
from portal.lib.refusal import Refusal
from tenants.domain.roles import Actor, Right
from tenants.models import TenantQuerySet

READING_AT_ONCE = 2
"""Each reader may take a processor and 2 GiB; a web process has a handful of threads for everybody."""
BATCH = 1000
NAMES_TOLD = 50
_places = threading.BoundedSemaphore(READING_AT_ONCE)
Compared = tuple[object, ...]


class UploadWrong(Refusal):
    """The file is not what RVTools exports."""

    code = "UPL-01"
    status = 422


class UploadBusy(Refusal):
    """Other files are being read at the moment."""

    code = "UPL-02"


@transaction.atomic
def upload_preview(
    *, actor: Actor, site: Site, file: BinaryIO, file_name: str, by: str, now: datetime
) -> InventoryUpload:
    """Return the file as a preview, in place of the site's preview before. Raises UploadWrong, UploadBusy."""
    actor.require(Right.MANAGE_SITES)
    digest = _digest(file)
    with _place():
        try:
            told = workbook_told(file)
        except WorkbookWrong as wrong:
            raise _wrong(str(wrong)) from wrong
    Site.objects.select_for_update().get(id=site.id)
    before, by_name = _known(actor, site, told)
    changed = changes(before, _compared(told, by_name=by_name))
    missing = [str(before[key][0]) for key, change in changed.items() if change is Change.MISSING]
    _uploads(actor, site).filter(kept=False).delete()
    upload = InventoryUpload.objects.create(
        tenant_id=actor.tenant_id,
        site=site,
        file_name=file_name.replace("\0", "")[:255] or "workbook.xlsx",
        sha256=digest,
        uploaded_at=now,
        uploaded_by=by,
        vcenter=told.vcenter,
        faults=list(told.faults),
        faulty=told.faulty,
        missing=len(missing),
        missing_names=sorted(missing)[:NAMES_TOLD],
    )
    rows = (
        _row(upload, machine, changed.get(_key(machine, by_name=by_name), Change.SAME))
        for machine in told.machines
    )
    UploadedMachine.objects.bulk_create(rows, batch_size=BATCH)
    return upload


@transaction.atomic
def upload_keep(*, actor: Actor, site: Site) -> InventoryUpload:
    """Return the site's preview, kept in place of what was kept before. Raises UploadWrong without one."""
    actor.require(Right.MANAGE_SITES)
    Site.objects.select_for_update().get(id=site.id)
    preview = _uploads(actor, site).filter(kept=False).first()
    if preview is None:
        raise UploadWrong(
            "Nothing was kept.", why="There is no preview any more.", remedy="Send the file again."
        )
    _uploads(actor, site).filter(kept=True).delete()
    preview.kept = True
    preview.save(update_fields=["kept"])
    return preview


@transaction.atomic
def upload_drop(*, actor: Actor, site: Site) -> None:
    """Forget the site's preview or, where there is none, what was kept."""
    actor.require(Right.MANAGE_SITES)
    Site.objects.select_for_update().get(id=site.id)
    dropped, _ = _uploads(actor, site).filter(kept=False).delete()
    if not dropped:
        _uploads(actor, site).delete()


@contextmanager
def _place() -> Iterator[None]:
    if not _places.acquire(blocking=False):
        raise UploadBusy(
            "The file was not read.",
            why="Other files are being read at the moment.",
            remedy="Send it again in a minute.",
        )
    try:
        yield
    finally:
        _places.release()


def _uploads(actor: Actor, site: Site) -> TenantQuerySet[InventoryUpload]:
    return InventoryUpload.objects.visible_to(actor).filter(site=site)


def _digest(file: BinaryIO) -> str:
    """Return the file's SHA-256, and leave it at its beginning. Raises UploadWrong when it is too large."""
    file.seek(0)
    digest, length = hashlib.sha256(), 0
    while piece := file.read(1 << 20):
        digest.update(piece)
        length += len(piece)
        if length > FILE_MAX:
            raise _wrong(f"It is larger than {FILE_MAX >> 20} MiB.")
    file.seek(0)
    return digest.hexdigest()


def _wrong(why: str) -> UploadWrong:
    remedy = "In RVTools choose File, Export all to Excel, and send that file as it is."
    return UploadWrong("The file was not taken.", why=why, remedy=remedy)


def _key(machine: ToldMachine, *, by_name: bool) -> str:
    return f"name:{machine.name}" if by_name else machine.key


def _compared(told: Told, *, by_name: bool) -> dict[str, Compared]:
    """Return what is compared of each machine by its key; a template is no machine that could move."""
    return {
        _key(machine, by_name=by_name): (machine.name, machine.cpus, machine.memory_mib)
        for machine in told.machines
        if not machine.template
    }


def _known(actor: Actor, site: Site, told: Told) -> tuple[Mapping[str, Compared], bool]:
    """Return what was known of the site before, and whether machines can only be told apart by name.

    What a connector found counts before what an earlier file said.
    """
    found = list(
        VirtualMachine.objects.visible_to(actor)
        .filter(site=site, gone_at=None)
        .values_list("moid", "name", "cpus", "memory_mib")
    )
    said = UploadedMachine.objects.visible_to(actor).filter(
        upload__site=site, upload__kept=True, template=False
    )
    rows: Sequence[tuple[str, str, int, int]] = found or list(
        said.values_list("moid", "name", "cpus", "memory_mib")
    )
    by_name = not all(machine.moid for machine in told.machines) or not all(row[0] for row in rows)
    known = {f"name:{name}" if by_name else moid: (name, *rest) for moid, name, *rest in rows}
    return known, by_name


def _row(upload: InventoryUpload, machine: ToldMachine, change: Change) -> UploadedMachine:
    return UploadedMachine(
        tenant_id=upload.tenant_id,
        upload=upload,
        name=machine.name,
        moid=machine.moid,
        power=machine.power,
        template=machine.template,
        cpus=machine.cpus,
        memory_mib=machine.memory_mib,
        provisioned_bytes=machine.provisioned_bytes,
        used_bytes=machine.used_bytes,
        host=machine.host,
        cluster=machine.cluster,
        guest=machine.guest,
        disks=list(machine.disks),
        change=change.value,
    )
