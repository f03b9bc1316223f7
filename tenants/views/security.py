"""A person's own page Security: password, second factors, sessions; and the doors behind it."""

from collections.abc import Callable
from typing import Any

from allauth.account import views as accounts
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render

from tenants.interfaces import OpenView
from tenants.interfaces.accounts import account_named, limit_of, tried_too_often
from tenants.interfaces.addresses import client_address
from tenants.interfaces.factors import has_second_factor
from tenants.interfaces.guessing import ACCOUNT, ADDRESS, network, spend, spent
from tenants.interfaces.mfa import passkeys_possible
from tenants.interfaces.sessions import session_end, sessions_end_others, sessions_of
from tenants.selectors import belongings_of

CHALLENGE_S = 600
"""A session that holds nothing but a challenge for a passkey lives so long."""
View = Callable[[HttpRequest], Any]


class Security(OpenView):
    """How the person signs in, and where they are signed in."""

    def get(self, request: HttpRequest) -> HttpResponseBase:
        """Show it."""
        if request.user.pk is None:
            return redirect_to_login(request.get_full_path())
        own = _factors(request)
        asking = [one.name for one in belongings_of(request.user.pk) if one.second_factor]
        content = {**own, "asking": asking, "sessions": sessions_of(request)}
        content["passkeys_possible"] = passkeys_possible(request)
        return render(request, "tenants/security.html", content)


class SessionEnd(OpenView):
    """Ending one other session."""

    def post(self, request: HttpRequest, session: str) -> HttpResponseBase:
        """End it; one that is not there, or another person's, is over as well."""
        if request.user.pk is None:
            return redirect_to_login("/accounts/security/")
        session_end(request, session)
        messages.success(request, "That session is ended.")
        return redirect("security")


class SessionsEnd(OpenView):
    """Ending all other sessions."""

    def post(self, request: HttpRequest) -> HttpResponseBase:
        """End them."""
        if request.user.pk is None:
            return redirect_to_login("/accounts/security/")
        count = sessions_end_others(request)
        messages.success(request, f"{count} other session{'' if count == 1 else 's'} ended.")
        return redirect("security")


def sign_in(request: HttpRequest) -> HttpResponseBase:
    """Sign in by a password, unless it was tried too often; see `tenants.interfaces.guessing`.

    Asked here already, so that a try that cannot succeed costs neither a query nor a hash.
    """
    if request.method == "POST":
        limit, of = limit_of(request, account_named(request, None))
        if limit is ACCOUNT and not spend(ADDRESS, network(client_address(request))):
            return tried_too_often(request, ADDRESS.window_s)
        if spent(limit, of):
            return tried_too_often(request, limit.window_s)
    request.passkeys_possible = passkeys_possible(request)  # type: ignore[attr-defined]
    answer: HttpResponseBase = accounts.login(request)
    return answer


def sign_in_by_passkey(request: HttpRequest) -> HttpResponseBase:
    """Sign in by a passkey alone. Each challenge that is fetched makes a session, hence the count."""
    if request.user.pk is None and not spend(ADDRESS, network(client_address(request))):
        return tried_too_often(request, ADDRESS.window_s)
    answer: HttpResponseBase = passkeys.login_webauthn(request)
    if request.user.is_authenticated:
        request.session.set_expiry(0)  # until the browser is closed, as without "Stay signed in"
    elif not request.session.is_empty():
        request.session.set_expiry(CHALLENGE_S)
    return answer


def totp_add(request: HttpRequest) -> HttpResponseBase:
    """Set up an authenticator app."""
    return _adding(request, totp.activate_totp)


def passkey_add(request: HttpRequest) -> HttpResponseBase:
    """Add a passkey."""
    return _adding(request, passkeys.add_webauthn)


def _adding(request: HttpRequest, view: View) -> HttpResponseBase:
    """Answer as `view` does; with the first factor, all sessions end that were begun without one."""
    had = has_second_factor(request.user.pk)
    answer: HttpResponseBase = view(request)
    if not had and has_second_factor(request.user.pk):
        sessions_end_others(request)
    return answer


def _factors(request: HttpRequest) -> dict[str, Any]:
    own = Authenticator.objects.filter(user_id=request.user.pk).order_by("id")
    rows = {kind: [row for row in own if row.type == kind] for kind in Authenticator.Type}
    codes = rows[Authenticator.Type.RECOVERY_CODES]
    return {
        "totp": next(iter(rows[Authenticator.Type.TOTP]), None),
        "passkeys": [_passkey(row) for row in rows[Authenticator.Type.WEBAUTHN]],
        "codes_left": len(codes[0].wrap().get_unused_codes()) if codes else 0,
        "has_factor": bool(rows[Authenticator.Type.TOTP] or rows[Authenticator.Type.WEBAUTHN]),
    }


def _passkey(row: Authenticator) -> dict[str, Any]:
    own = row.wrap()
    return {"row": row, "name": own.name, "alone": own.is_passwordless}
