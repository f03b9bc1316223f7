"""What the pages can ask of a group, the API can; and the lists are narrowed as the pages' are."""

from typing import Any

import pytest
from django.test import Client

from migrations_app.domain.lifecycle import Desired
from migrations_app.models import MigrationGroup
from migrations_app.services import cutover_request
from portal.lib.tenancy import tenant_context
from tests.cast import NOON, Cast, group_of, plan_of
from tests.functional.pages import signed_in
from tests.staff import staff_create

pytestmark = pytest.mark.django_db
GROUPS = "/api/v1/groups/"
JSON = "application/json"


@pytest.fixture
def group(cast: Cast) -> MigrationGroup:
    """Acme's group of db01, ready for its cut-over."""
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        group.units.update(phase="ready", ready_at=NOON)
        MigrationGroup.objects.filter(id=group.id).update(desired=Desired.SYNC)
    return group


def now_of(group: MigrationGroup) -> MigrationGroup:
    """Return the group as it is now."""
    with tenant_context(group.tenant_id):
        return MigrationGroup.objects.get(id=group.id)


def put(client: Client, group: MigrationGroup, body: dict[str, Any]) -> Any:
    """Return the answer to a change of the limits."""
    return client.put(f"{GROUPS}{group.id}/budget/", body, content_type=JSON)


def names(client: Client, asked: str = "", at: str = GROUPS) -> list[str]:
    """Return the names of the groups that are listed."""
    return [row["name"] for row in client.get(f"{at}{asked}").json()["results"]]


def test_a_scheduled_cutover_is_taken_back(cast: Cast, group: MigrationGroup) -> None:
    with tenant_context(group.tenant_id):
        cutover_request(group=group, at=NOON, actor=cast.alice, now=NOON)

    answer = signed_in("alice").post(f"{GROUPS}{group.id}/withdraw/")

    assert answer.json()["desired"] == "sync"
    assert now_of(group).cutover_at is None


def test_what_was_not_scheduled_is_not_taken_back(group: MigrationGroup) -> None:
    answer = signed_in("alice").post(f"{GROUPS}{group.id}/withdraw/")

    assert (answer.status_code, answer.json()["code"]) == (409, "cutover_not_ready")


def test_a_viewer_takes_nothing_back(group: MigrationGroup) -> None:
    assert signed_in("bob").post(f"{GROUPS}{group.id}/withdraw/").status_code == 403


def test_the_limits_are_changed_under_way(group: MigrationGroup) -> None:
    answer = put(signed_in("alice"), group, {"cutover_budget_bytes": 1 << 30, "rate_limit": 1 << 20})

    assert answer.status_code == 200
    assert (now_of(group).cutover_budget_bytes, now_of(group).rate_limit) == (1 << 30, 1 << 20)


def test_a_limit_that_is_not_named_stays(group: MigrationGroup) -> None:
    before = group.cutover_budget_bytes

    put(signed_in("alice"), group, {"rate_limit": 5})

    assert (now_of(group).cutover_budget_bytes, now_of(group).rate_limit) == (before, 5)


@pytest.mark.parametrize(
    "wrong",
    [{"rate_limit": -1}, {"rate_limit": "fast"}, {"cutover_budget_bytes": 2**63}, {"rate_limit": None}],
)
def test_a_limit_that_is_none_is_refused(group: MigrationGroup, wrong: dict[str, Any]) -> None:
    answer = put(signed_in("alice"), group, wrong)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert now_of(group).rate_limit == group.rate_limit


CLOSED = [("commit", "committed"), ("roll_back", "rolled_back"), ("cut_over", "rolled_back")]


@pytest.mark.parametrize(("desired", "phase"), CLOSED)
@pytest.mark.parametrize("ask", ["pause", "resume", "budget"])
def test_in_a_group_that_is_closed_nothing_is_held_or_limited(
    group: MigrationGroup, ask: str, desired: str, phase: str
) -> None:
    with tenant_context(group.tenant_id):
        group.units.update(phase=phase, committed_at=NOON if phase == "committed" else None)
        MigrationGroup.objects.filter(id=group.id).update(desired=desired)
    alice = signed_in("alice")

    answer = (
        put(alice, group, {"rate_limit": 5}) if ask == "budget" else alice.post(f"{GROUPS}{group.id}/{ask}/")
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "group_closed")
    assert (now_of(group).paused, now_of(group).rate_limit) == (False, 0)


@pytest.mark.parametrize("ask", ["pause", "resume"])
def test_a_draft_is_not_paused(cast: Cast, ask: str) -> None:
    draft = group_of(cast.acme, cast.alice)

    answer = signed_in("alice").post(f"{GROUPS}{draft.id}/{ask}/")

    assert (answer.status_code, answer.json()["code"]) == (409, "group_not_started")
    assert not now_of(draft).paused


def test_changed_limits_are_looked_at_at_once(group: MigrationGroup) -> None:
    put(signed_in("alice"), group, {"rate_limit": 5})

    assert now_of(group).wake_at is not None


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("", ["Second wave", "First wave"]),
        ("?q=first", ["First wave"]),
        ("?q=nothing", []),
        ("?phase=ready", ["First wave"]),
        ("?phase=planned", ["Second wave"]),
        ("?open=true", ["Second wave", "First wave"]),
        ("?open=false", []),
        ("?sort=name", ["First wave", "Second wave"]),
    ],
)
def test_the_list_is_narrowed(cast: Cast, group: MigrationGroup, asked: str, found: list[str]) -> None:
    second = group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, "web01", name="Second wave"))
    with tenant_context(group.tenant_id):
        MigrationGroup.objects.filter(id=second.id).update(created_at=NOON.replace(hour=13))

    assert names(signed_in("alice"), asked) == found


@pytest.mark.parametrize("asked", ["?phase=lost", "?open=perhaps", "?sort=tenant__name", f"?q={'x' * 101}"])
def test_a_list_that_cannot_be_narrowed_so_says_why(cast: Cast, asked: str) -> None:
    answer = signed_in("alice").get(f"{GROUPS}{asked}")

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")


def test_the_provider_lists_the_groups_of_all_tenants(cast: Cast, group: MigrationGroup) -> None:
    staff_create()
    group_of(cast.globex, cast.charlie, plan=plan_of(cast.globex, "app01", name="Globex wave"))

    found = names(signed_in("petra"), "?sort=name", at="/api/v1/provider/groups/")

    assert found == ["First wave", "Globex wave"]


def test_to_a_tenant_the_provider_s_list_is_not_there(cast: Cast, group: MigrationGroup) -> None:
    assert signed_in("alice").get("/api/v1/provider/groups/").status_code == 404
