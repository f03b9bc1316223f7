"""Every finding of the pre-flight, brought about in the inventory, the agents or the offer as it would be."""

from collections.abc import Callable

import pytest

from agents.models import Agent, Offer, VirtualMachine
from migrations_app.domain.facts import Facts, Trouble, facts_stored
from migrations_app.models import MigrationGroup, MigrationUnit
from migrations_app.selectors import preflight
from portal.lib.tenancy import tenant_context
from tests.cast import NOON, Cast, House, group_of

pytestmark = pytest.mark.django_db

PATH = Facts(
    trouble=Trouble(step="validate", code="path_closed", what="No path.", why="10.0.0.9:7000: refused")
)
VALIDATED = {
    "disks": [],
    "engine": "qemu",
    "survives_power_off": False,
    "guest_running": True,
}


def _silent(agent: Agent) -> None:
    Agent.objects.filter(id=agent.id).update(last_seen_at=None)


CAUSES: dict[str, Callable[[House], object]] = {
    "PRE-01": lambda house: Offer.objects.update(datastores=[]),
    "PRE-10": lambda house: MigrationGroup.objects.update(network_map={}),
    "PRE-11": lambda house: MigrationUnit.objects.update(source=None),
    "PRE-12": lambda house: _silent(house.source),
    "PRE-13": lambda house: _silent(house.connector),
    "PRE-14": lambda house: MigrationUnit.objects.update(destination_agent_id=None),
    "PRE-15": lambda house: _silent(house.destination),
    "PRE-16": lambda house: MigrationUnit.objects.update(facts=facts_stored(PATH)),
    "PRE-17": lambda house: _silent(house.destination_connector),
    "PRE-18": lambda house: MigrationUnit.objects.update(facts={"validated": VALIDATED}),
    "PRE-19": lambda house: VirtualMachine.objects.update(tools="toolsNotInstalled"),
}


@pytest.mark.parametrize("code", CAUSES)
def test_each_cause_is_found_under_its_code_with_evidence_and_a_remedy(cast: Cast, code: str) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        CAUSES[code](cast.acme)
        (finding,) = preflight(group=MigrationGroup.objects.get(), now=NOON)

    assert finding.code == code
    assert finding.what.endswith(".")
    assert finding.evidence
    assert finding.remedy.endswith(".")


def test_a_path_that_was_found_closed_is_told_with_its_address(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        CAUSES["PRE-16"](cast.acme)
        (finding,) = preflight(group=MigrationGroup.objects.get(), now=NOON)

    assert finding.evidence == "10.0.0.9:7000: refused"
    assert "no path from esx1.acme.test to the destination's esx9.cloud.test" in finding.what
