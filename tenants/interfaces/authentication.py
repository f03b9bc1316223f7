"""How a program says who calls: by an API token, `Authorization: Bearer lf_…`, in the API alone."""

from typing import Any

from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from tenants.domain.tokens import TokenRefused, TokenUse, token_admit, token_read
from tenants.interfaces.addresses import client_address
from tenants.models import Person
from tenants.selectors import token_held
from tenants.services import token_used

SCHEME = "bearer"
ADDRESS_MAX = 45  # an IPv6 address with all its digits


class ApiTokenBearer(BaseAuthentication):
    """Lets a token in for its maker, as what a call is: no session is read or made, nothing is forgeable.

    A call that shows a token is let in by it or not at all, whatever session its cookie has.
    """

    def authenticate(self, request: Request) -> tuple[Person, TokenUse] | None:
        """Return the token's maker and its use; None for a call without. Raises TokenRefused."""
        scheme, _, shown = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
        if scheme.lower() != SCHEME:
            return None
        now = timezone.now()
        public_id, secret = token_read(shown.strip())
        use = token_admit(token_held(public_id) if public_id else None, secret, now=now)
        person = Person.objects.filter(pk=use.user_id, is_active=True).first()
        if person is None:
            raise TokenRefused("The account of its token's maker is closed.", "Ask for a token of another's.")
        token_used(use=use, address=client_address(request)[:ADDRESS_MAX], now=now)
        return person, use

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return 'Bearer realm="Landfall"'


class ApiTokenDocumented(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the API's document tells it."""

    target_class = ApiTokenBearer
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the header."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "lf_…"}
