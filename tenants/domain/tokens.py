"""API tokens: how one reads, what it may hold, and whether it still counts."""

import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from portal.lib.refusal import Refusal
from tenants.domain.roles import Right

LIFETIMES_DAYS = (7, 30, 90, 365)
MOST_PER_PERSON = 50
"""Open tokens of one person in one organisation."""
_TEXT = re.compile(r"lf_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
# Whoever finds a token must not be able to let themselves in for good.
_NEVER = frozenset({Right.MANAGE_PEOPLE})


class TokenRefused(Refusal):
    """The token of a call is none that counts."""

    code = "token_invalid"
    status = 401

    def __init__(self, why: str, remedy: str) -> None:
        super().__init__("The call was not let in.", why=why, remedy=remedy)


class TokenExpired(TokenRefused):
    """Its time is over."""

    code = "token_expired"


class TokenRevoked(TokenRefused):
    """Somebody revoked it."""

    code = "token_revoked"


class TokenNotAllowed(Refusal):
    """A token asked for what only a person who is signed in may do."""

    code = "token_not_allowed"
    status = 403


@dataclass(frozen=True, slots=True)
class TokenUse:
    """A token that a call showed and that counts: whose it is, and which rights it has at most."""

    id: UUID
    name: str
    tenant_id: UUID
    user_id: int
    rights: frozenset[Right]
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class TokenHeld:
    """A token as it is kept: the secret's hash and not the secret."""

    use: TokenUse
    hash: str
    expires_at: datetime
    revoked_at: datetime | None


def token_write(public_id: str, secret: str) -> str:
    """Return the token as its owner keeps it."""
    return f"lf_{public_id}_{secret}"


def token_read(text: str) -> tuple[str, str]:
    """Return public id and secret of a token; both empty for a text that is none."""
    found = _TEXT.fullmatch(text)
    return (found[1], found[2]) if found else ("", "")


def secret_hash(secret: str) -> str:
    """Return what is kept of a secret: it has 256 random bits, so that no salt and no slow hash is needed."""
    return sha256(secret.encode()).hexdigest()


def token_admit(held: TokenHeld | None, secret: str, *, now: datetime) -> TokenUse:
    """Return the use of a token. Raises TokenRefused, and why only to whoever has the secret."""
    if held is None or not hmac.compare_digest(held.hash, secret_hash(secret)):
        raise TokenRefused(
            "It shows a token that is not known here.", "Look for a slip in copying, or make a new token."
        )
    if held.revoked_at is not None:
        raise TokenRevoked("Its token was revoked.", "Make a new one, if you still may.")
    if held.expires_at <= now:
        raise TokenExpired(f"Its token expired at {held.expires_at:%Y-%m-%d %H:%M} UTC.", "Make a new one.")
    return held.use


def rights_read(names: list[str]) -> frozenset[Right]:
    """Return the rights of these names; one that no longer exists gives nothing."""
    known = {right.value: right for right in Right}
    return frozenset(known[name] for name in names if name in known)


def rights_grantable(own: frozenset[Right]) -> tuple[Right, ...]:
    """Return what a person with the rights `own` may give a token, in the order of the table."""
    return tuple(right for right in Right if right in own - _NEVER)
