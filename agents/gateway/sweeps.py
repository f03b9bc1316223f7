"""What the gateway asks the database for by itself: who was revoked, and for whom something is due.

Redis tells both at once, but may be gone and may lose what it is told. One question for all agents that
wait here costs as much as one agent's.
"""

import asyncio
import contextlib
import logging
from datetime import UTC, datetime

import asyncpg

from agents.gateway.bearers import SWEEP_S, Bearers
from agents.gateway.signals import Signals
from agents.gateway.store import Store

DUE_EVERY = 5
"""With Redis there, what is due is looked for at every fifth sweep only."""

log = logging.getLogger(__name__)


class Sweeps:
    """The gateway's own look at the database, every two seconds."""

    def __init__(self, *, store: Store, bearers: Bearers, signals: Signals) -> None:
        self._store = store
        self._bearers = bearers
        self._signals = signals
        self._number = 0

    async def run(self) -> None:
        """Sweep for ever, at once when Redis comes or goes."""
        while True:
            try:
                await self.sweep()
            except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
                log.warning("a sweep waits for the database: %s", error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._signals.turned.wait(), SWEEP_S)

    async def sweep(self) -> None:
        """Do it once."""
        turned = self._signals.turned.is_set()
        self._signals.turned.clear()
        await self._bearers.sweep()
        self._number += 1
        if turned or not self._signals.connected or self._number % DUE_EVERY == 0:
            waiting = self._signals.waiting
            for agent_id in await self._store.agents_due(waiting, datetime.now(UTC)) if waiting else ():
                self._signals.wake(agent_id)
