"""What to do about a site's watcher: the one decision behind a vCenter's state, pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from agents.domain.delivery import OPEN, CommandPhase
from agents.domain.protocol import Failure
from agents.domain.site import SiteState
from portal.lib import backoff

WATCH_FOR = timedelta(hours=24)
LOOK_EVERY = timedelta(seconds=30)

STATE_OF: Mapping[str, SiteState] = {
    Failure.VCENTER_UNREACHABLE: SiteState.UNREACHABLE,
    Failure.VCENTER_HUNG: SiteState.HUNG,
    Failure.CREDENTIALS_REFUSED: SiteState.CREDENTIALS_REFUSED,
    Failure.CERTIFICATE_UNKNOWN: SiteState.CERTIFICATE_UNKNOWN,
    Failure.CERTIFICATE_CHANGED: SiteState.CERTIFICATE_CHANGED,
}
WAITS_FOR_PERSON = frozenset(
    {SiteState.CREDENTIALS_REFUSED, SiteState.CERTIFICATE_UNKNOWN, SiteState.CERTIFICATE_CHANGED}
)
"""Nobody tries again by themselves: accounts get locked, and a pin is a person's word."""


@dataclass(frozen=True, slots=True)
class WatcherView:
    """The latest watch command of the site's generation."""

    round: int
    attempt: int
    seq: int
    phase: CommandPhase
    deadline: datetime
    code: str
    why: str
    ran_for: timedelta


@dataclass(frozen=True, slots=True)
class SiteView:
    """What is known of a site; `ready` when it has a connector and a sealed password."""

    ready: bool
    halted: bool
    watcher: WatcherView | None


@dataclass(frozen=True, slots=True)
class WatchDecision:
    """What to do: begin a watcher (round, attempt, seq), close the one past its deadline, write a state."""

    issue: tuple[int, int, int] | None = None
    deliver_after: datetime | None = None
    expire: bool = False
    state: SiteState | None = None
    reason: str = ""
    halt: bool = False
    wake_at: datetime | None = None


def watch_decide(site: SiteView, now: datetime) -> WatchDecision:
    """Return what to do about the site now."""
    if not site.ready:
        return WatchDecision(state=SiteState.NO_CONNECTOR)
    if site.halted:
        return WatchDecision()
    watcher = site.watcher
    if watcher is None:
        return WatchDecision(
            issue=(1, 1, 1), deliver_after=now, state=SiteState.CONNECTING, wake_at=now + LOOK_EVERY
        )
    if watcher.phase in OPEN and now < watcher.deadline:
        return WatchDecision(wake_at=min(watcher.deadline, now + LOOK_EVERY * 10))
    return _again(watcher, now)


def _again(watcher: WatcherView, now: datetime) -> WatchDecision:
    """Return the watcher's successor; one that ran for a while begins with a short pause again."""
    state = STATE_OF.get(watcher.code)
    if state in WAITS_FOR_PERSON:
        return WatchDecision(state=state, reason=watcher.why, halt=True)
    fresh = watcher.ran_for > LOOK_EVERY * 2 or watcher.phase in OPEN
    round_, attempt = (watcher.round + 1, 1) if fresh else (watcher.round, watcher.attempt + 1)
    due = now + backoff.delay(attempt)
    return WatchDecision(
        issue=(round_, attempt, watcher.seq + 1),
        deliver_after=due,
        expire=watcher.phase in OPEN,
        state=state,
        reason=watcher.why,
        wake_at=due + LOOK_EVERY,
    )
