"""How second factors are kept and named: their secrets encrypted, passkeys bound to the portal's own name."""

import ipaddress

from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.http import HttpRequest

from portal.lib import atrest
from tenants.models import Person

PORTAL = "Landfall"


class MfaAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """The house's way with what allauth leaves to each."""

    def encrypt(self, text: str) -> str:
        """Return a secret as it is stored."""
        return atrest.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        """Return a stored secret."""
        return atrest.decrypt(encrypted_text)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        """Return whom a passkey is for."""
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        return {**entity, "name": PORTAL}

    def generate_authenticator_name(self, user: Person, type: Authenticator.Type) -> str:
        """Return a name for another passkey."""
        number = Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1
        return "Passkey" if number == 1 else f"Passkey {number}"


def passkeys_possible(request: HttpRequest) -> bool:
    """Return whether browsers take passkeys from here: by a name, and over https or on this machine."""
    host = request.get_host().rpartition(":")[0] or request.get_host()
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return request.is_secure() or host == "localhost" or host.endswith(".localhost")
    return False
