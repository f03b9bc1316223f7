"""A tenant that is suspended begins nothing new, and one that is closed reads and exports."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.db import DatabaseError, transaction

from agents.domain.agent import AgentState
from agents.models import Agent, Enrolment, Site
from agents.services import agent_enrol, enrolment_create, site_create
from migrations_app.domain.lifecycle import Desired, Phase
from migrations_app.models import MigrationGroup, MigrationUnit
from migrations_app.services import (
    ConfirmationWrong,
    TenantBusy,
    commit_request,
    cutover_request,
    group_start,
    rollback_request,
    tenant_close,
)
from portal.lib.tenancy import provider_context, tenant_context
from tenants.domain.roles import RightMissing
from tenants.domain.standing import TenantStanding, TenantSuspended
from tenants.models import StandingChange, Tenant
from tenants.selectors import belongings_of
from tenants.services import ReasonMissing, StandingUnfit, tenant_resume, tenant_suspend
from tests.cast import NOON, Cast, group_of, plan_of
from tests.integration.gateway.callers import newcomer
from tests.journey import Journey
from tests.policies import frank_of, petra_of
from tests.sessions import committed
from tests.staff import Staff, staff_create

pytestmark = pytest.mark.django_db
WHY = "The invoice of May is open"
KEY = Ed25519PrivateKey.generate()


@pytest.fixture
def staff(cast: Cast) -> Staff:
    """Petra and Frank."""
    return staff_create()


def suspend(cast: Cast, staff: Staff) -> None:
    """Let Petra suspend Acme."""
    tenant_suspend(actor=petra_of(staff), tenant_id=cast.acme.tenant.id, reason=WHY, now=NOON)


def close(cast: Cast, staff: Staff, name: str = "Acme") -> Tenant:
    """Let Petra close Acme."""
    asked: dict[str, Any] = {"confirmation": name, "reason": "The contract has ended", "now": NOON}
    return tenant_close(actor=petra_of(staff), tenant_id=cast.acme.tenant.id, **asked)


NEW_WORK: dict[str, Callable[[Cast, MigrationGroup], object]] = {
    "a site": lambda cast, group: site_create(actor=cast.alice, name="Third"),
    "a key": lambda cast, group: enrolment_create(site=cast.acme.site, actor=cast.alice, now=NOON),
    "a plan": lambda cast, group: group_of(cast.acme, cast.alice, plan=plan_of(cast.acme, "b", name="B")),
    "a start": lambda cast, group: group_start(group=group, actor=cast.alice, now=NOON),
}


@pytest.mark.parametrize("act", NEW_WORK.values(), ids=NEW_WORK.keys())
def test_the_suspended_begin_nothing_new(
    cast: Cast, staff: Staff, act: Callable[[Cast, MigrationGroup], object]
) -> None:
    group = group_of(cast.acme, cast.alice)
    suspend(cast, staff)

    with tenant_context(group.tenant_id), pytest.raises(TenantSuspended, match=f"{WHY}\\."):
        act(cast, group)


def test_a_key_from_before_lets_nobody_in_while_suspended(cast: Cast, staff: Staff) -> None:
    with tenant_context(cast.acme.tenant.id):
        _, token = enrolment_create(site=cast.acme.site, actor=cast.alice, now=NOON)
    suspend(cast, staff)

    with pytest.raises(TenantSuspended):
        agent_enrol(token=token, newcomer=newcomer(KEY), now=NOON)


@committed
def test_what_runs_goes_on_to_its_commit_while_suspended(cast: Cast) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        group_start(group=group, actor=cast.alice, now=NOON)
    journey = Journey(cast.acme, group)
    suspend(cast, staff_create())

    journey.travel(10)
    with tenant_context(group.tenant_id):
        cutover_request(group=group, at=journey.now, actor=cast.alice, now=journey.now)
    journey.travel()
    with tenant_context(group.tenant_id):
        commit_request(group=group, actor=cast.alice, now=journey.now)
    journey.travel(6)

    assert journey.phase == Phase.COMMITTED


def test_who_is_suspended_may_still_go_back(cast: Cast, staff: Staff) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        group_start(group=group, actor=cast.alice, now=NOON)
    suspend(cast, staff)

    with tenant_context(group.tenant_id):
        rollback_request(group=group, actor=cast.alice, now=NOON)
        group.refresh_from_db()

    assert group.desired == Desired.ROLL_BACK


def test_the_resumed_work_again(cast: Cast, staff: Staff) -> None:
    suspend(cast, staff)
    tenant_resume(actor=petra_of(staff), tenant_id=cast.acme.tenant.id, reason="It is paid.", now=NOON)

    with tenant_context(cast.acme.tenant.id):
        assert site_create(actor=cast.alice, name="Third").name == "Third"
        changes = list(
            StandingChange.objects.order_by("at", "to_standing").values_list("to_standing", "reason")
        )
    assert sorted(changes) == [("active", "It is paid."), ("suspended", WHY)]


def test_people_learn_how_their_organisation_stands_with_who_they_are(cast: Cast, staff: Staff) -> None:
    suspend(cast, staff)

    (belonging,) = belongings_of(cast.bob.user_id)

    assert (belonging.stand.standing, belonging.stand.reason) == (TenantStanding.SUSPENDED, f"{WHY}.")


@pytest.mark.parametrize("reason", ["", "  ", "a\nb", "x" * 501])
def test_a_reason_that_nobody_can_read_is_none(cast: Cast, staff: Staff, reason: str) -> None:
    with pytest.raises(ReasonMissing):
        tenant_suspend(actor=petra_of(staff), tenant_id=cast.acme.tenant.id, reason=reason, now=NOON)


def test_only_from_where_it_stands(cast: Cast, staff: Staff) -> None:
    suspend(cast, staff)

    with pytest.raises(StandingUnfit, match="It is suspended"):
        suspend(cast, staff)


def test_neither_the_books_nor_the_provider_itself(cast: Cast, staff: Staff) -> None:
    asked: dict[str, Any] = {"reason": WHY, "now": NOON}

    with pytest.raises(RightMissing):
        tenant_suspend(actor=frank_of(staff), tenant_id=cast.acme.tenant.id, **asked)
    with pytest.raises(Tenant.DoesNotExist):
        tenant_suspend(actor=petra_of(staff), tenant_id=staff.tenant_id, **asked)


def test_how_a_tenant_stood_is_kept_for_good(cast: Cast, staff: Staff) -> None:
    suspend(cast, staff)

    with (
        tenant_context(cast.acme.tenant.id),
        pytest.raises(DatabaseError, match=r"permission denied|never changed"),
        transaction.atomic(),
    ):
        StandingChange.objects.update(reason="another")


def test_who_is_closed_has_no_agent_and_no_key_left(cast: Cast, staff: Staff) -> None:
    with tenant_context(cast.acme.tenant.id):
        enrolment_create(site=cast.acme.site, actor=cast.alice, now=NOON)

    closed = close(cast, staff)

    assert closed.standing == TenantStanding.CLOSED
    with tenant_context(cast.acme.tenant.id):
        assert set(Agent.objects.values_list("state", flat=True)) == {AgentState.REVOKED}
        assert set(Enrolment.objects.values_list("revoked_at", flat=True)) == {NOON}
        assert set(Site.objects.values_list("connector", flat=True)) == {None}


def test_nobody_else_s_agents_are_put_out(cast: Cast, staff: Staff) -> None:
    close(cast, staff)

    with tenant_context(cast.globex.tenant.id):
        assert set(Agent.objects.values_list("state", flat=True)) == {AgentState.ENROLLED}


@pytest.mark.parametrize("phase", [Phase.PLANNED, Phase.SYNCING, Phase.FAILED, Phase.AWAITING_COMMIT])
def test_nobody_is_closed_while_machines_are_under_way(cast: Cast, staff: Staff, phase: Phase) -> None:
    group = group_of(cast.acme, cast.alice)
    with tenant_context(group.tenant_id):
        group_start(group=group, actor=cast.alice, now=NOON)
        MigrationUnit.objects.update(phase=phase)

    with pytest.raises(TenantBusy, match="Machines under way: 1"):
        close(cast, staff)


def test_a_plan_that_never_started_is_no_obstacle(cast: Cast, staff: Staff) -> None:
    group_of(cast.acme, cast.alice)

    assert close(cast, staff).standing == TenantStanding.CLOSED


def test_it_is_closed_by_its_typed_name_and_for_good(cast: Cast, staff: Staff) -> None:
    with pytest.raises(ConfirmationWrong):
        close(cast, staff, "Acne")
    close(cast, staff)

    with pytest.raises(StandingUnfit):
        tenant_resume(actor=petra_of(staff), tenant_id=cast.acme.tenant.id, reason="Sorry.", now=NOON)
    with provider_context():
        assert Tenant.objects.get(id=cast.globex.tenant.id).standing == TenantStanding.ACTIVE
