"""Calls about migration groups: who may plan, ask and decide, and what they are told."""

from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from migrations_app.domain.lifecycle import Desired
from migrations_app.models import MigrationGroup
from portal.lib.tenancy import tenant_context
from tests.cast import Cast, group_of, machine_of, plan_of
from tests.functional.pages import signed_in
from tests.sessions import committed

pytestmark = committed
GROUPS = "/api/v1/groups/"
JSON = "application/json"
GIVEN_A_NAME = ("cutover", "commit", "rollback")
PLAIN = ("start", "cancel", "pause", "resume")


@pytest.fixture
def group(cast: Cast) -> MigrationGroup:
    """Acme's group of db01."""
    return group_of(cast.acme, cast.alice)


def plan(cast: Cast, **changes: object) -> dict[str, Any]:
    """Return a plan of db01 as the API takes it."""
    usual = {
        "name": "By the API",
        "offer": str(cast.acme.offer.id),
        "datastore": "ds-9",
        "network_map": {"net-1": "net-9"},
        "machines": [{"machine": str(machine_of(cast.acme, "db01").id)}],
    }
    return {**usual, **changes}


def desired(group: MigrationGroup) -> str:
    """Return what people want of the group now."""
    with tenant_context(group.tenant_id):
        return MigrationGroup.objects.get(id=group.id).desired


def test_a_group_is_planned_and_read_back(cast: Cast) -> None:
    alice = signed_in("alice")

    made = alice.post(GROUPS, plan(cast), content_type=JSON)
    read = alice.get(f"{GROUPS}{made.json()['id']}/").json()

    assert made.status_code == 201
    assert read["name"] == "By the API"
    assert [unit["name"] for unit in read["units"]] == ["db01"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "Wave\n1"},
        {"machines": []},
        {"offer": "no"},
        {"shutdown_policy": "no"},
        {"network_map": {"n" * 100_000: "net-9"}},
    ],
)
def test_a_plan_that_is_wrong_makes_no_group(cast: Cast, wrong: dict[str, object]) -> None:
    answer = signed_in("alice").post(GROUPS, plan(cast, **wrong), content_type=JSON)

    assert answer.status_code == 422
    with tenant_context(cast.acme.tenant.id):
        assert not MigrationGroup.objects.exists()


def test_a_plan_is_replaced_before_the_start(cast: Cast, group: MigrationGroup) -> None:
    answer = signed_in("alice").put(f"{GROUPS}{group.id}/", plan(cast, name="Renamed"), content_type=JSON)

    assert (answer.status_code, answer.json()["name"]) == (200, "Renamed")


def test_the_pre_flight_tells_whoever_may_look_what_would_fail(cast: Cast, group: MigrationGroup) -> None:
    told = signed_in("bob").post(f"{GROUPS}{group.id}/preflight/").json()

    assert told["ok"] is False
    assert all(finding["what"] and finding["remedy"] for finding in told["findings"])


def test_a_start_that_the_pre_flight_blocks_changes_nothing(cast: Cast, group: MigrationGroup) -> None:
    assert signed_in("alice").post(f"{GROUPS}{group.id}/start/").status_code == 409
    assert desired(group) == Desired.HOLD


@pytest.mark.parametrize("ask", [*PLAIN, *GIVEN_A_NAME])
def test_who_only_views_asks_for_nothing(cast: Cast, group: MigrationGroup, ask: str) -> None:
    body = {"confirmation": group.name}

    answer = signed_in("bob").post(f"{GROUPS}{group.id}/{ask}/", body, content_type=JSON)

    assert answer.status_code == 403
    assert desired(group) == Desired.HOLD


@pytest.mark.parametrize("ask", [*PLAIN, *GIVEN_A_NAME])
def test_to_another_tenant_the_group_is_as_one_that_never_was(
    cast: Cast, group: MigrationGroup, ask: str
) -> None:
    charlie, body = signed_in("charlie"), {"confirmation": group.name}

    theirs = charlie.post(f"{GROUPS}{group.id}/{ask}/", body, content_type=JSON)
    never = charlie.post(f"{GROUPS}{uuid4()}/{ask}/", body, content_type=JSON)

    assert theirs.status_code == never.status_code == 404
    assert group.name not in theirs.content.decode()
    assert desired(group) == Desired.HOLD


@pytest.mark.parametrize("ask", GIVEN_A_NAME)
def test_a_decision_without_the_group_s_name_changes_nothing(
    cast: Cast, group: MigrationGroup, ask: str
) -> None:
    answer = signed_in("alice").post(
        f"{GROUPS}{group.id}/{ask}/", {"confirmation": "first"}, content_type=JSON
    )

    assert 400 <= answer.status_code < 500
    assert "not the group's name" in answer.content.decode()
    assert desired(group) == Desired.HOLD


def test_thirty_groups_ask_no_more_of_the_database_than_one(cast: Cast, group: MigrationGroup) -> None:
    alice = signed_in("alice")
    alice.get(GROUPS)  # a session's first request notes where it is from
    with CaptureQueriesContext(connection) as one:
        alice.get(GROUPS)
    for number in range(1, 30):
        group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, f"m-{number}", name=f"Wave {number}"))

    with CaptureQueriesContext(connection) as thirty:
        answer = alice.get(GROUPS)

    assert len(answer.json()["results"]) == 30
    assert len(thirty) == len(one)
