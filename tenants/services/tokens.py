"""What people do to API tokens, and what a use leaves on them."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from portal.lib.plain import name_fault
from portal.lib.refusal import Refusal
from portal.lib.tenancy import tenant_context
from tenants.domain.roles import Actor, Right
from tenants.domain.tokens import (
    LIFETIMES_DAYS,
    MOST_PER_PERSON,
    TokenNotAllowed,
    TokenUse,
    rights_grantable,
    secret_hash,
    token_write,
)
from tenants.models import ApiToken, Person
from tenants.selectors import tokens_of

NAME_LENGTH = 200
PUBLIC_BYTES = 8
SECRET_BYTES = 32
USED_EVERY = timedelta(minutes=1)
"""A program may call a thousand times a minute: that it did is written once."""


class TokenInvalid(Refusal):
    """A token cannot be called so, have these rights or live so long."""

    code = "token_unfit"
    status = 422


class TokensTooMany(Refusal):
    """A person has as many open tokens as anybody may."""

    code = "tokens_too_many"


@dataclass(frozen=True, slots=True)
class TokenMade:
    """A new token with its text, which is told once and kept nowhere."""

    token: ApiToken
    text: str


@transaction.atomic
def token_make(*, actor: Actor, name: str, rights: Iterable[str], days: int, now: datetime) -> TokenMade:
    """Return a new token of the actor's. Raises TokenInvalid, TokensTooMany and TokenNotAllowed."""
    actor.require(Right.VIEW)
    _person_check(actor)
    name = name.strip()
    chosen = _chosen(actor, name, set(rights), days)
    # Whoever makes two at once makes them one after the other, so that the limit holds.
    Person.objects.select_for_update().get(pk=actor.user_id)
    own = ApiToken.objects.visible_to(actor).filter(user_id=actor.user_id)
    if own.filter(revoked_at=None, expires_at__gt=now).count() >= MOST_PER_PERSON:
        raise TokensTooMany(
            "The token was not made.",
            why=f"You have {MOST_PER_PERSON} that still count, which is as many as anybody may have.",
            remedy="Revoke those that nothing uses.",
        )
    public_id, secret = secrets.token_hex(PUBLIC_BYTES), secrets.token_urlsafe(SECRET_BYTES)
    token = ApiToken.objects.create(
        tenant_id=actor.tenant_id,
        user_id=actor.user_id,
        name=name,
        rights=chosen,
        public_id=public_id,
        hash=secret_hash(secret),
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    return TokenMade(token, token_write(public_id, secret))


@transaction.atomic
def token_revoke(*, token_id: UUID, actor: Actor, now: datetime) -> ApiToken:
    """Return the token, which counts no more from now on; one's own, or as who manages people any.

    Raises DoesNotExist and TokenNotAllowed.
    """
    _person_check(actor)
    token = tokens_of(actor).get(id=token_id)
    ApiToken.objects.filter(id=token.id, revoked_at=None).update(revoked_at=now)
    return token


def token_used(*, use: TokenUse, address: str, now: datetime) -> None:
    """Write down when a token was last used and from where, once in a while."""
    if use.last_used_at is not None and now - use.last_used_at < USED_EVERY:
        return
    before = Q(last_used_at=None) | Q(last_used_at__lte=now - USED_EVERY)
    with tenant_context(use.tenant_id):
        told = {"last_used_at": now, "last_address": address}
        ApiToken.objects.filter(before, id=use.id).update(**told)


def _person_check(actor: Actor) -> None:
    if actor.only is not None:
        raise TokenNotAllowed(
            "Nothing was changed.",
            why="A token does not make or revoke tokens.",
            remedy="Sign in and do it on the page of tokens.",
        )


def _chosen(actor: Actor, name: str, rights: set[str], days: int) -> list[str]:
    """Return the rights as they are kept; a token that could not even look would be of no use."""
    if fault := name_fault(name, NAME_LENGTH):
        raise _unfit(fault, "Say what will use it.")
    if days not in LIFETIMES_DAYS:
        lives = ", ".join(map(str, LIFETIMES_DAYS))
        raise _unfit(f"A token lives for one of {lives} days.", "Choose one of these.")
    may = {right.value for right in rights_grantable(actor.rights)}
    if beyond := sorted(rights - may):
        raise _unfit(
            f"You cannot give it {', '.join(beyond)}.",
            "Choose among the rights that you have yourself; nobody gives a token that of managing people.",
        )
    return sorted(rights | {Right.VIEW.value})


def _unfit(why: str, remedy: str) -> TokenInvalid:
    return TokenInvalid("The token was not made.", why=why, remedy=remedy)
