"""Whether something is due for an agent: one question to the database for all who ask within a moment.

Thousands of polls begin at once when a gateway or a network comes back, and every 25 s afterwards.
"""

import asyncio
from datetime import UTC, datetime
from uuid import UUID

from agents.gateway.store import Store

GATHER_S = 0.01


class Due:
    """Gathers the agents that begin to wait."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._asking: list[tuple[UUID, asyncio.Future[bool]]] = []
        self._task: asyncio.Task[None] | None = None

    async def is_due(self, agent_id: UUID) -> bool:
        """Return whether the agent has a command due. Raises what the store does."""
        answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asking.append((agent_id, answer))
        if self._task is None:
            self._task = asyncio.create_task(self._ask())
        return await answer

    async def _ask(self) -> None:
        """Ask for all who came meanwhile, until nobody has."""
        while self._asking:
            await asyncio.sleep(GATHER_S)
            asking, self._asking = self._asking, []
            try:
                due = set(await self._store.agents_due([agent for agent, _ in asking], datetime.now(UTC)))
            except Exception as error:
                _answer_all(asking, error)
            else:
                for agent, answer in asking:
                    if not answer.done():  # who has hung up waits no more
                        answer.set_result(agent in due)
        self._task = None


def _answer_all(asking: list[tuple[UUID, asyncio.Future[bool]]], error: Exception) -> None:
    for _, answer in asking:
        if not answer.done():
            answer.set_exception(error)
