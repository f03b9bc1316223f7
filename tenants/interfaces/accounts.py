"""How people come in: sign-up is closed, tries are counted, and a device that let somebody in is known."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from axes.helpers import get_cool_off
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from tenants.interfaces.addresses import NOWHERE, client_address
from tenants.interfaces.devices import device_of, device_remember
from tenants.interfaces.guessing import ACCOUNT, DEVICE, PERSON, Limit, forget, refund, spend
from tenants.interfaces.sessions import sessions_sweep

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
        """Return the client's address; a Unix socket has none."""
        return client_address(request) or NOWHERE

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count a try before the password is looked at. Raises ValidationError when there were too many."""
        self._counted = limit_of(request, account_named(request, credentials))
        if not spend(*self._counted):
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Return the person with these credentials or None; the right password costs no try."""
        person = super().authenticate(request, **credentials)
        limit, of = self._counted
        if person is not None:
            # A stranger's success must not begin an account's count anew: somebody else may be guessing.
            (refund if limit is ACCOUNT else forget)(limit, of)
        return person

    def post_login(self, request: HttpRequest, user: Any, **more: Any) -> HttpResponse:
        """Return the answer to a whole sign-in, second factor included: from now on the device is known."""
        answer: HttpResponse = super().post_login(request, user, **more)
        device_remember(request, answer, user.email)
        sessions_sweep(timezone.now())
        return answer

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, str]]:
        """Return how a person can confirm that it is them: where there is a second factor, only by that."""
        methods: list[dict[str, str]] = super().get_reauthentication_methods(user)
        return [method for method in methods if method["id"] != "reauthenticate"] or methods


def limit_of(request: HttpRequest, account: str) -> tuple[Limit, str]:
    """Return which count a try of `account` goes to: the session's own, the known device's, or strangers'."""
    if request.user.is_authenticated:
        return PERSON, str(request.user.pk)
    device = device_of(request, account)
    return (DEVICE, device) if device else (ACCOUNT, account)


def has_own_count(request: HttpRequest, credentials: dict[str, Any] | None) -> bool:
    """Return whether the try is not a stranger's, so that django-axes leaves it alone."""
    limit, _ = limit_of(request, account_named(request, credentials))
    return limit is not ACCOUNT


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
    return tried_too_often(request, int(wait.total_seconds()) if wait else 0)


def tried_too_often(request: HttpRequest, seconds: int) -> HttpResponse:
    """Return the page that says how long to wait."""
    page = render(request, "429.html", {"minutes": seconds // 60}, status=429)
    page["Retry-After"] = str(seconds)
    return page
