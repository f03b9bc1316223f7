"""What a person may change about how they sign in: the password, and nothing that needs a mail."""

import pytest
from django.test import Client

from tenants.models import Person
from tests.cast import Cast
from tests.functional.pages import signed_in, text
from tests.sessions import committed

pytestmark = committed
OLD, NEW = "a long enough secret", "another secret, as long"
CHANGE = "/accounts/password/change/"
MAIL = (
    "email/",
    "password/reset/",
    "password/set/",
    "confirm-email/",
    "reauthenticate/",
    "login/code/confirm/",
)


@pytest.fixture
def secret(cast: Cast) -> None:
    """Alice has the old password."""
    person = Person.objects.get(email="alice@example.test")
    person.set_password(OLD)
    person.save(update_fields=["password"])


def in_by_it() -> Client:
    """Return a client that Alice signed in with the old password."""
    client = Client()
    assert (
        client.post("/accounts/login/", {"login": "alice@example.test", "password": OLD}).status_code == 302
    )
    return client


@pytest.mark.parametrize("door", MAIL)
def test_a_door_that_would_send_a_mail_is_not_there(cast: Cast, door: str) -> None:
    answer = signed_in("alice").post(f"/accounts/{door}", {"email": "charlie@example.test", "action_add": ""})

    assert answer.status_code == 404


def test_a_person_changes_the_password_and_stays_signed_in_here_alone(cast: Cast, secret: None) -> None:
    here, elsewhere = in_by_it(), in_by_it()
    home = f"/t/{cast.acme.tenant.id}/"

    answer = here.post(CHANGE, {"oldpassword": OLD, "password1": NEW, "password2": NEW}, follow=True)

    assert "Password successfully changed." in text(answer)
    assert (here.get(home).status_code, elsewhere.get(home).status_code) == (200, 302)
    assert Person.objects.get(email="alice@example.test").check_password(NEW)


@pytest.mark.parametrize(
    ("old", "new", "again", "said"),
    [
        ("not that one", NEW, NEW, "Please type your current password."),
        (OLD, NEW, NEW + "?", "You must type the same password each time."),
        (OLD, "short", "short", "This password is too short."),
        (OLD, "", "", "This field is required."),
    ],
)
def test_a_password_that_cannot_be_is_refused_at_its_field(
    secret: None, old: str, new: str, again: str, said: str
) -> None:
    answer = in_by_it().post(CHANGE, {"oldpassword": old, "password1": new, "password2": again})

    assert said in text(answer)
    assert Person.objects.get(email="alice@example.test").check_password(OLD)


def test_too_many_tries_are_told_as_a_page(secret: None) -> None:
    client = in_by_it()

    answers = [
        client.post(CHANGE, {"oldpassword": "no", "password1": NEW, "password2": NEW}) for _ in range(6)
    ]

    assert answers[-1].status_code == 429
    assert "Wait some minutes" in text(answers[-1])
