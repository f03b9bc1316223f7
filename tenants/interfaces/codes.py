"""How often somebody may try a code of a second factor: of a million, one counts at a time."""

from allauth.account.adapter import get_adapter
from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from django.http import HttpRequest

from tenants.interfaces.devices import device_of
from tenants.interfaces.guessing import CODE, CODE_A_DAY, Limit, forget, spend
from tenants.models import Person


class _Counted:
    """Counts each code before it is looked at; who stole the password does not use up the owner's tries."""

    user: Person

    def clean_code(self) -> str:
        """Return the code. Raises ValidationError when it is wrong or there were too many."""
        counts = _counts(context.request, self.user)
        within = [spend(limit, of) for limit, of in counts]  # each counts, also beyond another's end
        if not all(within):
            raise get_adapter().validation_error("too_many_login_attempts")
        code: str = super().clean_code()  # type: ignore[misc]
        for limit, of in counts:
            forget(limit, of)
        return code


class SecondStepForm(_Counted, AuthenticateForm):  # type: ignore[misc]
    """The second step of a sign-in."""


class ConfirmForm(_Counted, ReauthenticateForm):  # type: ignore[misc]
    """A person who is signed in confirms that it is them."""


def _counts(request: HttpRequest, person: Person) -> list[tuple[Limit, str]]:
    """Return what a try counts for: a session's own person, the known device, or all strangers together."""
    if request.user.is_authenticated:
        return [(CODE, f"person {person.pk}")]
    if device := device_of(request, person.email):
        return [(CODE, f"device {device}")]
    return [(CODE, f"strangers {person.pk}"), (CODE_A_DAY, f"strangers {person.pk}")]
