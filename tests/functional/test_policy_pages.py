"""The provider's policies and who is near or over them, in the browser and by the API."""

import csv
import io
import json
from typing import Any

import pytest
from django.test import Client

from portal.lib.tenancy import tenant_context
from tenants.domain.quota import GIB, MIB
from tenants.models import Policy, Tenant
from tests.cast import Cast
from tests.functional.pages import signed_in, text
from tests.policies import limited, made, reread, terms
from tests.staff import Staff, staff_create

FORM = {"name": "Gold", "contact": "sales@nordhaven.test", "migration_in": "yes", "sites_soft": "2"}
LIMITS = {"sites_hard": "3", "bytes_hard": "1.5", "bandwidth_hard": "50"}


@pytest.fixture
def staff(cast: Cast) -> Staff:
    """Petra and Frank."""
    return staff_create()


@pytest.fixture
def petra(staff: Staff) -> Client:
    """Petra, who runs the provider."""
    return signed_in("petra")


def call(client: Client, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Return the status and what the API says."""
    content = None if body is None else json.dumps(body)
    answer = client.generic(method, f"/api/v1{path}", content or "", content_type="application/json")
    return answer.status_code, json.loads(answer.content or b"null")


def test_with_no_policy_the_page_says_what_to_do(petra: Client) -> None:
    assert "No policies yet: nothing is limited." in text(petra.get("/provider/policies/"))


def test_a_policy_is_typed_in_the_units_that_people_use(petra: Client) -> None:
    answer = petra.post("/provider/policies/", {**FORM, **LIMITS}, follow=True)

    said = text(answer)
    policy = reread(answer.context["policy"])
    assert "Gold is made." in said
    assert (policy.sites_soft, policy.sites_hard, policy.people_hard) == (2, 3, None)
    assert (policy.bytes_hard, policy.bandwidth_hard) == (3 * GIB // 2, 50 * MIB)
    assert b'value="1.5"' in answer.content


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("sites_hard", "many", "Sites: “many” is no limit."),
        ("sites_hard", "1.5", "Sites: “1.5” is no limit."),
        ("sites_hard", "1", "it would warn only above what is allowed"),
        ("name", "", "A name has between 1 and 200 characters."),
    ],
)
def test_what_is_no_policy_is_told_above_what_was_typed(
    petra: Client, field: str, typed: str, said: str
) -> None:
    answer = petra.post("/provider/policies/", {**FORM, field: typed})

    assert said in text(answer)
    assert b'value="sales@nordhaven.test"' in answer.content


def test_a_form_that_was_overtaken_shows_what_the_other_did(petra: Client, staff: Staff) -> None:
    policy = made(staff, terms(sites=1))
    petra.post(f"/provider/policies/{policy.id}/", {**FORM, "version": "1", "sites_hard": "8"})

    answer = petra.post(f"/provider/policies/{policy.id}/", {**FORM, "version": "1", "sites_hard": "9"})

    assert "it is version 2 now" in text(answer)
    assert b'name="sites_hard" value="8"' in answer.content
    assert reread(policy).sites_hard == 8


def test_a_limit_that_is_shown_rounded_stays_exact(petra: Client, staff: Staff) -> None:
    policy = made(staff, terms(bytes=GIB + 1))
    fields = petra.get(f"/provider/policies/{policy.id}/").context["fields"]
    shown = next(field["hard"] for field in fields if field["name"] == "bytes")

    petra.post(f"/provider/policies/{policy.id}/", {"name": "Gold", "version": "1", "bytes_hard": shown})

    assert (shown, reread(policy).bytes_hard, reread(policy).version) == ("1", GIB + 1, 2)


def test_a_policy_s_page_says_who_has_it(petra: Client, staff: Staff, cast: Cast) -> None:
    own = limited(staff, cast.acme, sites=9)
    usual = made(staff, terms("Basic", default=True))

    assert "1 tenant has it" in text(petra.get(f"/provider/policies/{own.id}/"))
    said = text(petra.get(f"/provider/policies/{usual.id}/"))
    assert "Globex by default" in said
    assert "Acme" not in said


def test_books_see_policies_and_have_no_form(staff: Staff) -> None:
    policy = made(staff, terms(sites=4))

    said = text(signed_in("frank").get(f"/provider/policies/{policy.id}/"))

    assert "4 allowed" in said
    assert "Save the policy" not in said


def test_policies_are_found_by_name_and_exported(petra: Client, staff: Staff) -> None:
    made(staff, terms("Gold", sites=3))
    made(staff, terms("Silver"))

    listed = text(petra.get("/provider/policies/", {"q": "gol"}))
    file = petra.get("/provider/policies/csv", {"q": "gol"}).content.decode()

    assert "1 of 1" in listed
    (row,) = csv.DictReader(io.StringIO(file))
    assert (row["policy"], row["sites_hard"], row["sites_soft"]) == ("Gold", "3", "")


def test_who_is_over_at_or_near_is_told_with_the_numbers(petra: Client, staff: Staff, cast: Cast) -> None:
    limited(staff, cast.acme, sites=1, agents=4)
    limited(staff, cast.globex, sites=2)

    said = text(petra.get("/provider/compliance/"))

    assert "1 tenant is over a limit" in said
    assert "Sites: 2 used, 1 allowed" in said
    assert "Agents: 4 used, 4 allowed" in said
    assert "Over 1 At their limit 1 Near 0" in said


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"level": "over"}, ["Acme"]),
        ({"level": "full"}, ["Globex"]),
        ({"measure": "agents"}, ["Acme"]),
        ({"q": "glob"}, ["Globex"]),
        ({"measure": "people"}, []),
        ({"level": "nonsense"}, ["Acme", "Globex"]),
    ],
)
def test_compliance_is_narrowed_and_its_file_with_it(
    petra: Client, staff: Staff, cast: Cast, asked: dict[str, str], names: list[str]
) -> None:
    limited(staff, cast.acme, sites=1, agents=4)
    limited(staff, cast.globex, sites=2)

    rows = petra.get("/provider/compliance/", asked).context["rows"]
    file = petra.get("/provider/compliance/csv", asked).content.decode()

    assert [row.tenant_name for row in rows] == names
    assert sorted({row["tenant"] for row in csv.DictReader(io.StringIO(file))}) == names


def test_nobody_near_a_limit_is_said_so(petra: Client) -> None:
    assert "Nobody is near a limit." in text(petra.get("/provider/compliance/"))


def test_the_api_makes_changes_and_assigns_policies(petra: Client, cast: Cast) -> None:
    wanted = {"name": "Gold", "limits": {"sites": {"soft": 1, "hard": 2}}}
    status, policy = call(petra, "POST", "/policies/", wanted)
    assert (status, policy["limits"]["sites"], policy["version"]) == (201, {"soft": 1, "hard": 2}, 1)
    path = f"/policies/{policy['id']}/"

    changed = call(petra, "PUT", path, {"name": "Gold", "version": 1})
    late = call(petra, "PUT", path, {"name": "Gold", "version": 1})
    assigned = call(petra, "PUT", f"/tenants/{cast.acme.tenant.id}/policy/", {"policy": policy["id"]})
    told = call(petra, "GET", f"/tenants/{cast.acme.tenant.id}/")[1]

    assert (changed[0], changed[1]["limits"]["sites"]) == (200, {"soft": None, "hard": None})
    assert (late[0], late[1]["code"]) == (409, "policy_changed")
    assert (assigned[0], told["policy"], told["policy_id"]) == (204, "Gold", policy["id"])
    assert call(petra, "GET", path)[1]["version"] == 2
    assert [row["name"] for row in call(petra, "GET", "/policies/")[1]["results"]] == ["Gold"]


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"name": "Gold", "limits": {"sites": {"hard": -1}}},
        {"name": "Gold", "limits": {"sites": {"soft": 2, "hard": 1}}},
        {"name": "Gold", "limits": {"sites": {"hard": 2**63}}},
        {"name": "Gold", "limits": "all"},
    ],
)
def test_the_api_refuses_what_is_no_policy(petra: Client, wrong: object) -> None:
    assert call(petra, "POST", "/policies/", wrong)[0] == 422


def test_the_api_tells_who_is_over(petra: Client, staff: Staff, cast: Cast) -> None:
    limited(staff, cast.acme, sites=1)

    status, told = call(petra, "GET", "/compliance/?level=over&measure=sites&limit=5")

    (row,) = told["results"]
    assert (status, row["tenant_name"], row["level"]) == (200, "Acme", "over")
    assert row["uses"] == [{"measure": "sites", "used": 2, "soft": None, "hard": 1, "level": "over"}]


def test_a_tenant_s_people_find_no_policy_and_nobody_s_compliance(staff: Staff, cast: Cast) -> None:
    policy = limited(staff, cast.acme, sites=1)
    alice = signed_in("alice")

    paths = ["/policies/", f"/policies/{policy.id}/", "/compliance/", f"/tenants/{cast.acme.tenant.id}/"]
    assert [call(alice, "GET", path)[0] for path in paths] == [404] * 4
    with tenant_context(cast.acme.tenant.id):
        assert not Policy.objects.exists()
        assert Tenant.objects.get().policy_id == policy.id
