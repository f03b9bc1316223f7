"""The API of organisations and the estate: what it answers, and how it refuses."""

import json
from typing import Any

import pytest
from django.test import Client

from agents.models import VirtualMachine
from portal.lib.tenancy import tenant_context
from tenants.models import Person
from tenants.services import tenant_create
from tests.cast import GIB, Cast, machine_of
from tests.functional.pages import signed_in
from tests.functional.test_machine_list import many
from tests.staff import Staff, staff_create

ROOT = "/api/v1"


@pytest.fixture
def staff(cast: Cast) -> Staff:
    """Petra and Frank."""
    return staff_create()


def call(client: Client, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Return status and JSON of a call."""
    answer = client.generic(method, f"{ROOT}{path}", _json(body), content_type="application/json")
    return answer.status_code, answer.json()


def _json(body: Any) -> str:

    return json.dumps(body) if body is not None else ""


def test_a_site_is_made_and_found_again(cast: Cast) -> None:
    alice = signed_in("alice")

    status, made = call(alice, "POST", "/sites/", {"name": "Lyon"})

    assert (status, made["state"]) == (201, "no_connector")
    assert call(alice, "GET", f"/sites/{made['id']}/")[1]["name"] == "Lyon"


def test_a_refusal_is_a_problem_document(cast: Cast) -> None:
    answer = signed_in("alice").post(f"{ROOT}/sites/", {"name": "Acme site"}, content_type="application/json")

    said = answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    assert (said["status"], said["code"]) == (409, "site_name_taken")
    assert (said["why"], said["remedy"]) == ("There is a site called Acme site.", "Choose another name.")


def test_a_refusal_leaves_nothing_behind(cast: Cast) -> None:
    alice = signed_in("alice")
    before = call(alice, "GET", "/sites/")[1]["results"]

    call(alice, "POST", "/sites/", {"name": "  "})

    assert call(alice, "GET", "/sites/")[1]["results"] == before


def test_a_field_that_is_wrong_is_named(cast: Cast) -> None:
    status, said = call(signed_in("alice"), "POST", f"/sites/{cast.acme.site.id}/connect/", {"host": "vc"})

    assert (status, sorted(said["errors"])) == (422, ["password", "username"])


def test_a_password_is_never_answered(cast: Cast) -> None:
    _, said = call(signed_in("alice"), "GET", f"/sites/{cast.acme.site.id}/")

    assert not [key for key in said if "password" in key]


def test_an_enrolment_answers_the_install_command(cast: Cast) -> None:
    status, said = call(signed_in("alice"), "POST", f"/sites/{cast.acme.site.id}/enrolments/", {})

    assert status == 201
    assert f" --key {said['token']} " in said["command"]


def test_machines_take_the_filter_of_the_page(cast: Cast) -> None:
    machine_of(cast.acme, "web-1", disk_bytes=10 * GIB)
    machine_of(cast.acme, "db-1", disk_bytes=500 * GIB)

    _, said = call(signed_in("alice"), "GET", "/machines/?q=size>100GiB colour:red")

    assert [machine["name"] for machine in said["results"]] == ["db-1"]
    assert list(said["faults"]) == ["colour:red"]


def test_pages_of_machines_follow_each_other_to_the_end(cast: Cast) -> None:
    many(cast.acme, 150)
    alice = signed_in("alice")

    first = alice.get(f"{ROOT}/machines/?sort=-name").json()
    second = alice.get(first["next"]).json()

    names = [machine["name"] for machine in first["results"] + second["results"]]
    assert names == [f"vm-{number:05}" for number in reversed(range(150))]
    assert second["next"] is None


def test_one_organisation_sees_nothing_of_another(cast: Cast) -> None:
    machine_of(cast.globex, "secret-9")

    answers = [
        signed_in("alice").get(f"{ROOT}/{path}/").content.decode()
        for path in ("machines", "sites", "agents", "destinations", "commands")
    ]

    assert not [answer for answer in answers if "lobex" in answer or "secret-9" in answer]


def test_a_person_of_two_organisations_is_asked_which(cast: Cast) -> None:
    tenant_create(name="Second", owner_id=Person.objects.get(email="alice@example.test").pk)
    alice = signed_in("alice")

    status, said = call(alice, "GET", "/sites/")

    assert (status, said["code"]) == (400, "organisation_needed")
    chosen = alice.get(f"{ROOT}/me/", headers={"Landfall-Organisation": str(cast.acme.tenant.id)})
    assert chosen.json()["tenant_name"] == "Acme"


def test_an_organisation_of_somebody_else_is_not_there(cast: Cast) -> None:
    other = {"Landfall-Organisation": str(cast.globex.tenant.id)}

    assert signed_in("alice").get(f"{ROOT}/me/", headers=other).status_code == 404


def test_a_destination_tells_no_tenant_how_hosts_are_reached(cast: Cast) -> None:
    _, said = call(signed_in("alice"), "GET", "/destinations/")

    assert said["results"][0]["hosts"] == [{"moid": "host-9", "name": "esx9.cloud.test"}]


def test_the_provider_takes_a_tenant_on(cast: Cast, staff: Staff) -> None:
    wanted = {"name": "Zephyr", "owner_email": "zoe@zephyr.test", "owner_name": "Zoe"}

    status, made = call(signed_in("petra"), "POST", "/tenants/", wanted)

    assert (status, made["name"]) == (201, "Zephyr")
    assert Person.objects.get(email="zoe@zephyr.test").check_password(made["owner_password"])


def test_an_owner_s_common_password_is_refused(cast: Cast, staff: Staff) -> None:
    wanted = {"name": "Zephyr", "owner_email": "zoe@zephyr.test", "owner_password": "1234567890"}

    status, said = call(signed_in("petra"), "POST", "/tenants/", wanted)

    assert (status, said["code"]) == (422, "password_weak")


def test_a_forged_request_is_refused(cast: Cast) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = signed_in("alice").cookies

    answer = careful.post(f"{ROOT}/sites/", {"name": "Lyon"}, content_type="application/json")

    assert answer.status_code == 403


def test_a_machine_that_is_gone_is_not_listed(cast: Cast) -> None:
    machine = machine_of(cast.acme, "old-1")
    with tenant_context(cast.acme.tenant.id):
        VirtualMachine.objects.filter(id=machine.id).update(gone_at=machine.seen_at)

    assert call(signed_in("alice"), "GET", "/machines/")[1]["results"] == []


def test_the_document_of_the_api_names_every_call(cast: Cast) -> None:
    document = Client().get(f"{ROOT}/schema").content.decode()

    assert "/api/v1/machines/" in document
    assert "/api/v1/sites/{site}/certificate/" in document


@pytest.mark.parametrize("sort", ["junk", "--name", ""])
def test_machines_sorted_by_nothing_we_know_are_refused(cast: Cast, sort: str) -> None:
    status, said = call(signed_in("alice"), "GET", f"/machines/?sort={sort}")

    assert (status, list(said["errors"])) == (422, ["sort"])


def test_a_number_beyond_all_is_a_fault_of_its_term(cast: Cast) -> None:
    status, said = call(signed_in("alice"), "GET", f"/machines/?q=cpus>{'9' * 400}")

    assert (status, len(said["faults"])) == (200, 1)


def test_a_tenant_that_is_not_there_is_granted_nothing_and_has_no_price(staff: Staff) -> None:
    petra, nobody = signed_in("petra"), "3a030ec2-74d2-475a-b616-67b56095274a"
    offer = {"site": str(staff.site.id), "tenant": nobody}
    price = {"tenant": nobody, "currency": "EUR", "vm_migrated_price": "49.00"}

    assert call(petra, "POST", "/offers/", offer)[0] == 404
    assert call(petra, "POST", "/prices/", price)[0] == 404
