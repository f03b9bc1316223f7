"""Where an organisation's wish for a second factor holds: one question, asked by each page and each call."""

from collections.abc import Sequence

from allauth.account.internal.flows.reauthentication import did_recently_reauthenticate
from allauth.mfa.models import Authenticator
from django.http import HttpRequest

from portal.lib.refusal import Refusal
from tenants.models import Person
from tenants.selectors import Belonging

# Recovery codes alone are none: they go with what they stand in for.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class SecondFactorNeeded(Refusal):
    """The organisation asks for a second factor, and the person has none yet."""

    code = "second_factor_needed"
    status = 403


class ConfirmationNeeded(Refusal):
    """What was asked for needs a person who has shown a moment ago that they are who signed in."""

    code = "confirmation_needed"
    status = 403


def second_factor_missing(request: HttpRequest, belonging: Belonging) -> bool:
    """Return whether the organisation asks for a second factor and the person of the session has none.

    Who has one was asked for it as the session began, or ended the others as they set it up.
    """
    return belonging.second_factor and not has_second_factor(request.user.pk)


def has_second_factor(person: int | None) -> bool:
    """Return whether a sign-in of the person needs more than a password."""
    return bool(Authenticator.objects.filter(user_id=person, type__in=FACTORS).exists())


def second_factor_check(request: HttpRequest, belonging: Belonging) -> None:
    """Raise SecondFactorNeeded where one is missing."""
    if second_factor_missing(request, belonging):
        raise SecondFactorNeeded(
            "The call was not let in.",
            why=f"{belonging.name} asks its people for a second factor, and you have none.",
            remedy="Sign in with a browser and set one up on the page Security.",
        )


def confirmed(request: HttpRequest) -> bool:
    """Return whether the person has shown anew who they are, a moment ago; a page else asks for it."""
    return bool(did_recently_reauthenticate(request))


def confirmation_check(request: HttpRequest) -> None:
    """Raise ConfirmationNeeded unless the person has shown anew who they are, a moment ago."""
    if not confirmed(request):
        raise ConfirmationNeeded(
            "Nothing was changed.",
            why="This needs a person who has confirmed within five minutes that it is them.",
            remedy="Do it with a browser, which asks for the password or the second factor.",
        )


def people_without(people: Sequence[Person]) -> list[Person]:
    """Return those who sign in by a password alone."""
    own = Authenticator.objects.filter(user__in=people, type__in=FACTORS)
    having = set(own.values_list("user_id", flat=True))
    return [person for person in people if person.pk not in having]
