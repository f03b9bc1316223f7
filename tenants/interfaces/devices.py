"""Devices that somebody has fully signed in from: a signed cookie that says whose, and lets nobody in."""

import secrets

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import salted_hmac

COOKIE = "landfall_device"
SALT = "landfall.device"
AGE_S = 400 * 24 * 3600
"""As long as browsers keep any cookie."""
ACCOUNTS_MAX = 5
"""So many people of one browser are known; the oldest is forgotten."""
MARK_LENGTH = 20
ID_BYTES = 12


def device_of(request: HttpRequest, account: str) -> str:
    """Return the id of the device, if `account` has signed in from it before; else nothing."""
    return _known(request).get(_mark(account), "")


def device_remember(request: HttpRequest, answer: HttpResponseBase, account: str) -> None:
    """Let the answer's browser be known as a device of `account`; one that is so already keeps its id."""
    known = _known(request)
    mark = _mark(account)
    own = known.pop(mark, "") or secrets.token_hex(ID_BYTES)
    kept = dict([*known.items(), (mark, own)][-ACCOUNTS_MAX:])
    answer.set_cookie(
        COOKIE,
        signing.dumps(kept, salt=SALT),
        max_age=AGE_S,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


def _known(request: HttpRequest) -> dict[str, str]:
    """Return the devices' ids by account; whatever is not signed by us counts as none."""
    try:
        found = signing.loads(request.COOKIES.get(COOKIE, ""), salt=SALT, max_age=AGE_S)
    except signing.BadSignature:
        return {}
    return {str(mark): str(own) for mark, own in found.items()} if isinstance(found, dict) else {}


def _mark(account: str) -> str:
    """Return what stands for an account: who finds the cookie learns no address."""
    return salted_hmac(SALT, account.lower(), algorithm="sha256").hexdigest()[:MARK_LENGTH]
