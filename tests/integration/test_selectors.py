"""What pages and API read of groups: typed rows, in a number of queries that does not grow."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from agents.domain.protocol import Failure, Step
from agents.models import Command
from migrations_app.domain.lifecycle import Condition, Phase
from migrations_app.domain.standing import Ask, Standing
from migrations_app.models import MigrationGroup, MigrationUnit
from migrations_app.selectors import (
    GroupDetail,
    GroupFilter,
    board,
    group_detail,
    groups_page,
    unit_commands,
    unit_history,
    unit_of_group,
)
from migrations_app.services import PlannedTier, group_start
from portal.lib.tenancy import provider_context, tenant_context
from tests.cast import GIB, NOON, Cast, group_of, plan_of
from tests.journey import Journey
from tests.scripted_agent import failing
from tests.sessions import committed

pytestmark = committed


def started(cast: Cast, *names: str) -> Journey:
    """Return a group of Alice's that has been started."""
    group = group_of(cast.acme, cast.alice, *names)
    with tenant_context(group.tenant_id):
        group_start(group=group, actor=cast.alice, now=NOON)
    return Journey(cast.acme, group)


def detail(journey: Journey) -> GroupDetail:
    """Return the page of the group."""
    with tenant_context(journey.group.tenant_id):
        return group_detail(MigrationGroup.objects.get(id=journey.group.id))


def told(journey: Journey, step: Step, progress: Mapping[str, object]) -> None:
    """Let the agent say how far it is with its open command."""
    with tenant_context(journey.group.tenant_id):
        Command.objects.filter(step=step).update(progress=dict(progress), progress_at=journey.now)


def queries(read: Callable[[], object]) -> int:
    """Return how many queries `read` makes."""
    with CaptureQueriesContext(connection) as captured:
        read()
    return len(captured)


def test_a_list_shows_where_every_group_stands(cast: Cast) -> None:
    journey = started(cast)
    group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, "web01", name="Second wave"))
    journey.travel(8)

    with tenant_context(cast.acme.tenant.id):
        page = groups_page(MigrationGroup.objects.visible_to(cast.alice), of=GroupFilter(sort="name"))
    assert [(row.name, row.standing, row.machines) for row in page.rows] == [
        ("First wave", Standing.READY, 1),
        ("Second wave", Standing.DRAFT, 1),
    ]


def test_a_stranger_s_list_is_empty(cast: Cast) -> None:
    started(cast)

    with tenant_context(cast.globex.tenant.id):
        page = groups_page(MigrationGroup.objects.visible_to(cast.charlie), of=GroupFilter())
    assert (page.rows, page.count) == ((), 0)


def test_the_provider_sees_the_groups_of_all_tenants_with_their_names(cast: Cast) -> None:
    group_of(cast.acme, cast.alice)
    group_of(cast.globex, cast.charlie)

    with provider_context():
        page = groups_page(MigrationGroup.objects.all(), of=GroupFilter())
    assert sorted(row.tenant_name for row in page.rows) == ["Acme", "Globex"]


@pytest.mark.parametrize(
    ("of", "found"),
    [
        (GroupFilter(text="first"), 1),
        (GroupFilter(text="third"), 0),
        (GroupFilter(phase=Phase.PLANNED), 1),
        (GroupFilter(phase=Phase.READY), 0),
        (GroupFilter(is_open=True), 1),
        (GroupFilter(is_open=False), 0),
    ],
)
def test_a_list_can_be_narrowed(cast: Cast, of: GroupFilter, found: int) -> None:
    group_of(cast.acme, cast.alice)

    with tenant_context(cast.acme.tenant.id):
        assert groups_page(MigrationGroup.objects.visible_to(cast.alice), of=of).count == found


def test_the_board_has_every_place_and_each_group_in_one(cast: Cast) -> None:
    group_of(cast.acme, cast.alice)

    with tenant_context(cast.acme.tenant.id):
        places, count = board(MigrationGroup.objects.visible_to(cast.alice), of=GroupFilter())
    assert {standing for standing, rows in places.items() if rows} == {Standing.DRAFT}
    assert (set(places), count) == (set(Standing), 1)


def test_the_page_of_a_group_shows_the_round_under_way(cast: Cast) -> None:
    journey = started(cast)
    journey.travel(3)
    journey.reconcile()
    carried = {"planned": GIB, "content": GIB // 2, "wire": GIB // 4}
    told(journey, Step.SYNC, {**carried, "rate": GIB / 64, "connections": 4})

    (unit,) = detail(journey).units

    assert unit.live is not None
    assert (unit.live.fraction, unit.live.left_s, unit.live.connections) == (0.5, 32.0, 4)
    assert unit.remaining_bytes == GIB // 2
    assert unit.progress == 0.5


def test_progress_that_cannot_be_read_is_no_progress(cast: Cast) -> None:
    journey = started(cast)
    journey.travel(3)
    journey.reconcile()
    told(journey, Step.SYNC, {"planned": "a lot"})

    (unit,) = detail(journey).units

    assert unit.live is not None
    assert (unit.live.fraction, unit.live.left_s) == (0.0, None)


def test_the_page_of_a_group_shows_its_rounds_and_what_they_left(cast: Cast) -> None:
    journey = started(cast)
    journey.travel(8)

    (unit,) = detail(journey).units

    assert [(ended.number, ended.content, ended.rate) for ended in unit.rounds] == [(1, 1000, 500.0)]
    assert (unit.remaining_bytes, unit.wire_bytes, unit.phase) == (0, 500, Phase.READY)


def test_conditions_come_with_words_and_since_when(cast: Cast) -> None:
    journey = started(cast)
    with tenant_context(journey.group.tenant_id):
        journey.group.units.update(conditions={"destination_unknown": NOON.isoformat()})

    (unit,) = detail(journey).units

    (condition,) = unit.conditions
    assert (condition.code, condition.since) == (Condition.DESTINATION_UNKNOWN, NOON)
    assert condition.for_a_person
    assert "two could write" in condition.text


def test_a_failed_unit_says_why_and_may_be_retried(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        group_start(group=group, actor=cast.alice, now=NOON)
    journey = Journey(cast.acme, group, script=failing(Step.VALIDATE, Failure.DISKS_DIFFER, retry=False))
    journey.travel(4)

    page = detail(journey)

    assert page.units[0].reason.startswith("validate failed")
    assert page.units[0].may_retry
    assert (page.row.failed, page.row.needs_person) == (1, 1)


def test_the_boot_order_has_every_tier_with_its_machines(cast: Cast) -> None:
    tiers = (PlannedTier(number=1, delay_s=30), PlannedTier(number=3))
    plan = plan_of(cast.acme, "db01", "web01", tiers=tiers, places={"web01": 2})
    group = group_of(cast.acme, cast.alice, plan=plan)

    with tenant_context(group.tenant_id):
        order = group_detail(group).tiers
    assert [(tier.number, tier.delay_s, [unit.name for unit in tier.units]) for tier in order] == [
        (1, 30, ["db01"]),
        (2, 0, ["web01"]),
        (3, 0, []),
    ]


def test_a_draft_may_be_edited_started_and_cancelled(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)

    with tenant_context(group.tenant_id):
        assert group_detail(group).asks == {Ask.EDIT, Ask.START, Ask.CANCEL}


def test_a_ready_group_may_be_cut_over(cast: Cast) -> None:
    journey = started(cast)
    journey.travel(8)

    assert Ask.CUT_OVER in detail(journey).asks


def test_the_history_of_a_unit_has_its_moves_newest_first(cast: Cast) -> None:
    journey = started(cast)
    journey.travel(8)

    with tenant_context(journey.group.tenant_id):
        moves = unit_history(MigrationUnit.objects.get())
    assert [move.to_phase for move in moves] == [Phase.READY, Phase.SYNCING, Phase.VALIDATING]


def test_a_tenant_sees_its_commands_and_not_the_provider_s_agents(cast: Cast) -> None:
    journey = started(cast)
    journey.travel(8)

    with tenant_context(journey.group.tenant_id):
        commands = unit_commands(MigrationUnit.objects.get())
    assert [(command.step, command.phase) for command in commands][-1] == ("validate", "succeeded")
    assert not hasattr(commands[0], "body")


def test_a_unit_is_found_in_its_own_group_only(cast: Cast) -> None:
    first = group_of(cast.acme, cast.alice)
    second = group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, "web01", name="Second wave"))
    with tenant_context(first.tenant_id):
        unit = first.units.get()

        assert unit_of_group(first, unit.id) == unit
        assert unit_of_group(second, unit.id) is None


def test_a_list_makes_the_same_number_of_queries_however_long(cast: Cast) -> None:
    group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, "a0", name="a0"))

    def read() -> None:
        groups_page(MigrationGroup.objects.visible_to(cast.alice), of=GroupFilter())

    with tenant_context(cast.acme.tenant.id):
        few = queries(read)
    for number in range(1, 6):
        group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, f"a{number}", name=f"a{number}"))
    with tenant_context(cast.acme.tenant.id):
        assert queries(read) == few


def test_a_page_makes_the_same_number_of_queries_however_many_machines(cast: Cast) -> None:
    small = group_of(cast.acme, cast.alice, "a1")
    names = [f"b{number}" for number in range(12)]
    large = group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, *names, name="Large"))

    with tenant_context(cast.acme.tenant.id):
        groups = {group.id: group for group in MigrationGroup.objects.select_related("offer", "tenant")}
        few = queries(lambda: group_detail(groups[small.id]))
        assert queries(lambda: group_detail(groups[large.id])) == few


def test_the_time_that_a_machine_did_not_run_is_told(cast: Cast) -> None:
    journey = started(cast)
    with tenant_context(journey.group.tenant_id):
        journey.group.units.update(frozen_at=NOON, started_at=NOON + timedelta(seconds=3))

    assert detail(journey).units[0].paused_s == 3.0
