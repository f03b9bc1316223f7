"""How people come in: sign-up is closed, and a client's address is the one that our own proxy saw."""

from allauth.account.adapter import DefaultAccountAdapter
from django.conf import settings
from django.http import HttpRequest


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
