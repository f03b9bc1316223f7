"""Pages of virtual machines: the list with its filter, one machine, the list as CSV."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from agents.models import Datastore, Network, Site, VirtualMachine
from agents.selectors.machines import FIELDS, SORTS, host_names, machines_list
from portal.lib.filters import Term, parse, without
from portal.lib.paging import page_of
from tenants.interfaces import TenantView
from tenants.interfaces.files import csv_answer

COLUMNS = (
    "name",
    "site",
    "host",
    "power",
    "cpus",
    "memory_mib",
    "disk_bytes",
    "guest_id",
    "snapshots",
    "moid",
)
HEADINGS = (
    ("name", "Name", False),
    ("", "Site", False),
    ("host_moid", "Host", False),
    ("power", "Power", False),
    ("cpus", "CPUs", True),
    ("memory_mib", "Memory", True),
    ("disk_bytes", "Disk", True),
    ("", "Guest", False),
)
LIMITS = (50, 100, 200)


class MachineList(TenantView):
    """The list as the address describes it."""

    def asked(self) -> tuple[list[Term], str]:
        """Return the terms of the filter and the sort column."""
        query = self.request.GET
        text = " ".join(part for part in (query.get("q", ""), query.get("add", "")) if part)
        sort = query.get("sort", "name")
        return parse(text, FIELDS), sort if sort.removeprefix("-") in SORTS else "name"


class Machines(MachineList):
    """The organisation's virtual machines."""

    template = "agents/machines.html"

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show one page of them."""
        terms, sort = self.asked()
        rows = machines_list(actor=self.actor, terms=terms)
        limit = _limit(request.GET.get("rows", ""))
        page = page_of(rows, sort=sort, cursor=request.GET.get("cursor", ""), limit=limit)
        everything = VirtualMachine.objects.visible_to(self.actor).filter(gone_at=None)
        return self.show(
            machines=_told(self, page.rows),
            page=page,
            matching=rows.count(),
            total=everything.count() if terms else None,
            q=" ".join(without(terms, Term("")).split()),
            chips=[(term, without(terms, term)) for term in terms],
            headings=[_heading(*heading, sort) for heading in HEADINGS],
            limits=LIMITS,
            limit=limit,
            sort=sort,
        )


class MachinesCsv(MachineList):
    """Exactly this view as a file."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Return all rows that match, in the same order."""
        terms, sort = self.asked()
        rows = machines_list(actor=self.actor, terms=terms).order_by(sort, "id")
        return csv_answer(f"machines-{timezone.now():%Y-%m-%d}.csv", _lines(self, rows))


class OneMachine(TenantView):
    """One virtual machine, as vCenter describes it."""

    template = "agents/machine.html"

    def get(self, request: HttpRequest, machine: UUID) -> HttpResponseBase:
        """Show it."""
        own = VirtualMachine.objects.visible_to(self.actor).select_related("site").get(id=machine)
        names = host_names(actor=self.actor)
        stores = dict(_names(self, Datastore, own.site_id))
        networks = dict(_names(self, Network, own.site_id))
        disks = [(disk, stores.get(disk.datastore_moid, "")) for disk in own.disks.order_by("number")]
        nics = [{**nic, "network": networks.get(nic.get("network_moid"), "")} for nic in own.nics]
        host = names.get((str(own.site_id), own.host_moid), own.host_moid)
        return self.show(machine=own, disks=disks, nics=nics, host=host)


def _limit(asked: str) -> int:
    return int(asked) if asked in [str(limit) for limit in LIMITS] else LIMITS[0]


def _told(view: TenantView, machines: Any) -> list[dict[str, Any]]:
    """Return machines with the names of their site and host."""
    hosts = host_names(actor=view.actor)
    sites = dict(Site.objects.visible_to(view.actor).values_list("id", "name"))
    return [
        {
            "row": machine,
            "site": sites.get(machine.site_id, ""),
            "host": hosts.get((str(machine.site_id), machine.host_moid), machine.host_moid),
        }
        for machine in machines
    ]


def _names(view: TenantView, model: Any, site_id: UUID) -> Any:
    return model.objects.visible_to(view.actor).filter(site_id=site_id).values_list("moid", "name")


def _heading(column: str, word: str, numeric: bool, sort: str) -> dict[str, Any]:
    falling = sort == f"-{column}"
    order = "descending" if falling else "ascending"
    current = bool(column) and sort.removeprefix("-") == column
    following = column if falling or not current else f"-{column}"
    return {
        "word": word,
        "numeric": numeric,
        "sort": following if column else "",
        "order": order if current else "",
    }


def _lines(view: TenantView, machines: Any) -> Iterator[tuple[str, ...]]:
    yield COLUMNS
    for told in _told(view, machines):
        yield tuple(str(told.get(column) or getattr(told["row"], column, "")) for column in COLUMNS)
