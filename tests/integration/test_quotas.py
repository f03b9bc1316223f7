"""Limits where the work is: refused with a number, or waited for; also with two requests at once."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.models import Agent, Enrolment, Site
from agents.services import EnrolmentRefused, agent_enrol, enrolment_create, site_create
from migrations_app.domain.lifecycle import Condition, Phase
from migrations_app.models import MigrationGroup, MigrationUnit
from migrations_app.reconcile import group_reconcile
from migrations_app.selectors.usage import used_of, uses_limited, uses_warned
from migrations_app.services import budget_update, group_create, group_start, group_update
from portal.lib.roles import WORKER
from portal.lib.tenancy import tenant_context
from tenants.domain.quota import UNBOUNDED, Level, Limit, Measure, MigrationNotAllowed, QuotaExceeded
from tenants.domain.roles import Role
from tenants.models import Person
from tenants.services import membership_grant, policy_update
from tests.cast import GIB, NOON, Cast, group_of, plan_of
from tests.integration.gateway.callers import newcomer
from tests.journey import Journey
from tests.policies import limited, petra_of, terms
from tests.sessions import at_once, committed, login
from tests.staff import Staff, staff_create

pytestmark = pytest.mark.django_db
KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def staff(cast: Cast) -> Staff:
    """Petra and Frank."""
    return staff_create()


def planned(cast: Cast, *machines: str, name: str = "Wave", rate: int = 0) -> MigrationGroup:
    """Return a group of Acme's that Alice plans."""
    plan = replace(plan_of(cast.acme, *machines, name=name), rate_limit=rate)
    with tenant_context(cast.acme.tenant.id):
        return group_create(actor=cast.alice, plan=plan, now=NOON)


def test_no_more_sites_than_the_policy_has(cast: Cast, staff: Staff) -> None:
    limited(staff, cast.acme, sites=3)

    with tenant_context(cast.acme.tenant.id):
        site_create(actor=cast.alice, name="Third")
        with pytest.raises(QuotaExceeded, match="Sites: 3 used, 3 allowed"):
            site_create(actor=cast.alice, name="Fourth")

        assert Site.objects.count() == 3


def test_another_tenant_s_policy_limits_nobody_else(cast: Cast, staff: Staff) -> None:
    limited(staff, cast.acme, sites=0)

    with tenant_context(cast.globex.tenant.id):
        assert site_create(actor=cast.charlie, name="Third").name == "Third"


def test_an_install_key_takes_the_place_of_the_agent_that_it_lets_in(cast: Cast, staff: Staff) -> None:
    limited(staff, cast.acme, agents=5)

    with tenant_context(cast.acme.tenant.id):
        enrolment_create(site=cast.acme.site, actor=cast.alice, now=NOON)
        with pytest.raises(QuotaExceeded, match="Agents: 5 used, 5 allowed"):
            enrolment_create(site=cast.acme.site, actor=cast.alice, now=NOON)

        later = NOON + timedelta(days=2)
        assert enrolment_create(site=cast.acme.site, actor=cast.alice, now=later)[1]


def test_a_key_of_a_wider_policy_lets_nobody_past_a_narrower_one(cast: Cast, staff: Staff) -> None:
    with tenant_context(cast.acme.tenant.id):
        _, token = enrolment_create(site=cast.acme.site, actor=cast.alice, now=NOON)
    limited(staff, cast.acme, agents=4)

    with pytest.raises(QuotaExceeded, match="The agent was not enrolled"):
        agent_enrol(token=token, newcomer=newcomer(KEY), now=NOON)

    with tenant_context(cast.acme.tenant.id):
        assert Enrolment.objects.get().used_at is None


def test_a_stranger_s_key_is_no_more_known_than_before(cast: Cast, staff: Staff) -> None:
    limited(staff, cast.acme, agents=0)

    with pytest.raises(EnrolmentRefused):
        agent_enrol(token="enr_wrong", newcomer=newcomer(KEY), now=NOON)  # noqa: S106


def test_no_more_people_than_the_policy_has(cast: Cast, staff: Staff) -> None:
    limited(staff, cast.acme, people=2)
    third = Person.objects.create_user("third@example.test")

    with pytest.raises(QuotaExceeded, match="People: 2 used, 2 allowed"):
        membership_grant(tenant=cast.acme.tenant, user_id=third.pk, role=Role.VIEWER)

    changed = membership_grant(tenant=cast.acme.tenant, user_id=cast.bob.user_id, role=Role.OPERATOR)
    assert changed.role == Role.OPERATOR


@pytest.mark.parametrize(
    ("hard", "said"),
    [
        ({"machines": 3}, "Machines in open groups: 2 used, 3 allowed, and this takes 2"),
        ({"bytes": 3 * GIB}, "Size of machines in open groups: 2 GiB used, 3 GiB allowed"),
    ],
)
def test_a_group_that_is_too_large_beside_the_others_is_not_planned(
    cast: Cast, staff: Staff, hard: dict[str, Any], said: str
) -> None:
    planned(cast, "a", "b", name="First")
    limited(staff, cast.acme, **hard)

    with pytest.raises(QuotaExceeded, match=said):
        planned(cast, "c", "d", name="Second")

    with tenant_context(cast.acme.tenant.id):
        assert list(MigrationGroup.objects.values_list("name", flat=True)) == ["First"]


def test_a_group_that_is_planned_anew_counts_once(cast: Cast, staff: Staff) -> None:
    limited(staff, cast.acme, machines=2)
    group = planned(cast, "a", "b")

    with tenant_context(cast.acme.tenant.id):
        plan = plan_of(cast.acme, "a", "c")
        group_update(group=group, actor=cast.alice, plan=plan, now=NOON)
        with pytest.raises(QuotaExceeded):
            group_update(group=group, actor=cast.alice, plan=plan_of(cast.acme, "a", "b", "c"), now=NOON)

        assert set(group.units.values_list("name", flat=True)) == {"a", "c"}


def test_a_closed_group_makes_room(cast: Cast, staff: Staff) -> None:
    limited(staff, cast.acme, machines=1)
    group = planned(cast, "a", name="First")
    with tenant_context(cast.acme.tenant.id):
        group.units.update(phase=Phase.ROLLED_BACK)

    assert planned(cast, "b", name="Second").name == "Second"


@pytest.mark.parametrize(("rate", "fits"), [(60, False), (50, True), (0, False)])
def test_groups_share_the_bandwidth(cast: Cast, staff: Staff, rate: int, fits: bool) -> None:
    limited(staff, cast.acme, bandwidth=100)
    planned(cast, "a", name="First", rate=50)

    refused = () if fits else (QuotaExceeded,)
    made = _made(lambda: planned(cast, "b", name="Second", rate=rate), refused)

    assert made is fits


def _made(act: Callable[[], object], refused: tuple[type[Exception], ...]) -> bool:
    try:
        act()
    except refused:
        return False
    return True


def test_a_group_may_slow_down_and_not_speed_past_the_bandwidth(cast: Cast, staff: Staff) -> None:
    limited(staff, cast.acme, bandwidth=100)
    group = planned(cast, "a", rate=50)

    with tenant_context(cast.acme.tenant.id):
        given: dict[str, Any] = {"group": group, "actor": cast.alice, "cutover_budget_bytes": 1, "now": NOON}
        budget_update(rate_limit=100, **given)
        budget_update(rate_limit=10, **given)
        with pytest.raises(QuotaExceeded, match="Give each group a rate limit that fits"):
            budget_update(rate_limit=0, **given)

        group.refresh_from_db()
    assert group.rate_limit == 10


def test_a_policy_without_migration_lets_nothing_be_planned_or_started(cast: Cast, staff: Staff) -> None:
    group = planned(cast, "a")
    limited(staff, cast.acme, migration=False)

    with pytest.raises(MigrationNotAllowed):
        planned(cast, "b", name="Second")
    with tenant_context(cast.acme.tenant.id), pytest.raises(MigrationNotAllowed):
        group_start(group=group, actor=cast.alice, now=NOON)


def test_a_plan_that_a_narrower_policy_has_no_room_for_is_not_started(cast: Cast, staff: Staff) -> None:
    group = planned(cast, "a", "b")
    limited(staff, cast.acme, machines=1)

    with tenant_context(cast.acme.tenant.id), pytest.raises(QuotaExceeded, match="The group was not started"):
        group_start(group=group, actor=cast.alice, now=NOON)


def test_what_is_used_is_counted_by_measure(cast: Cast, staff: Staff) -> None:
    group = planned(cast, "a", "b", rate=7)
    planned(cast, "c", name="Second")
    with tenant_context(cast.acme.tenant.id):
        group.units.filter(name="a").update(phase=Phase.SYNCING)

        assert used_of(cast.acme.tenant.id) == {
            Measure.MOVING: 1,
            Measure.MACHINES: 3,
            Measure.BYTES: 3 * GIB,
            Measure.BANDWIDTH: UNBOUNDED,
            Measure.SITES: 2,
            Measure.AGENTS: 4,
            Measure.PEOPLE: 2,
        }


def test_who_comes_near_a_soft_limit_is_warned_and_not_refused(cast: Cast, staff: Staff) -> None:
    policy = limited(staff, cast.acme)
    soft = replace(terms(policy.name), limits={Measure.SITES: Limit(soft=2), Measure.AGENTS: Limit(hard=9)})
    policy_update(actor=petra_of(staff), policy_id=policy.id, terms=soft, version=1, now=NOON)

    with tenant_context(cast.acme.tenant.id):
        site_create(actor=cast.alice, name="Third")
        warned = uses_warned(uses_limited(cast.acme.tenant.id))

    assert [(use.measure, use.level) for use in warned] == [(Measure.SITES, Level.NEAR)]


@committed
def test_of_two_at_once_one_gets_the_last_site(cast: Cast) -> None:
    limited(staff_create(), cast.acme, sites=3)

    def make(name: str) -> Callable[[], bool]:
        def made() -> bool:
            with tenant_context(cast.acme.tenant.id):
                return bool(site_create(actor=cast.alice, name=name))

        return lambda: _made(made, (QuotaExceeded,))

    assert sorted(at_once(make("one"), make("two"))) == [False, True]


@committed
def test_of_two_plans_at_once_one_gets_the_last_machines(cast: Cast) -> None:
    limited(staff_create(), cast.acme, machines=3)
    plans = [plan_of(cast.acme, *names, name=names) for names in ("ab", "cd")]

    def plan(at: int) -> Callable[[], bool]:
        def made() -> bool:
            with tenant_context(cast.acme.tenant.id):
                return bool(group_create(actor=cast.alice, plan=plans[at], now=NOON))

        return lambda: _made(made, (QuotaExceeded,))

    assert sorted(at_once(plan(0), plan(1))) == [False, True]


@committed
def test_of_two_groups_at_once_one_gets_the_last_place_and_the_other_waits(cast: Cast) -> None:
    limited(staff_create(), cast.acme, moving=1)
    groups = [group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, name, name=name)) for name in "ab"]
    for group in groups:
        with tenant_context(group.tenant_id):
            group_start(group=group, actor=cast.alice, now=NOON)

    def look(at: int) -> Callable[[], bool]:
        group = groups[at]
        return lambda: group_reconcile(group_id=group.id, tenant_id=group.tenant_id, now=NOON)

    with login(WORKER):
        at_once(look(0), look(1))

    with tenant_context(cast.acme.tenant.id):
        told = sorted((unit.phase, list(unit.conditions)) for unit in MigrationUnit.objects.all())
    assert told == [(Phase.PLANNED, [Condition.OVER_QUOTA]), (Phase.VALIDATING, [])]


@committed
def test_a_group_larger_than_what_moves_at_once_comes_through(cast: Cast) -> None:
    limited(staff_create(), cast.acme, moving=1)
    group = group_of(cast.acme, cast.alice, "a", "b", "c")
    with tenant_context(group.tenant_id):
        group_start(group=group, actor=cast.alice, now=NOON)
    journey, most = Journey(cast.acme, group), []

    def counted() -> None:
        with tenant_context(group.tenant_id):
            most.append(used_of(group.tenant_id)[Measure.MOVING])

    journey.travel(60, before=counted)

    with tenant_context(group.tenant_id):
        assert set(group.units.values_list("phase", flat=True)) == {Phase.READY}
    assert max(most) == 1


def test_an_agent_that_is_put_out_makes_room(cast: Cast, staff: Staff) -> None:
    limited(staff, cast.acme, agents=4)

    with tenant_context(cast.acme.tenant.id):
        Agent.objects.filter(id=cast.acme.source.id).update(state="revoked")
        assert enrolment_create(site=cast.acme.site, actor=cast.alice, now=NOON)[1]
