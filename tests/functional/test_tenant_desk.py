"""The provider's desk: tenants in a list and one by one, their terms and their standing."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from agents.domain.site import SiteState
from agents.models import Agent, Site
from portal.lib.tenancy import provider_context, tenant_context
from portal.pages.setups import NOTHING_YET, Setup
from tenants.models import Tenant
from tenants.services import tenant_create
from tests.cast import NOON, Cast, group_of
from tests.functional.pages import signed_in, text
from tests.policies import limited, made, terms
from tests.staff import Staff, staff_create

LIST = "/provider/tenants/"


@pytest.fixture
def staff(cast: Cast) -> Staff:
    """Petra and Frank."""
    return staff_create()


@pytest.fixture
def petra(staff: Staff) -> Client:
    """Petra, who runs the provider."""
    return signed_in("petra")


def page(cast: Cast, more: str = "") -> str:
    """Return Acme's page at the provider, or what is below it."""
    return f"{LIST}{cast.acme.tenant.id}/{more}"


def standing_of(cast: Cast) -> str:
    """Return how Acme stands."""
    with provider_context():
        return Tenant.objects.get(id=cast.acme.tenant.id).standing


def names(answer: Any) -> list[str]:
    """Return the tenants that a list shows."""
    return [tenant["name"] for tenant in answer.context["tenants"]]


def suspend(client: Client, cast: Cast) -> Any:
    """Suspend Acme on its page."""
    asked = {"act": "suspend", "reason": "The invoice is open"}
    return client.post(page(cast, "standing"), asked, follow=True)


def test_a_tenant_is_suspended_and_resumed_on_its_page(petra: Client, cast: Cast) -> None:
    said = text(suspend(petra, cast))
    assert "Acme is suspended." in said
    assert "The invoice is open" in said

    resumed = petra.post(page(cast, "standing"), {"act": "resume", "reason": "Paid"}, follow=True)

    assert "Acme is active again." in text(resumed)
    assert standing_of(cast) == "active"


def test_without_a_reason_nothing_changes(petra: Client, cast: Cast) -> None:
    answer = petra.post(page(cast, "standing"), {"act": "suspend"}, follow=True)

    assert "reason_missing" in text(answer)
    assert standing_of(cast) == "active"


def test_a_tenant_is_closed_by_its_typed_name(petra: Client, cast: Cast) -> None:
    asked = {"act": "close", "reason": "The contract has ended", "confirmation": "Acme"}

    said = text(petra.post(page(cast, "standing"), asked, follow=True))

    assert "Acme is closed. Export its data before it is erased." in said
    assert "Close this tenant for good" not in said


def test_the_people_of_a_closed_tenant_read_and_change_nothing(petra: Client, cast: Cast) -> None:
    asked = {"act": "close", "reason": "The contract has ended", "confirmation": "Acme"}
    petra.post(page(cast, "standing"), asked)
    alice, home = signed_in("alice"), f"/t/{cast.acme.tenant.id}/"

    said = text(alice.get(home))
    refused = text(alice.post(f"{home}sites/", {"name": "Third"}, follow=True))
    by_call = alice.post("/api/v1/sites/", {"name": "Third"}, content_type="application/json")

    assert "Acme is closed. The contract has ended." in said
    assert "tenant_closed" in refused
    assert (by_call.status_code, by_call.json()["code"]) == (409, "tenant_closed")
    assert alice.get(f"{home}export.zip").status_code == 200


def test_nothing_is_done_that_nobody_named(petra: Client, cast: Cast) -> None:
    assert petra.post(page(cast, "standing"), {"act": "delete", "reason": "x"}).status_code == 404


def test_a_policy_is_assigned_and_taken_back_on_the_tenant_s_page(
    petra: Client, staff: Staff, cast: Cast
) -> None:
    gold = made(staff, terms("Gold", sites=9))
    made(staff, terms("Basic", default=True, sites=1))

    own = text(petra.post(page(cast, "policy"), {"policy": str(gold.id)}, follow=True))
    usual = text(petra.post(page(cast, "policy"), {"policy": ""}, follow=True))

    assert "Gold, since" in own
    assert "Basic, the default one" in usual
    assert "Sites Over" in usual


def test_many_are_given_a_policy_at_once(petra: Client, staff: Staff, cast: Cast) -> None:
    gold = made(staff, terms("Gold"))
    chosen = [str(cast.acme.tenant.id), str(cast.globex.tenant.id)]

    answer = petra.post(f"{LIST}bulk", {"tenant": chosen, "act": "policy", "policy": str(gold.id)})

    assert "2 tenants changed" in text(answer)
    assert "2 tenants have it" in text(petra.get(f"/provider/policies/{gold.id}/"))


def test_what_is_refused_for_one_is_told_and_done_for_the_others(petra: Client, cast: Cast) -> None:
    suspend(petra, cast)
    chosen = [str(cast.acme.tenant.id), str(cast.globex.tenant.id)]

    answer = petra.post(f"{LIST}bulk", {"tenant": chosen, "act": "suspend", "reason": "Maintenance"})

    said = text(answer)
    assert "1 of 2 tenants stayed as they were" in said
    assert "Acme Not changed It is suspended" in said
    assert "Globex Done It is suspended." in said


@pytest.mark.parametrize("asked", [{}, {"act": "delete"}, {"act": "suspend", "reason": "x"}])
def test_without_a_choice_nothing_is_changed(petra: Client, asked: dict[str, str]) -> None:
    assert "Nothing was changed" in text(petra.post(f"{LIST}bulk", asked, follow=True))


def test_books_change_no_tenant(staff: Staff, cast: Cast) -> None:
    frank = signed_in("frank")

    statuses = [
        frank.post(f"{LIST}bulk", {"tenant": str(cast.acme.tenant.id), "act": "suspend"}).status_code,
        frank.post(page(cast, "policy")).status_code,
        frank.post(page(cast, "standing"), {"act": "suspend", "reason": "x"}).status_code,
        frank.get(page(cast, "export.zip")).status_code,
    ]

    assert statuses == [403] * 4
    assert b'type="checkbox"' not in frank.get(LIST).content


def test_the_provider_s_own_organisation_is_no_tenant_to_change(petra: Client, staff: Staff) -> None:
    asked = {"act": "suspend", "reason": "x", "tenant": str(staff.tenant_id)}

    assert petra.post(f"{LIST}{staff.tenant_id}/standing", asked).status_code == 404
    assert "None of them is a tenant of yours." in text(petra.post(f"{LIST}bulk", asked))


def test_tenants_are_narrowed_by_standing_policy_and_health(petra: Client, staff: Staff, cast: Cast) -> None:
    gold = limited(staff, cast.globex)
    basic = made(staff, terms("Basic", default=True))
    suspend(petra, cast)
    with tenant_context(cast.globex.tenant.id):
        Site.objects.filter(id=cast.globex.site.id).update(state=SiteState.HUNG)
        Agent.objects.update(last_seen_at=timezone.now())
    with tenant_context(cast.acme.tenant.id):
        Agent.objects.update(last_seen_at=timezone.now())

    assert names(petra.get(LIST, {"standing": "suspended"})) == ["Acme"]
    assert names(petra.get(LIST, {"policy": str(gold.id)})) == ["Globex"]
    assert names(petra.get(LIST, {"policy": str(basic.id)})) == ["Acme"]
    assert names(petra.get(LIST, {"health": "trouble"})) == ["Globex"]
    assert names(petra.get(LIST, {"standing": "nonsense", "policy": "x"})) == ["Acme", "Globex"]
    assert "No tenant is like that." in text(petra.get(LIST, {"standing": "closed"}))


def test_the_file_of_tenants_is_what_the_list_was_narrowed_to(petra: Client, cast: Cast) -> None:
    suspend(petra, cast)

    lines = petra.get(f"{LIST}csv", {"standing": "suspended"}).content.decode().splitlines()

    assert len(lines) == 2
    assert ",suspended," in lines[1]


def test_the_list_says_where_a_tenant_s_set_up_stands_and_since_when(
    petra: Client, staff: Staff, cast: Cast
) -> None:
    tenant_create(name="Fresh", owner_id=staff.petra.pk)

    steps = {tenant["name"]: tenant["step"]["name"] for tenant in petra.get(LIST).context["tenants"]}

    assert steps == {"Acme": "vCenter", "Fresh": "Site", "Globex": "vCenter"}
    assert "Set-up waits for vCenter" in text(petra.get(page(cast)))


def test_a_set_up_s_step_is_stuck_since_the_one_before_was_done() -> None:
    taken_on, enrolled, connected = NOON, NOON + timedelta(hours=1), NOON + timedelta(hours=2)

    no_vcenter = Setup(sites=1, agents=1, enrolled_at=enrolled)
    no_group = Setup(sites=1, agents=1, enrolled_at=enrolled, connected=1, connected_at=connected)

    assert NOTHING_YET.step(taken_on) == {"name": "Site", "since": taken_on}
    assert no_vcenter.step(taken_on) == {"name": "vCenter", "since": enrolled}
    assert no_group.step(taken_on) == {"name": "Group", "since": connected}
    assert Setup(committed=True).step(taken_on) is None


def test_a_tenant_s_page_tells_its_people_and_its_month(petra: Client, cast: Cast) -> None:
    group_of(cast.acme, cast.alice)

    said = text(petra.get(page(cast)))

    assert "Moved this month 0 nothing to bill" in said
    assert "alice@example.test" in said
    assert "Active since it was taken on." in said


def test_the_api_suspends_resumes_and_closes(petra: Client, cast: Cast) -> None:
    path = f"/api/v1/tenants/{cast.acme.tenant.id}/"

    def ask(act: str, **body: str) -> tuple[int, Any]:
        answer = petra.post(f"{path}{act}/", body, content_type="application/json")
        return answer.status_code, answer.json()

    assert ask("suspend", reason="Open")[1]["standing"] == "suspended"
    assert ask("suspend", reason="Open")[1]["code"] == "standing_unfit"
    assert ask("resume", reason="Paid")[1]["standing"] == "active"
    assert ask("close", reason="Ended", confirmation="Acne")[1]["code"] == "confirmation_wrong"
    assert ask("close", reason="Ended", confirmation="Acme") == (200, petra.get(path).json())
    assert ask("resume")[0] == 422
