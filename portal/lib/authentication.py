"""How the API knows who calls."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request


class BrowserSession(SessionAuthentication):
    """The session of somebody who signed in, with Django's token against forged requests.

    The stock class has no challenge, and then Django REST framework says 403 where 401 is meant.
    """

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return "Session"


class BrowserSessionDocumented(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the API's document tells it."""

    target_class = BrowserSession
    name = "session"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the session's cookie."""
        return {"type": "apiKey", "in": "cookie", "name": "landfall_session"}
