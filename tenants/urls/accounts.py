"""How people sign in and prove who they are, below /accounts/."""

from allauth.account import views as accounts
from allauth.mfa.base import views as factors
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as totp
from allauth.mfa.webauthn import views as passkeys
from django.urls import path

from tenants.views import security

# allauth goes back to pages of its own after a change; with us they are one.
_ONE_PAGE = ("mfa_index", "mfa_list_webauthn", "usersessions_list")

urlpatterns = [
    path("login/", security.sign_in, name="account_login"),
    path("login/passkey/", security.sign_in_by_passkey, name="mfa_login_webauthn"),
    path("login/second/", factors.authenticate, name="mfa_authenticate"),
    *(path("security/", security.Security.as_view(), name=name) for name in _ONE_PAGE),
    path("security/", security.Security.as_view(), name="security"),
    path("security/confirm/", accounts.reauthenticate, name="account_reauthenticate"),
    path("security/confirm/code/", factors.reauthenticate, name="mfa_reauthenticate"),
    path("security/confirm/passkey/", passkeys.reauthenticate_webauthn, name="mfa_reauthenticate_webauthn"),
    path("security/app/", security.totp_add, name="mfa_activate_totp"),
    path("security/app/remove/", totp.deactivate_totp, name="mfa_deactivate_totp"),
    path("security/codes/", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("security/codes/new/", codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("security/passkeys/new/", security.passkey_add, name="mfa_add_webauthn"),
    path("security/passkeys/<int:pk>/remove/", passkeys.remove_webauthn, name="mfa_remove_webauthn"),
    path("security/sessions/end-others", security.SessionsEnd.as_view(), name="sessions-end"),
    path("security/sessions/<slug:session>/end", security.SessionEnd.as_view(), name="session-end"),
]
