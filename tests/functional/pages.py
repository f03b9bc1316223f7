"""People at the pages, without a browser."""

import re
from html import unescape
from typing import Any

from django.test import Client

from tenants.models import Person

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
_TAGS = re.compile(r"<[^>]+>")


def signed_in(name: str) -> Client:
    """Return a client with this person of the cast signed in."""
    client = Client()
    client.force_login(Person.objects.get(email=f"{name}@example.test"), backend=BACKEND)
    return client


def text(answer: Any) -> str:
    """Return what the page says in its main part, in one line."""
    main = answer.content.decode().partition("<main")[2]
    return " ".join(unescape(_TAGS.sub(" ", main)).split())
