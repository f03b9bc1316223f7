"""An agent's life and health, as far as heartbeats tell."""

from datetime import datetime, timedelta
from enum import StrEnum

HEARTBEAT_EVERY = timedelta(seconds=10)
LATE_AFTER = timedelta(seconds=30)
UNREACHABLE_AFTER = timedelta(seconds=60)
SKEW_MAX = timedelta(seconds=60)


class AgentState(StrEnum):
    """Whether the portal still listens to an agent."""

    ENROLLED = "enrolled"
    REVOKED = "revoked"


class Duty(StrEnum):
    """What an agent does: serve a host's disks, or speak to the site's vCenter."""

    HOST = "host"
    CONNECTOR = "connector"


class Health(StrEnum):
    """How an agent does, by the age of its last heartbeat."""

    HEALTHY = "healthy"
    LATE = "late"
    UNREACHABLE = "unreachable"
    REVOKED = "revoked"


def health(*, state: AgentState, last_seen_at: datetime | None, now: datetime) -> Health:
    """Return an agent's health at `now`."""
    if state is AgentState.REVOKED:
        return Health.REVOKED
    if last_seen_at is None or now - last_seen_at > UNREACHABLE_AFTER:
        return Health.UNREACHABLE
    return Health.LATE if now - last_seen_at > LATE_AFTER else Health.HEALTHY
