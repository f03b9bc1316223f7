"""The running agent: its loops to the portal, its executor, and the duties that it has."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from typing import TypeVar

import httpx

from agents.domain.agent import HEARTBEAT_EVERY
from agents.domain.protocol import Step
from agents.hostagent.duties import Duties
from agents.hostagent.executor import Executor
from agents.hostagent.identity import StateFolder
from agents.hostagent.installed import installed_find, version
from agents.hostagent.journal import Journal, Report
from agents.hostagent.portal import AgentRevoked, Portal, PortalRefused, PortalUnreachable, client_make
from agents.hostagent.upgrade import Upgrades

BACKOFF_S = (0.5, 1.0, 2.0, 5.0)
REVOKED_RETRY_S = 60.0
REPORTS_MAX = 50
REPORT_BYTES_MAX = 1 << 20
EMPTY_POLL_S = 0.2
"""Least time between two polls that bring nothing, should a gateway answer at once."""

Result = TypeVar("Result")

log = logging.getLogger(__name__)


class RestartWanted(Exception):
    """The agent is to end, for another release to start in its place."""


class Agent:
    """One agent at work in its state folder."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder
        self._settings = folder.settings()
        self._keys = folder.keys()
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Work until cancelled, or until another release is to take over: then return.

        When revoked, stop the data plane, keep all locks, and ask every minute.
        """
        async with AsyncExitStack() as stack:
            journal = Journal(self._folder.path / "journal.sqlite")
            stack.callback(journal.close)
            client = await stack.enter_async_context(
                client_make(self._settings.ca, proxy=self._settings.proxy)
            )
            portal = Portal(settings=self._settings, keys=self._keys, client=client)
            leaving = False
            while True:
                try:
                    await self._work(journal, portal, client)
                except* AgentRevoked:
                    log.error("this agent has been revoked: nothing is moved, locks are kept")
                except* RestartWanted:
                    log.info("another release takes over")
                    leaving = True
                if leaving:
                    return
                await self._revoked_wait(portal)

    async def _work(self, journal: Journal, portal: Portal, client: httpx.AsyncClient) -> None:
        """All loops, until one of them ends."""
        async with AsyncExitStack() as stack:
            duties = Duties(folder=self._folder, journal=journal, portal=portal)
            stack.push_async_callback(duties.stop)
            upgrades = Upgrades(
                installed=installed_find(),
                portal=self._settings.portal,
                client=client,
                quiet=lambda: executor.is_quiet() and duties.is_quiet,
            )
            steps = {**duties.steps, Step.UPGRADE: upgrades.upgrade}
            executor = Executor(journal=journal, steps=steps, wake=self._news.set)
            stack.push_async_callback(executor.stop)
            duties.restore()
            executor.recover()
            async with asyncio.TaskGroup() as group:
                group.create_task(_leave(upgrades))
                group.create_task(self._heartbeats(journal, portal, duties, upgrades))
                group.create_task(self._commands(portal, executor))
                group.create_task(self._reports(journal, portal))
                for loop in duties.loops():
                    group.create_task(loop)

    async def _revoked_wait(self, portal: Portal) -> None:
        """Return when the portal takes this agent back."""
        while True:
            await asyncio.sleep(REVOKED_RETRY_S)
            try:
                await portal.commands(wait=0)
            except (PortalRefused, PortalUnreachable) as error:
                log.warning("still revoked: %s", error)
            else:
                return

    async def _heartbeats(self, journal: Journal, portal: Portal, duties: Duties, upgrades: Upgrades) -> None:
        running = version()
        told = {
            "duties": list(self._settings.duties),
            "engines": duties.engines,
            "upgrade": upgrades.possible,
        }
        while True:

            async def beat() -> None:
                await portal.heartbeat(
                    number=journal.count("heartbeat"),
                    version=running,
                    address=duties.address,
                    capabilities=told,
                )

            await _persist(beat, "heartbeat")
            upgrades.confirm()
            await asyncio.sleep(HEARTBEAT_EVERY.total_seconds())

    async def _commands(self, portal: Portal, executor: Executor) -> None:
        while True:
            asked_at = time.monotonic()
            commands = await _persist(portal.commands, "commands")
            for command in commands:
                if portal.is_genuine(command):
                    executor.submit(command)
                else:
                    log.error("command %s is not signed by the portal: refused", command.id)
            if not commands and time.monotonic() - asked_at < EMPTY_POLL_S:
                await asyncio.sleep(EMPTY_POLL_S)

    async def _reports(self, journal: Journal, portal: Portal) -> None:
        while True:
            self._news.clear()
            while batch := _first_bytes(journal.unsent(REPORTS_MAX)):
                await asyncio.to_thread(journal.settle)
                await self._deliver(journal, portal, batch)
            await self._news.wait()

    async def _deliver(self, journal: Journal, portal: Portal, batch: Sequence[Report]) -> None:
        """Have reports stored; one that the portal will never take is dropped, or it stopped all others."""
        try:
            await _persist(lambda: portal.reports(batch), "reports", give_up=True)
        except PortalRefused as error:
            if len(batch) > 1:
                for report in batch:
                    await self._deliver(journal, portal, [report])
                return
            named = batch[0]
            log.error("report %s of command %s is refused: %s", named.number, named.command_id, error)
        journal.sent(batch)


async def _leave(upgrades: Upgrades) -> None:
    await upgrades.leave.wait()
    raise RestartWanted


async def _persist(call: Callable[[], Awaitable[Result]], what: str, *, give_up: bool = False) -> Result:
    """The result of `call`, tried until it has one. Raises AgentRevoked, and what is refused if `give_up`."""
    failures = 0
    while True:
        try:
            return await call()
        except AgentRevoked:
            raise
        except (PortalUnreachable, PortalRefused) as error:
            if give_up and isinstance(error, PortalRefused) and error.status not in (401, 403):
                raise
            log.warning("%s: %s", what, error)
        await asyncio.sleep(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
        failures += 1


def _first_bytes(reports: list[Report]) -> list[Report]:
    """As many as fit one request, but one at least."""
    taken: list[Report] = []
    total = 0
    for report in reports:
        total += report.length
        if taken and total > REPORT_BYTES_MAX:
            break
        taken.append(report)
    return taken
