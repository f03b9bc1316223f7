"""How people come in: sign-up is closed, and a client's address is the one that our own proxy saw."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from axes.helpers import get_cool_off
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

ACCOUNT_NAME_MAX = 255  # what a row of django-axes holds


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """People are invited or onboarded; nobody signs up by a form yet."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return False."""
        return False

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Return the way home, where a message says that it was changed."""
        return "/"

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the client's address."""
        return client_address(request)


def client_address(request: HttpRequest) -> str:
    """Return the address that the connection, or behind our proxy its last hop, came from.

    Anybody can write X-Forwarded-For: only the entry that our own proxy added counts, where there is one.
    """
    forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", ""))
    if settings.SECURE_PROXY_SSL_HEADER and forwarded:
        return forwarded.rpartition(",")[2].strip()
    return str(request.META.get("REMOTE_ADDR", ""))


def account_named(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Return the account that a sign-in is about, in one writing: case and spaces make no other of it.

    allauth calls it `email` where the form says `login`.
    """
    given = credentials or {}
    name = given.get("email") or given.get("login") or request.POST.get("login", "")
    return str(name).strip().lower()[:ACCOUNT_NAME_MAX]


def sign_in_closed(
    request: HttpRequest, _answer: HttpResponse | None = None, _credentials: dict[str, Any] | None = None
) -> HttpResponse:
    """Return the page for an account that is closed to this address, with the time until it opens."""
    wait = get_cool_off(request)
    seconds = int(wait.total_seconds()) if wait else 0
    page = render(request, "429.html", {"minutes": seconds // 60}, status=429)
    page["Retry-After"] = str(seconds)
    return page
