"""Policies: the provider's rows, which a tenant reads of its own alone."""

from dataclasses import replace
from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from portal.lib.tenancy import tenant_context
from tenants.domain.quota import Limit, Measure
from tenants.domain.roles import RightMissing
from tenants.models import Policy, Tenant
from tenants.selectors import quota_of
from tenants.services import (
    PolicyChanged,
    PolicyInvalid,
    PolicyNameTaken,
    PolicyTerms,
    policy_assign,
    policy_create,
    policy_update,
)
from tests.cast import NOON, Cast
from tests.policies import frank_of, limited, made, petra_of, reread, terms
from tests.sessions import at_once, committed
from tests.staff import Staff, staff_create

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(cast: Cast) -> Staff:
    """Petra and Frank."""
    return staff_create()


def test_without_any_policy_nothing_is_limited(cast: Cast) -> None:
    with tenant_context(cast.acme.tenant.id):
        quota = quota_of(cast.acme.tenant.id)

    assert (quota.policy_id, quota.of(Measure.SITES), quota.migration_in) == (None, Limit(), True)


def test_the_default_one_holds_for_whoever_has_none(cast: Cast, staff: Staff) -> None:
    made(staff, terms("Basic", default=True, sites=1))
    limited(staff, cast.acme, sites=7)

    with tenant_context(cast.acme.tenant.id):
        own = quota_of(cast.acme.tenant.id)
    with tenant_context(cast.globex.tenant.id):
        usual = quota_of(cast.globex.tenant.id)

    assert (own.of(Measure.SITES).hard, usual.of(Measure.SITES).hard) == (7, 1)
    assert (own.name, usual.name) == ("For Acme", "Basic")


def test_a_change_holds_at_once(cast: Cast, staff: Staff) -> None:
    policy = limited(staff, cast.acme, sites=7)

    policy_update(
        actor=petra_of(staff), policy_id=policy.id, terms=terms("For Acme", sites=8), version=1, now=NOON
    )

    with tenant_context(cast.acme.tenant.id):
        assert quota_of(cast.acme.tenant.id).of(Measure.SITES).hard == 8


def test_a_tenant_sees_no_row_of_policies_and_none_of_another_s(cast: Cast, staff: Staff) -> None:
    limited(staff, cast.acme, sites=7)

    with tenant_context(cast.globex.tenant.id):
        assert not Policy.objects.exists()
        assert quota_of(cast.acme.tenant.id).policy_id is None


def test_the_provider_s_own_organisation_is_never_limited(cast: Cast, staff: Staff) -> None:
    made(staff, terms("Basic", default=True, sites=0))

    with tenant_context(staff.tenant_id):
        assert quota_of(staff.tenant_id).of(Measure.SITES) == Limit()


def test_who_read_an_older_version_changes_nothing(cast: Cast, staff: Staff) -> None:
    policy = made(staff, terms(sites=1))
    policy_update(actor=petra_of(staff), policy_id=policy.id, terms=terms(sites=2), version=1, now=NOON)

    with pytest.raises(PolicyChanged, match="it is version 2 now"):
        policy_update(actor=petra_of(staff), policy_id=policy.id, terms=terms(sites=3), version=1, now=NOON)

    assert reread(policy).sites_hard == 2


def test_another_default_one_takes_the_place_of_the_first(cast: Cast, staff: Staff) -> None:
    first = made(staff, terms("First", default=True))

    second = made(staff, terms("Second", default=True))

    assert (reread(first).is_default, reread(second).is_default) == (False, True)


def test_the_default_one_is_replaced_and_never_just_dropped(cast: Cast, staff: Staff) -> None:
    policy = made(staff, terms(default=True))

    with pytest.raises(PolicyInvalid, match="It is the default one"):
        policy_update(actor=petra_of(staff), policy_id=policy.id, terms=terms(), version=1, now=NOON)


@pytest.mark.parametrize(
    "wanted",
    [
        terms(name=" "),
        terms(name="a\nb"),
        terms(sites=-1),
        replace(terms(), limits={Measure.SITES: Limit(soft=3, hard=2)}),
        replace(terms(), contact="x" * 201),
    ],
)
def test_what_cannot_be_a_policy_is_refused(cast: Cast, staff: Staff, wanted: PolicyTerms) -> None:
    with pytest.raises(PolicyInvalid):
        policy_create(actor=petra_of(staff), terms=wanted, now=NOON)


def test_a_name_is_given_once(cast: Cast, staff: Staff) -> None:
    made(staff, terms())

    with pytest.raises(PolicyNameTaken):
        made(staff, terms())


def test_the_database_itself_refuses_to_warn_above_what_is_allowed(cast: Cast, staff: Staff) -> None:
    policy = made(staff, terms(sites=2))

    with (
        tenant_context(staff.tenant_id),
        pytest.raises(IntegrityError, match="policy_sites_warns_first"),
        transaction.atomic(),
    ):
        Policy.objects.filter(id=policy.id).update(sites_soft=3)


def test_books_are_kept_by_those_who_change_no_policy(cast: Cast, staff: Staff) -> None:
    with pytest.raises(RightMissing):
        policy_create(actor=frank_of(staff), terms=terms(), now=NOON)
    with pytest.raises(RightMissing):
        policy_assign(actor=frank_of(staff), tenant_id=cast.acme.tenant.id, policy_id=None, now=NOON)


def test_what_is_no_policy_or_no_customer_is_not_assigned(cast: Cast, staff: Staff) -> None:
    policy = made(staff, terms())

    with pytest.raises(Policy.DoesNotExist):
        policy_assign(actor=petra_of(staff), tenant_id=cast.acme.tenant.id, policy_id=uuid4(), now=NOON)
    with pytest.raises(Tenant.DoesNotExist):
        policy_assign(actor=petra_of(staff), tenant_id=staff.tenant_id, policy_id=policy.id, now=NOON)


@committed
def test_of_two_changes_at_once_one_is_told_of_the_other(cast: Cast) -> None:
    staff = staff_create()
    policy = made(staff, terms(sites=1))

    def change() -> str:
        try:
            policy_update(
                actor=petra_of(staff), policy_id=policy.id, terms=terms(sites=5), version=1, now=NOON
            )
        except PolicyChanged:
            return "told"
        return "changed"

    assert sorted(at_once(change, change)) == ["changed", "told"]
