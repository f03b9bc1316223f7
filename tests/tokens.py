"""API tokens of the cast, and programs that show them."""

from datetime import datetime, timedelta
from typing import Any

from django.test import Client
from django.utils import timezone

from portal.lib.tenancy import tenant_context
from tenants.domain.roles import Actor, Right
from tenants.models import ApiToken
from tenants.services import TokenMade, token_make

API = "/api/v1/"


def token_for(actor: Actor, *rights: Right, days: int = 30, now: datetime | None = None) -> TokenMade:
    """Return a token of the actor's with `rights`, made now."""
    with tenant_context(actor.tenant_id):
        return token_make(
            actor=actor, name="Nightly", rights=map(str, rights), days=days, now=now or timezone.now()
        )


def token_expired(actor: Actor) -> TokenMade:
    """Return one whose time is over."""
    return token_for(actor, days=7, now=timezone.now() - timedelta(days=8))


def token_kept(made: TokenMade) -> ApiToken:
    """Return the token as it is kept now."""
    with tenant_context(made.token.tenant_id):
        return ApiToken.objects.get(id=made.token.id)


class Program:
    """A program with a token and nothing else: no cookie, no token against forgery."""

    def __init__(self, token: TokenMade | str, **more: str) -> None:
        text = token if isinstance(token, str) else token.text
        self.client = Client(enforce_csrf_checks=True)
        self.headers = {"Authorization": f"Bearer {text}", **more}

    def get(self, path: str) -> Any:
        """Return the answer to a GET of a call."""
        return self.client.get(API + path, headers=self.headers)

    def post(self, path: str, body: object) -> Any:
        """Return the answer to a POST of a call."""
        return self.client.post(API + path, body, content_type="application/json", headers=self.headers)
