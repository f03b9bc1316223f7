"""How the API knows who calls."""

from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request


class BrowserSession(SessionAuthentication):
    """The session of somebody who signed in, with Django's token against forged requests.

    The stock class has no challenge, and then Django REST framework says 403 where 401 is meant.
    """

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return "Session"
