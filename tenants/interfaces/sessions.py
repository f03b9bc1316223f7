"""Where a person is signed in: each session with its device and address, and when it was last seen."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from allauth.usersessions.models import UserSession
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from tenants.interfaces.addresses import NOWHERE, client_address

SEEN_EVERY_S = 300
"""That a session is in use is written so often and not at each of its requests."""
AGENT_MAX = 200
SWEPT_MAX = 500
"""Sessions whose time is over, removed with one sign-in; more go with the next."""
# In this order: each of the later ones also calls itself by an earlier one's name.
_BROWSERS = (
    *(("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrom", "Chrome")),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    *(("Windows", "Windows"), ("Android", "Android"), ("iPhone|iPad", "iOS"), ("Mac OS", "macOS")),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class SessionShown:
    """A session as its person sees it; `handle` names it to end it, and opens nothing."""

    handle: str
    device: str
    address: str
    began_at: datetime
    seen_at: datetime
    here: bool


class SessionSeen:
    """Keeps the list of sessions: each is written down when it is first seen, and once in a while again."""

    def __init__(self, answer: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._answer = answer

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer as the view does."""
        key = request.session.session_key
        # Whoever has no cookie costs no query: session_key is None then.
        if key and SESSION_KEY in request.session and cache.add(f"seen:{_handle(key)}", 1, SEEN_EVERY_S):
            _write(request, key)
        return self._answer(request)


def _write(request: HttpRequest, key: str) -> None:
    told = {
        "last_seen_at": timezone.now(),
        "ip": client_address(request) or NOWHERE,
        "user_agent": request.headers.get("User-Agent", "")[:AGENT_MAX],
    }
    if not UserSession.objects.filter(session_key=key).update(**told) and request.user.is_authenticated:
        UserSession.objects.get_or_create(session_key=key, defaults={"user": request.user, **told})


def sessions_of(request: HttpRequest) -> list[SessionShown]:
    """Return the person's sessions that could still be used, this one first and then the latest seen."""
    own = UserSession.objects.filter(user_id=request.user.pk)
    keys = list(own.values_list("session_key", flat=True))
    alive = set(
        Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now()).values_list(
            "session_key", flat=True
        )
    )
    shown = [_shown(row, request) for row in own if row.session_key in alive]
    return sorted(shown, key=lambda one: (one.here, one.seen_at), reverse=True)


def session_end(request: HttpRequest, handle: str) -> bool:
    """End the person's other session of this handle; return whether there was one."""
    found = [row for row in _others(request) if _handle(row.session_key) == handle]
    for row in found:
        row.end()
    return bool(found)


def sessions_end_others(request: HttpRequest) -> int:
    """End all of the person's sessions but this one; return how many."""
    others = _others(request)
    for row in others:
        row.end()
    return len(others)


def sessions_sweep(now: datetime) -> None:
    """Remove some of the sessions whose time is over: each sign-in leaves fewer of them than it found."""
    over = Session.objects.filter(expire_date__lt=now).order_by("expire_date")
    keys = list(over.values_list("session_key", flat=True)[:SWEPT_MAX])
    if keys:
        UserSession.objects.filter(session_key__in=keys).delete()
        Session.objects.filter(session_key__in=keys).delete()


def device_named(agent: str) -> str:
    """Return what a browser calls itself as people would: Firefox on Linux."""
    browser = next((word for sign, word in _BROWSERS if sign in agent), "")
    system = next((word for sign, word in _SYSTEMS if re.search(sign, agent)), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or agent[:40] or "Unknown"


def _others(request: HttpRequest) -> list[UserSession]:
    rows = UserSession.objects.filter(user_id=request.user.pk)
    return list(rows.exclude(session_key=request.session.session_key))


def _shown(row: UserSession, request: HttpRequest) -> SessionShown:
    return SessionShown(
        handle=_handle(row.session_key),
        device=device_named(row.user_agent),
        address="" if row.ip == NOWHERE else row.ip,
        began_at=row.created_at,
        seen_at=row.last_seen_at,
        here=row.session_key == request.session.session_key,
    )


def _handle(key: str) -> str:
    return sha256(f"landfall-session\0{key}".encode()).hexdigest()[:24]
