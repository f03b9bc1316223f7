"""What a workbook of RVTools says of a site: send it, see what it would change, keep it; an estimate.

Here and not in `agents`, because only migrations know how long a move takes.
"""

from collections.abc import Iterator
from typing import BinaryIO, ClassVar, cast
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone

from agents.domain.rvtools import Change
from agents.models import InventoryUpload, Site, UploadedMachine
from agents.services import UploadWrong, upload_drop, upload_keep, upload_preview
from migrations_app.domain.rough import HIGH, LIKELY, LOW
from migrations_app.selectors.uploads import (
    LINE_MAX_MBIT,
    LINE_MBIT,
    upload_of,
    upload_sums,
    uploaded_machines,
)
from portal.lib.paging import page_of
from portal.lib.whole import whole
from tenants.domain.roles import Right
from tenants.interfaces import TenantView
from tenants.interfaces.files import csv_answer

SORTS = {"name": "name", "-used": "-used_bytes"}
COLUMNS = (
    *("name", "change", "power", "template", "cpus", "memory_mib", "provisioned_bytes", "used_bytes"),
    *("host", "cluster", "guest", "moid"),
)


class UploadView(TenantView):
    """A page about a site's uploaded inventory."""

    def site(self, site: UUID) -> Site:
        """Return the site, if it is the organisation's."""
        return Site.objects.visible_to(self.actor).get(id=site)

    def upload(self, site: Site) -> InventoryUpload | None:
        """Return the site's preview or, where there is none, what was kept."""
        return upload_of(actor=self.actor, site=site)

    def machines(self, upload: InventoryUpload | None) -> QuerySet[UploadedMachine]:
        """Return the upload's machines."""
        return uploaded_machines(actor=self.actor, upload=upload)

    def asked(self, machines: QuerySet[UploadedMachine]) -> QuerySet[UploadedMachine]:
        """Return those that the address asks for."""
        change = self.request.GET.get("change", "")
        return machines.filter(change=change, template=False) if change in tuple(Change) else machines

    def refused_to(self, request: HttpRequest) -> str:
        """Return the page that the form was on."""
        named = request.resolver_match.kwargs if request.resolver_match else {}
        return reverse("site-upload", args=[self.actor.tenant_id, named["site"]])


class SiteUpload(UploadView):
    """A site's uploaded inventory: the form for a file, and what the last one says."""

    rights: ClassVar = {"POST": Right.MANAGE_SITES}
    template = "migrations_app/upload.html"

    def get(self, request: HttpRequest, site: UUID) -> HttpResponseBase:
        """Show it."""
        own = self.site(site)
        upload = self.upload(own)
        line = whole(request.GET.get("mbit"), LINE_MBIT, least=1, most=LINE_MAX_MBIT)
        sort = request.GET.get("sort", "name")
        column = SORTS.get(sort, "name")
        machines = self.machines(upload)
        told = upload_sums(machines, line)
        asked = self.asked(machines)
        return self.show(
            site=own,
            upload=upload,
            page=page_of(asked, sort=column, cursor=request.GET.get("cursor", "")),
            shown=asked.count(),
            told=told,
            changes=[(change.value, told["changes"].get(change.value, 0)) for change in _SHOWN],
            change=request.GET.get("change", ""),
            sort=sort if sort in SORTS else "name",
            line=line,
            assumed=_ASSUMED,
        )

    def post(self, request: HttpRequest, site: UUID) -> HttpResponseBase:
        """Read a file and show what it would change."""
        own = self.site(site)
        file = request.FILES.get("workbook")
        if file is None or file.file is None:
            raise UploadWrong(
                "Nothing was sent.", why="No file was chosen.", remedy="Choose the workbook, then send it."
            )
        upload_preview(
            actor=self.actor,
            site=own,
            file=cast(BinaryIO, file.file),
            file_name=file.name or "",
            by=str(request.user),
            now=timezone.now(),
        )
        return redirect("site-upload", self.actor.tenant_id, site)


class SiteUploadKeep(UploadView):
    """The preview becomes the site's uploaded inventory."""

    right = Right.MANAGE_SITES

    def post(self, request: HttpRequest, site: UUID) -> HttpResponseBase:
        """Keep it."""
        upload_keep(actor=self.actor, site=self.site(site))
        messages.success(
            request, "The file is kept. An agent's own inventory takes its place once it is read."
        )
        return redirect("site-upload", self.actor.tenant_id, site)


class SiteUploadDrop(UploadView):
    """The preview, or what was kept, is forgotten."""

    right = Right.MANAGE_SITES

    def post(self, request: HttpRequest, site: UUID) -> HttpResponseBase:
        """Forget it."""
        upload_drop(actor=self.actor, site=self.site(site))
        messages.success(request, "It is forgotten.")
        return redirect("site-upload", self.actor.tenant_id, site)


class SiteUploadCsv(UploadView):
    """The machines as a file."""

    def get(self, request: HttpRequest, site: UUID) -> HttpResponseBase:
        """Return those that the address asks for, by name."""
        rows = self.asked(self.machines(self.upload(self.site(site)))).order_by("name", "id")
        return csv_answer(f"uploaded-{timezone.now():%Y-%m-%d}.csv", _lines(rows))


_SHOWN = (Change.NEW, Change.CHANGED, Change.SAME)
_ASSUMED = {
    "shrinks": ", ".join(f"{one.compresses:g}" for one in (LOW, LIKELY, HIGH)),
    "changes": ", ".join(f"{one.changes_a_day:.0%}" for one in (LOW, LIKELY, HIGH)),
}


def _lines(machines: QuerySet[UploadedMachine]) -> Iterator[tuple[str, ...]]:
    yield COLUMNS
    for machine in machines.iterator(chunk_size=2000):
        yield tuple(str(getattr(machine, column)) for column in COLUMNS)
