"""Everything that is one organisation's, as one ZIP in open formats, made while it is sent.

Each table that is the organisation's is there twice, as JSON Lines and as CSV; `manifest.json` has the
SHA-256 of each file. Keys and secrets are left out: what lets somebody in is nobody's data to keep.
"""

import csv
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db.models import BinaryField, Model
from django.http import StreamingHttpResponse

from portal.lib.tenancy import tenant_context
from tenants.interfaces.files import harmless
from tenants.models import Membership, Person, Tenant, TenantOwned

CHUNK = 500
"""Rows that are read in one transaction: a slow line holds none open."""
FORMAT = "landfall-export-1"
# Whole tables that only open doors, or are the provider's; and what may not leave any other.
LEFT_OUT = frozenset({"enrolment", "policy", "invitation", "letter", "api_token"})
SECRET = re.compile(r"token|secret|password|bearer|signature")
MORE_SECRETS: Mapping[str, frozenset[str]] = {
    "command": frozenset({"body"}),  # tickets, and passwords that are sealed
}
Row = Mapping[str, Any]


def archive_answer(tenant_id: UUID, *, now: datetime) -> StreamingHttpResponse:
    """Return the organisation's whole data as a file to keep; the caller has proved that the person may."""
    answer = StreamingHttpResponse(archive_chunks(tenant_id, now=now), content_type="application/zip")
    name = f"landfall-export-{now:%Y-%m-%d}.zip"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def archive_chunks(tenant_id: UUID, *, now: datetime) -> Iterator[bytes]:
    """Yield the ZIP piece by piece; each piece of a table is read in a transaction of its own."""
    sink = _Sink()
    told: list[dict[str, object]] = []
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as file:
        for model in models_exported():
            columns = columns_of(model)
            for ending, lines in (("jsonl", _json_lines), ("csv", _csv_lines)):
                written = _Written(f"{model._meta.db_table}.{ending}")
                with file.open(_entry(written.name, now), "w", force_zip64=True) as entry:
                    for line in lines(columns, _rows(model, columns, tenant_id)):
                        entry.write(written.noted(line))
                        yield sink.taken()
                told.append(written.told(header=ending == "csv"))
        manifest = {
            "format": FORMAT,
            "organisation": str(tenant_id),
            "made_at": now.isoformat(),
            "files": told,
        }
        file.writestr(_entry("manifest.json", now), json.dumps(manifest, indent=2))
    yield sink.taken()


def models_exported() -> list[type[Model]]:
    """Return the models whose rows are the organisation's, by table: a new one is among them by itself."""
    owned = [model for model in apps.get_models() if issubclass(model, TenantOwned)]
    found = [model for model in owned if model._meta.db_table not in LEFT_OUT]
    return sorted([Tenant, Person, *found], key=lambda model: model._meta.db_table)


def columns_of(model: type[Model]) -> list[str]:
    """Return the columns that are told: no key, nothing that opens a door; of people what a list shows."""
    if model is Person:
        return ["id", "email", "name"]
    left_out = MORE_SECRETS.get(model._meta.db_table, frozenset())
    return [
        field.attname
        for field in model._meta.concrete_fields
        if not isinstance(field, BinaryField)
        and field.attname not in left_out
        and not SECRET.search(field.attname)
    ]


class _Sink:
    """What the ZIP is written to: it cannot be sought in, so the ZIP is made from front to end."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Do nothing: whoever reads takes what is there."""

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def taken(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


class _Written:
    """What a file of the archive has by now, for its line in the manifest."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._digest, self._bytes, self._lines = hashlib.sha256(), 0, 0

    def noted(self, line: bytes) -> bytes:
        self._digest.update(line)
        self._bytes, self._lines = self._bytes + len(line), self._lines + 1
        return line

    def told(self, *, header: bool) -> dict[str, object]:
        rows = self._lines - header
        return {"name": self.name, "rows": rows, "bytes": self._bytes, "sha256": self._digest.hexdigest()}


def _entry(name: str, now: datetime) -> zipfile.ZipInfo:
    moment = (now.year, now.month, now.day, now.hour, now.minute, now.second)
    entry = zipfile.ZipInfo(name, date_time=moment)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _rows(model: type[Model], columns: list[str], tenant_id: UUID) -> Iterator[Row]:
    last = None
    while True:
        with tenant_context(tenant_id):
            rows = _of_tenant(model, tenant_id)
            later = rows if last is None else rows.filter(pk__gt=last)
            found = list(later.order_by("pk").values("pk", *columns)[:CHUNK])
        yield from found
        if len(found) < CHUNK:
            return
        last = found[-1]["pk"]


def _of_tenant(model: type[Model], tenant_id: UUID) -> Any:
    rows = model._base_manager.all()
    if model is Tenant:
        return rows.filter(id=tenant_id)
    if model is Person:
        return rows.filter(id__in=Membership.objects.filter(tenant_id=tenant_id).values("user_id"))
    return rows.filter(tenant_id=tenant_id)


def _json_lines(columns: list[str], rows: Iterable[Row]) -> Iterator[bytes]:
    for row in rows:
        told = {column: row[column] for column in columns}
        yield json.dumps(told, default=_plain, ensure_ascii=False).encode() + b"\n"


def _csv_lines(columns: list[str], rows: Iterable[Row]) -> Iterator[bytes]:
    yield _csv_line(columns)
    for row in rows:
        yield _csv_line([harmless(_cell(row[column])) for column in columns])


def _csv_line(cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict | list | bool):
        return json.dumps(value, default=_plain, ensure_ascii=False)
    return str(_plain(value))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
