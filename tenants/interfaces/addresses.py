"""Where a request came from."""

from django.conf import settings
from django.http import HttpRequest

NOWHERE = "0.0.0.0"  # noqa: S104  nothing is bound to it
"""What stands for no address, as a connection by a Unix socket has none."""


def client_address(request: HttpRequest) -> str:
    """Return the address that the connection, or behind our proxy its last hop, came from.

    Anybody can write X-Forwarded-For: only the entry that our own proxy added counts, where there is one.
    """
    forwarded = str(request.META.get("HTTP_X_FORWARDED_FOR", ""))
    if settings.SECURE_PROXY_SSL_HEADER and forwarded:
        return forwarded.rpartition(",")[2].strip()
    return str(request.META.get("REMOTE_ADDR", ""))
