"""Agents that run inside the test's own process, and are ended as a stop would."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from agents.hostagent.__main__ import _enrol, parsed
from agents.hostagent.agent import Agent
from agents.hostagent.identity import StateFolder
from tests.integration.hostagent.portal import Member, SmallPortal


async def enrolled(
    portal: SmallPortal, path: Path, *, duties: str = "connector"
) -> tuple[StateFolder, Member]:
    """An agent that has spent a token; nothing runs yet."""
    arguments = ["enrol", "--portal", portal.url, "--token", portal.token(), "--state", str(path)]
    arguments += ["--name", path.name, "--host-name", path.name, "--duties", duties, "--machines", str(path)]
    await _enrol(parsed(arguments))
    folder = StateFolder(path)
    return folder, portal.members[folder.settings().agent_id]


@asynccontextmanager
async def running(folder: StateFolder) -> AsyncIterator[None]:
    """The agent at work."""
    work = asyncio.create_task(Agent(folder).run())
    try:
        yield
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work
