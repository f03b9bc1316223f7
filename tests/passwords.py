"""People of the cast with a password, and second factors, at the doors that lead in."""

import time
from typing import Any

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from tenants.models import Person

PASSWORD = "a long enough secret"  # noqa: S105  for this test's own database
LOGIN = "/accounts/login/"
STEP_S = 30
SLOW_S = 5


def password_give(name: str) -> Person:
    """Return this person of the cast, who has the password from now on."""
    person = Person.objects.get(email=f"{name}@example.test")
    person.set_password(PASSWORD)
    person.save(update_fields=["password"])
    return person


def sign_in(client: Client, name: str, password: str = PASSWORD, **more: Any) -> Any:
    """Return the answer to a sign-in by the form."""
    return client.post(LOGIN, {"login": f"{name}@example.test", "password": password}, **more)


def signed_in_by_password(name: str) -> Client:
    """Return a client with this person signed in by the form."""
    client = Client()
    assert sign_in(client, name).status_code == 302
    return client


def confirm(client: Client, path: str) -> None:
    """Confirm by the password that it is the person, on the way to `path`."""
    client.post("/accounts/security/confirm/", {"password": PASSWORD, "next": path})


def code_now(secret: str) -> str:
    """Return what an authenticator app shows now, and goes on showing for long enough to send it."""
    if (left := STEP_S - time.time() % STEP_S) < SLOW_S:
        time.sleep(left)
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // STEP_S)))


def app_add(client: Client) -> str:
    """Set up an authenticator app as a person does; return its secret."""
    path = "/accounts/security/app/"
    confirm(client, path)
    secret = str(client.get(path).context["form"].secret)
    answer = client.post(path, {"code": code_now(secret)})
    assert answer.status_code == 302, answer.content
    return secret
