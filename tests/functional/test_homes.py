"""The homes, the provider's tenants, sign-in, and what is sent with every page."""

import pytest
from django.core import mail
from django.test import Client

from agents.domain.site import SiteState
from agents.models import Offer, Site
from portal.lib.tenancy import tenant_context
from tenants.models import Person
from tenants.services import tenant_create
from tests.cast import Cast
from tests.functional.pages import signed_in, text
from tests.staff import Staff, staff_create

PASSWORD = "a long enough secret"  # noqa: S105  for this test's own database


@pytest.fixture
def staff(cast: Cast) -> Staff:
    """Petra and Frank."""
    return staff_create()


def with_password(email: str) -> Client:
    """Give a person a password; a client that is not signed in yet."""
    person = Person.objects.get(email=email)
    person.set_password(PASSWORD)
    person.save(update_fields=["password"])
    return Client()


def sign_in(client: Client, email: str, password: str) -> int:
    """Return what the sign-in form answers."""
    return client.post("/accounts/login/", {"login": email, "password": password}).status_code


def test_who_signs_in_comes_to_their_own_home(cast: Cast) -> None:
    client = with_password("alice@example.test")

    answer = client.post(
        "/accounts/login/", {"login": "alice@example.test", "password": PASSWORD}, follow=True
    )

    assert answer.redirect_chain[-1][0] == f"/t/{cast.acme.tenant.id}/"


def test_a_wrong_password_says_no_more_than_that(cast: Cast) -> None:
    client = with_password("alice@example.test")

    known = client.post("/accounts/login/", {"login": "alice@example.test", "password": "wrong words"})
    unknown = client.post("/accounts/login/", {"login": "nobody@example.test", "password": "wrong words"})

    assert text(known).replace("alice", "") == text(unknown).replace("nobody", "")


def test_ten_wrong_passwords_lock_the_right_one_out(cast: Cast) -> None:
    client = with_password("alice@example.test")

    wrong = [sign_in(client, "alice@example.test", f"wrong words {at}") for at in range(10)]

    assert wrong[0] == 200
    assert sign_in(client, "alice@example.test", PASSWORD) in (403, 429)


def test_one_account_is_closed_however_it_is_written_and_no_other(cast: Cast) -> None:
    with_password("charlie@example.test")
    with_password("bob@example.test")
    client = Client(REMOTE_ADDR="192.0.2.7")

    for name in ("bob@example.test", "BOB@example.test ", " Bob@Example.Test") * 4:
        sign_in(client, name, "wrong words")
    closed = client.post("/accounts/login/", {"login": "bob@example.test", "password": PASSWORD})

    assert (closed.status_code, closed["Retry-After"]) == (429, "900")
    assert "Wait 15 minutes and try again." in text(closed)
    assert sign_in(Client(REMOTE_ADDR="192.0.2.8"), "bob@example.test", PASSWORD) == 302
    assert sign_in(client, "charlie@example.test", PASSWORD) == 302


def test_nobody_signs_up_by_a_form(cast: Cast) -> None:
    answer = Client().post("/accounts/signup/", {"email": "new@example.test", "password1": PASSWORD})

    assert not Person.objects.filter(email="new@example.test").exists()
    assert "Sign-up is closed" in text(answer)


def test_the_cookies_are_kept_from_scripts_and_other_sites(cast: Cast) -> None:
    client = with_password("alice@example.test")
    sign_in(client, "alice@example.test", PASSWORD)

    session = client.cookies["landfall_session"]

    assert (session["httponly"], session["samesite"]) == (True, "Lax")


def test_signing_out_ends_the_session(cast: Cast) -> None:
    client = signed_in("alice")
    client.post("/accounts/logout/")

    assert client.get(f"/t/{cast.acme.tenant.id}/").status_code == 302


def test_no_page_may_run_what_is_not_ours(cast: Cast) -> None:
    answer = signed_in("alice").get(f"/t/{cast.acme.tenant.id}/")

    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert b" style=" not in answer.content


def test_the_theme_is_drawn_by_the_server(cast: Cast) -> None:
    client = signed_in("alice")
    client.post("/theme", {"theme": "dark"})

    assert b'data-bs-theme="dark"' in client.get(f"/t/{cast.acme.tenant.id}/").content


def test_a_new_tenant_is_told_the_next_step(cast: Cast) -> None:
    fresh = tenant_create(name="Fresh", owner_id=Person.objects.get(email="charlie@example.test").pk)

    assert "Add your first site" in text(signed_in("charlie").get(f"/t/{fresh.id}/"))


def test_what_needs_somebody_comes_first_and_says_where(cast: Cast, staff: Staff) -> None:
    with tenant_context(cast.acme.tenant.id):
        Site.objects.filter(id=cast.acme.site.id).update(state=SiteState.CREDENTIALS_REFUSED)

    said = text(signed_in("petra").get("/provider/"))

    assert "vCenter of Acme site refused the password" in said


def test_a_tenant_is_taken_on_with_an_owner_who_can_sign_in(cast: Cast, staff: Staff) -> None:
    form = {"name": "Zephyr", "owner_name": "Zoe", "owner_email": "zoe@zephyr.test"}

    answer = signed_in("petra").post("/provider/tenants/", form)

    password = answer.context["password"]
    assert sign_in(Client(), "zoe@zephyr.test", password) == 302
    assert mail.outbox == []


def test_an_address_that_is_taken_is_refused(cast: Cast, staff: Staff) -> None:
    form = {"name": "Zephyr", "owner_name": "Alice", "owner_email": "alice@example.test"}

    answer = signed_in("petra").post("/provider/tenants/", form, follow=True)

    assert "Somebody signs in with this e-mail address." in text(answer)


def test_the_provider_grants_its_own_site_as_a_destination(cast: Cast, staff: Staff) -> None:
    tenant = cast.globex.tenant.id

    answer = signed_in("petra").post(
        f"/provider/tenants/{tenant}/offers", {"site": str(staff.site.id)}, follow=True
    )

    assert "Globex may move to Nordhaven FRA 1." in text(answer)
    with tenant_context(tenant):
        assert Offer.objects.filter(site_id=staff.site.id).exists()


def test_the_provider_s_own_organisation_is_granted_nothing(cast: Cast, staff: Staff) -> None:
    asked = {"tenant": str(staff.tenant_id), "site": str(staff.site.id)}

    answer = signed_in("petra").post("/api/v1/offers/", asked, content_type="application/json")

    assert answer.status_code == 404
    with tenant_context(staff.tenant_id):
        assert not Offer.objects.exists()


def test_a_tenant_s_site_is_never_granted(cast: Cast, staff: Staff) -> None:
    tenant = cast.globex.tenant.id

    answer = signed_in("petra").post(f"/provider/tenants/{tenant}/offers", {"site": str(cast.acme.site.id)})

    assert answer.status_code == 404
