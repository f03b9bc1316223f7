"""The list of virtual machines as people filter and sort it."""

from collections.abc import Iterable, Mapping
from functools import reduce

from django.db.models import Exists, OuterRef, Q

from agents.models import Host, Site, VirtualMachine
from portal.lib.filters import Field, Kind, Term
from tenants.domain.roles import Actor
from tenants.models import TenantQuerySet

FIELDS: Mapping[str, Field] = {
    "name": Field(Kind.TEXT),
    "site": Field(Kind.TEXT),
    "host": Field(Kind.TEXT),
    "guest": Field(Kind.TEXT),
    "power": Field(Kind.CHOICE, ("on", "off", "suspended")),
    "size": Field(Kind.NUMBER),
    "memory": Field(Kind.NUMBER),
    "cpus": Field(Kind.NUMBER),
    "snapshots": Field(Kind.NUMBER),
}
SORTS = ("name", "power", "cpus", "memory_mib", "disk_bytes", "host_moid")
_POWERS = {"on": "poweredOn", "off": "poweredOff", "suspended": "suspended"}
_COLUMNS = {"size": "disk_bytes", "cpus": "cpus", "snapshots": "snapshots", "memory": "memory_mib"}
_PASTS = {">": "gt", "<": "lt", ">=": "gte", "<=": "lte", ":": "exact"}
MIB = 2**20


def machines_list(*, actor: Actor, terms: Iterable[Term]) -> TenantQuerySet[VirtualMachine]:
    """Return the machines that are there and that all terms hold for; a term with a fault filters nothing."""
    rows = VirtualMachine.objects.visible_to(actor).filter(gone_at=None)
    for term in terms:
        if not term.fault:
            condition = _condition(term, actor)
            rows = rows.exclude(condition) if term.negated else rows.filter(condition)
    return rows


def host_names(*, actor: Actor) -> dict[tuple[str, str], str]:
    """Return the hosts' names by (site, moid)."""
    rows = Host.objects.visible_to(actor).values_list("site_id", "moid", "name")
    return {(str(site), moid): name for site, moid, name in rows}


def _condition(term: Term, actor: Actor) -> Q:
    if column := _COLUMNS.get(term.field):
        number = _mebibytes(term) if term.field == "memory" else term.number
        return Q(**{f"{column}__{_PASTS[term.comparison]}": number})
    if term.field == "power":
        return Q(power__in=[_POWERS[value.lower()] for value in term.values])
    return reduce(Q.__or__, [_text(term.field, value, actor) for value in term.values], Q())


def _mebibytes(term: Term) -> float:
    """Return memory in MiB: a bare number is MiB already."""
    return term.number if term.number < MIB else term.number / MIB


def _text(field: str, value: str, actor: Actor) -> Q:
    if field == "site":
        sites = Site.objects.visible_to(actor).filter(name__icontains=value)
        return Q(site__in=sites.values("id"))
    if field == "host":
        # By site as well: two sites may have a host of the same moid.
        own = {"site_id": OuterRef("site_id"), "moid": OuterRef("host_moid")}
        return Q(Exists(Host.objects.visible_to(actor).filter(name__icontains=value, **own)))
    return Q(**{f"{'guest_id' if field == 'guest' else 'name'}__icontains": value})
