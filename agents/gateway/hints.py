"""Tells the workers that reports have come: a hint that may be lost, off the loop, at most every 10 ms."""

import asyncio
import logging
from uuid import UUID

from portal.lib.queue import hint

PAUSE_S = 0.01

log = logging.getLogger(__name__)


class Hints:
    """Commands with fresh reports, on their way to the workers."""

    def __init__(self) -> None:
        self._waiting: set[tuple[UUID, UUID]] = set()
        self._some = asyncio.Event()

    def add(self, command_id: UUID, tenant_id: UUID) -> None:
        """Hint at a command's reports soon."""
        self._waiting.add((command_id, tenant_id))
        self._some.set()

    async def run(self) -> None:
        """Send for ever; a dead broker costs the hint and nothing else."""
        while True:
            await self._some.wait()
            self._some.clear()
            waiting, self._waiting = self._waiting, set()
            try:
                await asyncio.to_thread(_send, waiting)
            except Exception as error:  # whatever ails the broker, the tick finds the rows
                log.warning("the broker did not take a hint: %s", error)
            await asyncio.sleep(PAUSE_S)


def _send(waiting: set[tuple[UUID, UUID]]) -> None:
    for command_id, tenant_id in waiting:
        hint("agents.apply_reports", command_id=command_id, tenant_id=tenant_id)
