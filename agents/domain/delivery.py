"""The life of one command: its identity, its phases, and what a report does to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID, uuid5

# An agent that has not accepted a command by then gets it again, under the same id.
LEASE = timedelta(seconds=30)


class CommandPhase(StrEnum):
    """Where a command stands, as far as the portal has heard."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"


OPEN = frozenset({CommandPhase.PENDING, CommandPhase.ACCEPTED})
_ENDS = frozenset(CommandPhase) - OPEN

TRANSITIONS: Mapping[CommandPhase, frozenset[CommandPhase]] = {
    CommandPhase.PENDING: _ENDS | {CommandPhase.ACCEPTED},
    CommandPhase.ACCEPTED: _ENDS,
    **{end: frozenset() for end in _ENDS},
}


class ReportKind(StrEnum):
    """What a numbered report says; CLOSED is the portal's own, number 0."""

    ACCEPTED = "accepted"
    PROGRESS = "progress"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SUPERSEDED = "superseded"
    CLOSED = "closed"


_SAYS: Mapping[ReportKind, CommandPhase] = {
    ReportKind.ACCEPTED: CommandPhase.ACCEPTED,
    ReportKind.PROGRESS: CommandPhase.ACCEPTED,
    ReportKind.SUCCEEDED: CommandPhase.SUCCEEDED,
    ReportKind.FAILED: CommandPhase.FAILED,
    ReportKind.SUPERSEDED: CommandPhase.SUPERSEDED,
}


@dataclass(frozen=True, slots=True)
class CommandKey:
    """What makes a command the same command: replaying a decision makes an equal key.

    `round` counts the successes of a repeating step and `attempt` the failures
    of one round; both start at 1.
    """

    unit_id: UUID
    generation: int
    step: str
    round: int = 1
    attempt: int = 1

    @property
    def command_id(self) -> UUID:
        """Return the id of the command, the same on every replay."""
        return uuid5(self.unit_id, f"{self.generation}/{self.step}/{self.round}/{self.attempt}")


@dataclass(frozen=True, slots=True)
class CommandDraft:
    """A command that a decision asks for; `body` is opaque to delivery."""

    key: CommandKey
    agent_id: UUID
    seq: int
    deliver_after: datetime
    deadline: datetime
    body: Mapping[str, object] = field(default_factory=dict)


def phase_after(phase: CommandPhase, kind: ReportKind) -> CommandPhase | None:
    """Return the phase that a report moves the command to, or None when it changes nothing.

    Reports are absolute and phases only go forward, so that neither order nor
    repetition matters: what comes late or again finds its move gone from the table.
    """
    said = _SAYS.get(kind)
    return said if said in TRANSITIONS[phase] else None
