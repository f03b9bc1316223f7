"""The list of virtual machines: filter, sort, pages, CSV, and how much it asks the database."""

import pytest
from django.test import Client

from agents.models import Host, Site, VirtualMachine
from portal.lib.tenancy import tenant_context
from tests.cast import GIB, NOON, Cast, House, machine_of
from tests.functional.pages import signed_in, text


@pytest.fixture
def alice(cast: Cast) -> Client:
    """Alice, whose Acme has three machines."""
    machine_of(cast.acme, "web-1", disk_bytes=10 * GIB, cpus=2)
    machine_of(cast.acme, "web-2", disk_bytes=200 * GIB, cpus=8, power="poweredOff")
    machine_of(cast.acme, "db-1", disk_bytes=500 * GIB, cpus=4)
    return signed_in("alice")


def names(cast: Cast, alice: Client, query: str) -> list[str]:
    """Return the names that a view's CSV has, in its order."""
    answer = alice.get(f"/t/{cast.acme.tenant.id}/machines/csv?{query}")
    return [line.partition(",")[0] for line in answer.content.decode().splitlines()[1:]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["db-1", "web-1", "web-2"]),
        ("q=web", ["web-1", "web-2"]),
        ("q=not web", ["db-1"]),
        ("q=size>100GiB", ["db-1", "web-2"]),
        ("q=power:off", ["web-2"]),
        ("q=name:db,web-1", ["db-1", "web-1"]),
        ("q=site:acme cpus<8&sort=-cpus", ["db-1", "web-1"]),
        ("q=host:esx1&sort=disk_bytes", ["web-1", "web-2", "db-1"]),
        ("q=memory:2048 guest:other", ["db-1", "web-1", "web-2"]),
        ("q=colour:red", ["db-1", "web-1", "web-2"]),
    ],
)
def test_it_filters_and_sorts(cast: Cast, alice: Client, query: str, found: list[str]) -> None:
    assert names(cast, alice, query) == found


def test_a_host_of_the_same_moid_at_another_site_is_another_host(cast: Cast, alice: Client) -> None:
    with tenant_context(cast.acme.tenant.id):
        other = Site.objects.create(tenant=cast.acme.tenant, name="Second", host="127.0.0.1", username="u")
        Host.objects.create(tenant=cast.acme.tenant, site=other, moid="host-1", name="branch-7", seen_at=NOON)

    assert names(cast, alice, "q=host:branch") == []


def test_it_says_why_a_term_does_not_count(cast: Cast, alice: Client) -> None:
    answer = alice.get(f"/t/{cast.acme.tenant.id}/machines/?q=colour:red")

    assert "There is no field colour." in text(answer)


def test_it_never_shows_another_tenant_s_machines(cast: Cast, alice: Client) -> None:
    machine_of(cast.globex, "secret-9")

    answer = alice.get(f"/t/{cast.acme.tenant.id}/machines/?q=secret")

    assert "No machine matches" in text(answer)


def test_a_name_is_no_formula_in_a_spreadsheet(cast: Cast, alice: Client) -> None:
    machine_of(cast.acme, "=cmd|' /C calc'!A0")

    assert "'=cmd|' /C calc'!A0" in names(cast, alice, "q=cmd")


def test_an_empty_estate_says_what_comes_next(cast: Cast) -> None:
    answer = signed_in("charlie").get(f"/t/{cast.globex.tenant.id}/machines/")

    assert "No machines yet. They appear when a site is connected." in text(answer)


def test_pages_follow_each_other_and_lead_back(cast: Cast) -> None:
    many(cast.acme, 120)
    alice, address = signed_in("alice"), f"/t/{cast.acme.tenant.id}/machines/"

    first = alice.get(address)
    second = alice.get(address, {"cursor": first.context["page"].next})
    third = alice.get(address, {"cursor": second.context["page"].next})
    again = alice.get(address, {"cursor": second.context["page"].previous})

    assert shown(first)[:1] == ["vm-00000"]
    assert shown(second)[:1] == ["vm-00050"]
    assert shown(third) == [f"vm-{number:05}" for number in range(100, 120)]
    assert shown(again) == shown(first)
    assert (first.context["page"].previous, third.context["page"].next) == ("", "")


def many(house: House, number: int) -> None:
    """Give the house this many machines."""
    with tenant_context(house.tenant.id):
        VirtualMachine.objects.bulk_create(
            VirtualMachine(
                tenant=house.tenant,
                site=house.site,
                moid=f"many-{at}",
                name=f"vm-{at:05}",
                host_moid="host-1",
                power="poweredOn",
                cpus=1 + at % 8,
                memory_mib=1024,
                disk_bytes=(at % 97) * GIB,
                seen_at=NOON,
            )
            for at in range(number)
        )


def shown(answer: object) -> list[str]:
    """Return the names on a page."""
    return [machine["row"].name for machine in answer.context["machines"]]  # type: ignore[attr-defined]


@pytest.mark.parametrize("query", [{"sort": "--name"}, {"q": "cpus>" + "9" * 400}])
@pytest.mark.parametrize("page", ["machines/", "machines/csv"])
def test_what_no_list_can_do_changes_nothing(cast: Cast, page: str, query: dict[str, str]) -> None:
    assert signed_in("alice").get(f"/t/{cast.acme.tenant.id}/{page}", query).status_code == 200
