"""The checks of a plan against the inventory, the agents and the offer."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from agents.domain.protocol import Failure
from agents.models import Host, Offer
from migrations_app.domain.facts import Facts, facts_read
from migrations_app.domain.holds import SILENCE
from migrations_app.domain.lifecycle import UNDER_WAY
from migrations_app.domain.preflight import (
    HEALTHY,
    MISSING,
    SILENT,
    DiskPlan,
    Finding,
    GroupPlan,
    UnitPlan,
    findings_of,
)
from migrations_app.models import MigrationGroup, MigrationUnit
from migrations_app.selectors.ends import Ends, ends_of


def preflight(*, group: MigrationGroup, now: datetime) -> tuple[Finding, ...]:
    """Return what would fail or is worth knowing if the group started now; a constant number of queries."""
    related = group.units.select_related("machine").prefetch_related("machine__disks")
    units = list(related.order_by("tier", "name"))
    ends, hosts, elsewhere = ends_of(units), _host_names(units), _elsewhere(group, units)
    offer = group.offer
    stores = {store["moid"]: store for store in offer.datastores}
    store = stores.get(group.datastore_moid)
    plan = GroupPlan(
        datastore=store["name"] if store else group.datastore_moid,
        datastore_free=store["free_bytes"] if store else None,
        network_map=group.network_map,
        names_taken=frozenset(offer.machine_names),
        units=tuple(_plan(unit, offer, ends, hosts, elsewhere, now) for unit in units),
    )
    return findings_of(plan)


def _host_names(units: list[MigrationUnit]) -> Mapping[tuple[UUID, str], str]:
    sites = {unit.machine.site_id for unit in units}
    rows = Host.objects.filter(site_id__in=sites).values_list("site_id", "moid", "name")
    return {(site, moid): name for site, moid, name in rows}


def _elsewhere(group: MigrationGroup, units: list[MigrationUnit]) -> Mapping[UUID, str]:
    """Return the names of the other groups that hold machines of this one."""
    others = MigrationUnit.objects.exclude(group=group).filter(
        machine_id__in=[unit.machine_id for unit in units], phase__in=UNDER_WAY
    )
    return dict(others.values_list("machine_id", "group__name"))


def _plan(
    unit: MigrationUnit,
    offer: Offer,
    ends: Ends,
    hosts: Mapping[tuple[UUID, str], str],
    elsewhere: Mapping[UUID, str],
    now: datetime,
) -> UnitPlan:
    machine = unit.machine
    hosts_there: dict[str, dict[str, object]] = {host["moid"]: host for host in offer.hosts}
    landing = hosts_there.get(unit.destination_host_moid, {})
    facts = facts_read(unit.facts)
    validated = facts.validated
    return UnitPlan(
        name=unit.name,
        gone=machine.gone_at is not None,
        snapshots=machine.snapshots,
        disks=tuple(
            DiskPlan(number=disk.number, label=disk.label, size=disk.size_bytes, kind=disk.kind)
            for disk in machine.disks.all()
        ),
        networks=tuple(sorted({str(nic.get("network_moid", "")) for nic in machine.nics})),
        source_host=hosts.get((machine.site_id, machine.host_moid), ""),
        source_agent=_health(unit.source_id, ends, now),
        source_connector=_health(unit.source_connector_id, ends, now),
        destination_host=str(landing.get("name", "")),
        destination_agent=_health(unit.destination_agent_id, ends, now),
        destination_connector=_health(unit.destination_connector_id, ends, now),
        destination_address=_address(unit.destination_agent_id, ends),
        path_fault=_path_fault(facts),
        elsewhere=elsewhere.get(machine.id, ""),
        survives_power_off=validated.survives_power_off if validated else None,
        power=machine.power,
        tools=machine.tools,
    )


def _address(agent_id: UUID | None, ends: Ends) -> str:
    end = ends.get(agent_id) if agent_id else None
    return end.address if end else ""


def _path_fault(facts: Facts) -> str:
    """Return why the source's host did not reach the destination when it was last asked to."""
    trouble = facts.trouble
    return (trouble.why or trouble.what) if trouble and trouble.code == Failure.PATH_CLOSED else ""


def _health(agent_id: UUID | None, ends: Ends, now: datetime) -> str:
    end = ends.get(agent_id) if agent_id else None
    if end is None:
        return MISSING
    silent = end.last_seen_at is None or now - end.last_seen_at > SILENCE
    return SILENT if silent else HEALTHY
