"""Commands for the tests of what carries them out."""

from typing import Any
from uuid import UUID, uuid4

from agents.hostagent.journal import Command

UNIT = UUID(int=7)


def command(
    step: str = "switch",
    *,
    unit: UUID = UNIT,
    generation: int = 1,
    seq: int = 1,
    body: dict[str, Any] | None = None,
    deadline: str | float | None = None,
) -> Command:
    return Command(
        id=uuid4(),
        unit_id=unit,
        generation=generation,
        seq=seq,
        step=step,
        body=body if body is not None else {"machine": "vm-1"},
        deadline=deadline,
    )
