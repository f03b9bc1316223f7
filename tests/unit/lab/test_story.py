"""What people do at the portal: in which order, with what, and when they give up."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from agents.vsphere.session import Endpoint
from lab import story
from lab.demo.people import Person, tenant_join
from lab.pair import Pair
from lab.session import Session
from lab.simulator import PASSWORD, USER
from lab.sites import LabSite
from lab.story import Journey, NotInTime, Place, Story, until
from tests.unit.lab.scripted_portal import ScriptedPortal

GROUP = "GET /api/v1/groups/7/"
PIN = "AB" * 32


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look again at once."""
    monkeypatch.setattr(story, "POLL_S", 0.001)


def units(*phases: str) -> dict[str, Any]:
    """A group whose units are in these phases."""
    return {"units": [{"name": f"m{number}", "phase": phase} for number, phase in enumerate(phases)]}


def a_site(fingerprint: str = PIN) -> LabSite:
    """As much of a site as its owner enters at the portal."""
    endpoint = Endpoint(host="127.0.0.1", port=8989, user=USER, password=PASSWORD, fingerprint=fingerprint)
    simulator = cast(Any, SimpleNamespace(endpoint=endpoint))
    return LabSite(Path("/nowhere"), simulator, Path("/nowhere/store"), {})


async def test_it_waits_until_something_is_seen() -> None:
    said: Iterator[object] = iter([None, [], "there"])

    async def look() -> Any:
        return next(said)

    assert await until(look, what="something") == "there"


async def test_it_gives_up_and_says_on_what() -> None:
    async def look() -> bool:
        return False

    with pytest.raises(NotInTime, match="a guest that writes: it slept"):
        await until(look, what="a guest that writes:", seconds=0.01, last=lambda: "it slept")


async def test_a_group_is_there_when_all_its_units_are(portal: ScriptedPortal, session: Session) -> None:
    portal.on(GROUP, units("ready", "syncing"), units("ready", "ready"))
    await Journey(session, "7", "First").reach("ready", seconds=5)
    assert len(portal.requests(GROUP)) == 2


async def test_a_unit_that_failed_ends_the_wait_at_once(portal: ScriptedPortal, session: Session) -> None:
    failed = units("ready", "failed")
    failed["units"][1]["reason"] = "The datastore is full."
    portal.on(GROUP, failed)
    with pytest.raises(NotInTime, match="The datastore is full"):
        await Journey(session, "7", "First").reach("ready", seconds=60)
    assert len(portal.requests(GROUP)) == 1


async def test_a_failure_that_was_awaited_is_reached(portal: ScriptedPortal, session: Session) -> None:
    portal.on(GROUP, units("failed"))
    await Journey(session, "7", "First").reach("failed", seconds=5)


async def test_who_waited_in_vain_hears_what_holds_the_units(
    portal: ScriptedPortal, session: Session
) -> None:
    held = units("syncing")
    held["units"][0]["conditions"] = [{"code": "agent_silent"}]
    portal.on(GROUP, held)
    with pytest.raises(NotInTime, match="agent_silent"):
        await Journey(session, "7", "First").reach("ready", seconds=0.05)


async def test_what_cannot_be_undone_is_confirmed_by_name(portal: ScriptedPortal, session: Session) -> None:
    portal.on("POST /api/v1/groups/7/commit/", {})
    await Journey(session, "7", "First landing").confirmed("commit")
    assert portal.asked[0].json == {"confirmation": "First landing"}


async def test_a_certificate_is_compared_before_it_is_accepted(
    portal: ScriptedPortal, session: Session
) -> None:
    portal.on("POST /api/v1/sites/3/connect/", {})
    portal.on("GET /api/v1/sites/3/", {"state": "certificate_unknown", "seen_fingerprint": "EE" * 32})
    with pytest.raises(NotInTime, match="EEEE"):
        await Place(session, "3", "Acme").connect(a_site())
    assert portal.requests("POST /api/v1/sites/3/certificate/") == []


async def test_a_site_is_connected_once_its_inventory_is_there(
    portal: ScriptedPortal, session: Session
) -> None:
    unknown = {"state": "certificate_unknown", "seen_fingerprint": PIN}
    portal.on("POST /api/v1/sites/3/connect/", {})
    portal.on("POST /api/v1/sites/3/certificate/", {})
    reading, connected = {"state": "reading"}, {"state": "connected"}
    portal.on("GET /api/v1/sites/3/", {"state": "new"}, unknown, unknown, reading, connected)
    await Place(session, "3", "Acme").connect(a_site())
    (accepted,) = portal.requests("POST /api/v1/sites/3/certificate/")
    assert accepted.json == {"fingerprint": PIN}


async def test_machines_are_there_when_their_disks_are(portal: ScriptedPortal, session: Session) -> None:
    bare = {"id": 1, "name": "mail1", "disk_bytes": 0}
    portal.on("GET /api/v1/machines/?site=3", [bare], [{**bare, "disk_bytes": 5}, {**bare, "name": "other"}])
    found = await Place(session, "3", "Acme").machines({"mail1"})
    assert found == {"mail1": {**bare, "disk_bytes": 5}}


async def test_a_group_names_machines_tiers_and_where_to(portal: ScriptedPortal, session: Session) -> None:
    machines = [
        {"id": f"id-{name}", "name": name, "disk_bytes": 1, "nics": [{"network_moid": "dvpg-1"}]}
        for name in ("mail1", "web1")
    ]
    offer = {"id": "o", "hosts": 1, "datastores": [{"moid": "ds-9"}], "networks": [{"moid": "net-2"}]}
    portal.on("GET /api/v1/machines/?site=3", machines)
    portal.on("GET /api/v1/destinations/", [{**offer, "datastores": []}], [offer])
    portal.on("POST /api/v1/groups/", {"id": 7}, status=201)
    told = Story(session, session, cast(Pair, None), near=Place(session, "3", "Acme"))
    journey = await told.group("First", {"web1": 3, "mail1": 2}, cutover_budget_bytes=5)
    (plan,) = portal.requests("POST /api/v1/groups/")
    assert journey.id == "7"
    assert plan.json == {
        "name": "First",
        "offer": "o",
        "datastore": "ds-9",
        "network_map": {"dvpg-1": "net-2"},
        "machines": [{"machine": "id-web1", "tier": 3}, {"machine": "id-mail1", "tier": 2}],
        "tiers": [{"number": 2}, {"number": 3}],
        "cutover_budget_bytes": 5,
    }


async def test_only_a_machine_s_own_lines_are_its_bill(portal: ScriptedPortal, session: Session) -> None:
    lines = [{"machine": "mail1", "amount": "49.00"}, {"machine": "web1", "amount": "49.00"}]
    portal.on("GET /api/v1/usage/", {"results": lines, "next": None})
    told = Story(session, session, cast(Pair, None))
    assert await told.invoice_lines("mail1") == [lines[0]]
    assert await told.invoice_lines("nobody") == []


async def test_a_tenant_s_owner_signs_in_once_taken_on(portal: ScriptedPortal, session: Session) -> None:
    portal.on("POST /api/v1/tenants/", {"id": 12}, status=201)
    portal.on("GET /accounts/login/", "<form>")
    portal.on("POST /accounts/login/", "", status=302)
    alice = Person("Alice", "alice@acme.example", "secret")
    assert await tenant_join(session, session, alice, organisation="Acme") == "12"
    assert portal.asked[0].json["name"] == "Acme"
    assert [one.path for one in portal.asked[1:]] == ["/accounts/login/"] * 2


def test_a_password_is_not_shown_with_its_person() -> None:
    assert "secret" not in repr(Person("Alice", "alice@acme.example", "secret"))


def snapshots(near: int, far: int) -> int:
    def site(count: int) -> Any:
        return SimpleNamespace(simulator=SimpleNamespace(calls=lambda word: count * (word == "Snapshot")))

    pair = cast(Pair, SimpleNamespace(near=site(near), far=site(far)))
    return Story(cast(Session, None), cast(Session, None), pair).snapshots()


def test_snapshots_at_either_site_count() -> None:
    assert (snapshots(0, 0), snapshots(1, 0), snapshots(1, 2)) == (0, 1, 3)
