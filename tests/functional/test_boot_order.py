"""The boot order by the API: tiers, places, and until when it may change."""

from typing import Any
from uuid import uuid4

import pytest

from migrations_app.domain.lifecycle import TierGate
from migrations_app.models import MigrationGroup
from migrations_app.services import PlannedTier
from portal.lib.tenancy import tenant_context
from tests.cast import Cast, group_of, plan_of
from tests.functional.pages import signed_in, text
from tests.functional.test_groups_pages import page_of, travelled
from tests.sessions import committed

pytestmark = committed
JSON = "application/json"


@pytest.fixture
def group(cast: Cast) -> MigrationGroup:
    """Acme's group of db01 and web01, whose first tier has a delay and a gate of its own."""
    tiers = (PlannedTier(1, delay_s=30, gate=TierGate.NONE, gate_limit_s=90),)
    return group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, "db01", "web01", tiers=tiers))


def units_of(group: MigrationGroup) -> dict[str, str]:
    """Return the group's units by their machines' names."""
    with tenant_context(group.tenant_id):
        return {unit.machine.name: str(unit.id) for unit in group.units.select_related("machine")}


def put(
    group: MigrationGroup, tiers: list[dict[str, Any]], places: dict[str, int], who: str = "alice"
) -> Any:
    """Ask for a boot order."""
    units = [{"unit": units_of(group)[name], "tier": tier} for name, tier in places.items()]
    address = f"/api/v1/groups/{group.id}/tiers/"
    return signed_in(who).put(address, {"tiers": tiers, "units": units}, content_type=JSON)


def test_a_machine_is_put_in_a_later_tier_with_a_delay(group: MigrationGroup) -> None:
    answer = put(group, [{"number": 1}, {"number": 2, "delay_s": 45}], {"web01": 2}).json()

    assert {unit["name"]: unit["tier"] for unit in answer["units"]} == {"db01": 1, "web01": 2}
    assert [(tier["number"], tier["delay_s"]) for tier in answer["tiers"]] == [(1, 0), (2, 45)]


def test_a_machine_is_never_left_without_its_tier(group: MigrationGroup) -> None:
    answer = put(group, [{"number": 2}], {"web01": 2})

    assert answer.status_code == 422
    assert "A machine stands in a boot tier that is not there." in answer.content.decode()


def test_a_machine_that_is_not_the_group_s_is_refused(group: MigrationGroup) -> None:
    asked = {"tiers": [{"number": 1}], "units": [{"unit": str(uuid4()), "tier": 1}]}

    answer = signed_in("alice").put(f"/api/v1/groups/{group.id}/tiers/", asked, content_type=JSON)

    assert (answer.status_code, answer.json()["why"]) == (
        422,
        "It names a machine that is not in this group.",
    )


def test_after_the_cut_over_was_asked_for_the_order_stays(cast: Cast) -> None:
    group = travelled(cast, "db01", "web01", to="awaiting_commit").group

    answer = put(group, [{"number": 1}, {"number": 2}], {"web01": 2})

    assert answer.status_code == 409
    assert "The boot order was not changed." in answer.content.decode()


def test_who_only_views_changes_no_order(group: MigrationGroup) -> None:
    assert put(group, [{"number": 1}], {}, who="bob").status_code == 403


def test_the_page_keeps_what_it_does_not_ask_about(group: MigrationGroup) -> None:
    signed_in("alice").post(page_of(group, "order"), {f"tier-{units_of(group)['web01']}": "2"})

    with tenant_context(group.tenant_id):
        first = group.tiers.get(number=1)
    assert (first.delay_s, first.gate, first.gate_limit_s) == (30, TierGate.NONE, 90)


def page_order(group: MigrationGroup, **typed: str) -> dict[str, int]:
    """Send the form of the group's page; return where each machine stands then."""
    signed_in("alice").post(page_of(group, "order"), typed)
    with tenant_context(group.tenant_id):
        return dict(group.units.values_list("name", "tier"))


@pytest.mark.parametrize(
    ("way", "found"),
    [("down", {"db01": 1, "web01": 2}), ("up", {"db01": 1, "web01": 1}), ("away", {"db01": 1, "web01": 1})],
)
def test_a_button_moves_a_machine_by_one_tier(group: MigrationGroup, way: str, found: dict[str, int]) -> None:
    assert page_order(group, move=f"{units_of(group)['web01']}:{way}") == found


def test_a_button_for_somebody_else_s_machine_moves_nothing(group: MigrationGroup) -> None:
    assert page_order(group, move="00000000-0000-0000-0000-000000000001:down") == {"db01": 1, "web01": 1}


def test_the_page_sets_what_a_tier_waits_for(group: MigrationGroup) -> None:
    page_order(group, **{"delay-1": "20", "gate-1": "running", "limit-1": "120"})

    with tenant_context(group.tenant_id):
        first = group.tiers.get(number=1)
    assert (first.delay_s, first.gate, first.gate_limit_s) == (20, TierGate.RUNNING, 120)


@pytest.mark.parametrize("wrong", ["-1", "99999", "soon", "²", ""])
def test_a_wait_that_is_no_number_of_seconds_changes_nothing(group: MigrationGroup, wrong: str) -> None:
    page_order(group, **{"delay-1": wrong, "gate-1": wrong, "limit-1": wrong})

    with tenant_context(group.tenant_id):
        first = group.tiers.get(number=1)
    assert (first.delay_s, first.gate, first.gate_limit_s) == (30, TierGate.NONE, 90)


@pytest.mark.parametrize(
    ("field", "typed", "why"),
    [
        ("tier-{db01}", "0", "The tier of db01 is a whole number from 1 to 99, and not “0”."),
        ("tier-{db01}", "100", "The tier of db01 is a whole number from 1 to 99, and not “100”."),
        ("tier-{db01}", "x", "The tier of db01 is a whole number from 1 to 99, and not “x”."),
        ("delay-1", "99999", "The delay of tier 1, in seconds, is a whole number from 0 to 3600"),
        ("limit-1", "abc", "The limit of tier 1, in seconds, is a whole number from 1 to 3600"),
        ("gate-1", "zz", "What the next tier waits for is not one of the choices."),
    ],
)
def test_what_the_page_cannot_take_is_told(group: MigrationGroup, field: str, typed: str, why: str) -> None:
    fields = {field.format(**units_of(group)): typed}

    answer = signed_in("alice").post(page_of(group, "order"), fields, follow=True)

    assert why in text(answer)
    assert page_order(group) == {"db01": 1, "web01": 1}
