"""Organisations and people: made once, with the roles that belong there, by whoever may."""

import pytest
from django.db import connection

from portal.lib.roles import GATEWAY, WORKER
from portal.lib.tenancy import provider_context, tenant_context
from tenants.domain.roles import Role, TenantKind
from tenants.models import Membership, Person, Tenant
from tenants.selectors import actor_for, belongings_of
from tenants.services import (
    PasswordWeak,
    PersonExists,
    RoleMisplaced,
    TenantInvalid,
    membership_grant,
    person_create,
    provider_create,
    tenant_create,
    tenant_onboard,
)
from tests.cast import Cast
from tests.staff import staff_create

pytestmark = pytest.mark.django_db

WORD = "a-long-enough-secret"


def onboard(name: str = "Initech", email: str = "peter@initech.test") -> Tenant:
    """Take a tenant on."""
    return tenant_onboard(name=name, email=email, person_name="Peter", password=WORD)


def tenants() -> set[str]:
    """Return the names of all tenants, as the provider sees them."""
    with provider_context():
        return set(Tenant.objects.values_list("name", flat=True))


def test_a_tenant_is_taken_on_with_its_owner() -> None:
    tenant = onboard()

    owner = Person.objects.get(email="peter@initech.test")
    (belonging,) = belongings_of(owner.pk)
    assert (belonging.tenant_id, belonging.role, belonging.kind) == (
        tenant.id,
        Role.OWNER,
        TenantKind.CUSTOMER,
    )
    assert owner.check_password(WORD)


@pytest.mark.parametrize("name", ["", "   ", "x" * 201])
def test_a_tenant_has_a_name(name: str) -> None:
    with pytest.raises(TenantInvalid, match="between 1 and 200"):
        onboard(name)

    assert not Person.objects.filter(email="peter@initech.test").exists()


@pytest.mark.parametrize("email", ["", "peter", "peter@", "@initech.test", "two@a.test, three@b.test"])
def test_an_owner_can_be_written_to(email: str) -> None:
    with pytest.raises(TenantInvalid, match="no e-mail address"):
        onboard(email=email)

    assert tenants() == set()


@pytest.mark.parametrize("word", ["1234567890", "qwertyuiop", "short", "peter@initech.test"])
def test_a_password_that_others_would_guess_is_refused(word: str) -> None:
    with pytest.raises(PasswordWeak, match="password is too"):
        tenant_onboard(name="Initech", email="peter@initech.test", person_name="Peter", password=word)

    assert tenants() == set()
    assert not Person.objects.exists()


@pytest.mark.parametrize("name", ["Ini\ntech", "Ini\u2066tech", "Ini\x07tech"])
def test_a_name_shows_what_it_is(name: str) -> None:
    with pytest.raises(TenantInvalid, match="cannot be seen"):
        onboard(name)
    with pytest.raises(TenantInvalid, match="cannot be seen"):
        tenant_onboard(name="Initech", email="peter@initech.test", person_name=name, password=WORD)


def test_an_owner_s_address_and_name_have_a_length() -> None:
    long_address = ".".join(["a" * 60] * 5)

    with pytest.raises(TenantInvalid, match="254"):
        onboard(email=f"peter@{long_address}.test")
    with pytest.raises(TenantInvalid, match="200"):
        tenant_onboard(name="Initech", email="peter@initech.test", person_name="x" * 201, password=WORD)


def test_an_address_that_is_taken_makes_no_tenant() -> None:
    onboard()

    with pytest.raises(PersonExists):
        onboard("Initrode", "PETER@initech.test")

    assert tenants() == {"Initech"}


def test_spaces_around_a_name_are_not_part_of_it() -> None:
    assert onboard("  Initech ", " peter@initech.test ").name == "Initech"


def test_an_address_is_one_however_it_is_written() -> None:
    person = person_create(email="Peter@Initech.TEST", name="Peter", password=WORD)

    assert person.email == "peter@initech.test"


def test_there_is_one_provider() -> None:
    first = provider_create(name="Nordhaven", email="petra@example.test", password=WORD)
    again = provider_create(name="Another", email="paul@example.test", password=WORD)

    assert (first, again) == (True, False)
    assert tenants() == {"Nordhaven"}
    assert not Person.objects.filter(email="paul@example.test").exists()


def test_the_provider_may_be_made_for_somebody_who_is_there() -> None:
    person = person_create(email="petra@example.test", name="Petra", password=WORD)

    provider_create(name="Nordhaven", email="petra@example.test", password=WORD + "er")

    assert [belonging.role for belonging in belongings_of(person.pk)] == [Role.PROVIDER_ADMIN]
    person.refresh_from_db()
    assert person.check_password(WORD)


@pytest.mark.parametrize("role", [role for role in Role if role.startswith("provider_")])
def test_a_provider_s_role_is_none_in_a_tenant(cast: Cast, role: Role) -> None:
    with pytest.raises(RoleMisplaced, match="not a role in Acme"):
        membership_grant(tenant=cast.acme.tenant, user_id=cast.charlie.user_id, role=role)

    assert actor_in(cast, cast.charlie.user_id) is None


@pytest.mark.parametrize("role", [role for role in Role if not role.startswith("provider_")])
def test_a_tenant_s_role_is_none_at_the_provider(role: Role) -> None:
    staff = staff_create()
    with tenant_context(staff.tenant_id):
        provider = Tenant.objects.get(id=staff.tenant_id)

    with pytest.raises(RoleMisplaced):
        membership_grant(tenant=provider, user_id=staff.frank.pk, role=role)

    assert [belonging.role for belonging in belongings_of(staff.frank.pk)] == [Role.PROVIDER_FINANCE]


def actor_in(cast: Cast, user_id: int) -> Role | None:
    """Return the person's role in Acme."""
    with tenant_context(cast.acme.tenant.id):
        return actor_for(user_id=user_id, tenant_id=cast.acme.tenant.id).role


def test_a_second_grant_changes_the_role_and_adds_none(cast: Cast) -> None:
    membership_grant(tenant=cast.acme.tenant, user_id=cast.bob.user_id, role=Role.OPERATOR)

    assert actor_in(cast, cast.bob.user_id) is Role.OPERATOR
    with tenant_context(cast.acme.tenant.id):
        assert Membership.objects.filter(user_id=cast.bob.user_id).count() == 1


def test_a_person_may_belong_to_several_organisations(cast: Cast) -> None:
    membership_grant(tenant=cast.globex.tenant, user_id=cast.bob.user_id, role=Role.BILLING)

    found = belongings_of(cast.bob.user_id)

    assert [(belonging.name, belonging.role) for belonging in found] == [
        ("Acme", Role.VIEWER),
        ("Globex", Role.BILLING),
    ]


def test_somebody_without_a_membership_belongs_nowhere() -> None:
    person = person_create(email="nobody@example.test", name="", password=WORD)

    assert belongings_of(person.pk) == []
    assert belongings_of(0) == []


def test_two_tenants_may_have_the_same_name(cast: Cast) -> None:
    again = tenant_create(name="Acme", owner_id=cast.charlie.user_id)

    assert again.id != cast.acme.tenant.id


@pytest.mark.parametrize("role", [WORKER, GATEWAY])
def test_only_the_web_may_ask_where_a_person_belongs(role: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_function_privilege(%s, 'public.memberships_of(bigint)', 'EXECUTE')", [role]
        )
        assert cursor.fetchone() == (False,)
