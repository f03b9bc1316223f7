"""A tenant sees what it may use before it meets a limit."""

import io
import json
import zipfile
from dataclasses import replace

import pytest

from tenants.domain.quota import Limit, Measure
from tenants.services import policy_update, tenant_suspend
from tests.cast import NOON, Cast, machine_of
from tests.functional.pages import signed_in, text
from tests.policies import limited, made, petra_of, terms
from tests.staff import Staff, staff_create


@pytest.fixture
def staff(cast: Cast) -> Staff:
    """Petra and Frank."""
    return staff_create()


def home(cast: Cast, page: str = "") -> str:
    """Return a page of Acme."""
    return f"/t/{cast.acme.tenant.id}/{page}"


def test_who_is_not_limited_is_told_so(cast: Cast) -> None:
    said = text(signed_in("bob").get(home(cast, "quotas/")))

    assert "Your provider has set no limits." in said
    assert "Sites 2" in said


def test_limits_are_bars_with_their_values_in_words(cast: Cast, staff: Staff) -> None:
    limited(staff, cast.acme, sites=4, agents=4)

    answer = signed_in("bob").get(home(cast, "quotas/"))

    said = text(answer)
    assert "Policy For Acme. Ask your provider (sales@nordhaven.test) for more." in said
    assert "Agents At its limit 4 – 4" in said
    assert (
        b'role="meter" aria-label="Sites" aria-valuemin="0" aria-valuemax="4" aria-valuenow="2"'
        in answer.content
    )
    assert b'aria-valuetext="2 used, 4 allowed"' in answer.content


def test_a_tenant_reads_nothing_of_another_s_policy(cast: Cast, staff: Staff) -> None:
    limited(staff, cast.globex, sites=4)
    made(staff, terms("Secret"))

    said = text(signed_in("alice").get(home(cast, "quotas/")))

    assert "For Globex" not in said
    assert "Secret" not in said


def test_home_warns_of_what_is_near(cast: Cast, staff: Staff) -> None:
    policy = limited(staff, cast.acme)
    soft = replace(terms(policy.name), limits={Measure.SITES: Limit(soft=2)})
    policy_update(actor=petra_of(staff), policy_id=policy.id, terms=soft, version=1, now=NOON)

    said = text(signed_in("alice").get(home(cast)))

    assert "Sites: near what you may. 2 used, warns at 2." in said


def test_a_plan_s_form_says_what_is_left(cast: Cast, staff: Staff) -> None:
    machine_of(cast.acme, "db01")
    limited(staff, cast.acme, machines=5, sites=2)

    said = text(signed_in("alice").get(home(cast, "groups/new")))

    assert "What your policy leaves you" in said
    assert "Machines in open groups 0 used, 5 allowed" in said
    assert "Sites" not in said


def test_a_plan_that_is_too_large_is_told_on_its_form(cast: Cast, staff: Staff) -> None:
    machine = machine_of(cast.acme, "db01")
    limited(staff, cast.acme, machines=0)
    form = {"name": "Wave", "offer": str(cast.acme.offer.id), "datastore": "ds-9", "machine": str(machine.id)}

    answer = signed_in("alice").post(home(cast, "groups/new"), form)

    said = text(answer)
    assert "Machines in open groups: 0 used, 0 allowed, and this takes 1." in said
    assert "quota_exceeded" in said
    assert b'value="Wave"' in answer.content


def test_the_api_tells_limits_and_uses_and_refuses_with_numbers(cast: Cast, staff: Staff) -> None:
    limited(staff, cast.acme, sites=2)
    alice = signed_in("alice")

    told = alice.get("/api/v1/quotas/").json()
    refused = alice.post("/api/v1/sites/", {"name": "Third"}, content_type="application/json")

    assert {"measure": "sites", "used": 2, "soft": None, "hard": 2, "level": "full"} in told["uses"]
    problem = refused.json()
    assert (refused.status_code, problem["code"]) == (409, "quota_exceeded")
    assert (problem["measure"], problem["used"], problem["allowed"]) == ("sites", 2, 2)


def test_a_suspended_tenant_reads_why_on_every_page_and_is_refused_in_words(cast: Cast, staff: Staff) -> None:
    tenant_suspend(
        actor=petra_of(staff), tenant_id=cast.acme.tenant.id, reason="The invoice is open", now=NOON
    )
    alice = signed_in("alice")

    shown = text(alice.get(home(cast, "machines/")))
    refused = text(alice.post(home(cast, "sites/"), {"name": "Third"}, follow=True))
    by_call = alice.post("/api/v1/sites/", {"name": "Third"}, content_type="application/json")

    assert "Acme is suspended. The invoice is open. What runs goes on" in shown
    assert "tenant_suspended" in refused
    assert (by_call.status_code, by_call.json()["code"]) == (409, "tenant_suspended")


def test_another_tenant_sees_no_banner(cast: Cast, staff: Staff) -> None:
    tenant_suspend(
        actor=petra_of(staff), tenant_id=cast.acme.tenant.id, reason="The invoice is open", now=NOON
    )

    said = text(signed_in("charlie").get(f"/t/{cast.globex.tenant.id}/"))

    assert "suspended" not in said


@pytest.mark.parametrize("path", ["/t/{}/export.zip", "/api/v1/export.zip"])
def test_owners_take_everything_of_theirs_along(cast: Cast, path: str) -> None:
    answer = signed_in("alice").get(path.format(cast.acme.tenant.id))

    assert answer["Content-Type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(b"".join(answer))) as file:
        sites = [json.loads(line) for line in file.read("site.jsonl").splitlines()]
    assert sorted(site["name"] for site in sites) == ["Acme cloud", "Acme site"]


def test_viewers_take_nothing_along(cast: Cast) -> None:
    assert signed_in("bob").get(home(cast, "export.zip")).status_code == 403
