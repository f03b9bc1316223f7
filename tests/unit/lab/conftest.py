"""What the lab's tests may ask for."""

from collections.abc import AsyncIterator, Iterator

import pytest

from lab.session import Session
from tests.unit.lab.scripted_portal import ScriptedPortal, scripted_portal


@pytest.fixture
def portal() -> Iterator[ScriptedPortal]:
    """A portal that answers as the test says."""
    with scripted_portal() as running:
        yield running


@pytest.fixture
async def session(portal: ScriptedPortal) -> AsyncIterator[Session]:
    """Somebody at that portal."""
    async with Session(portal.address) as opened:
        yield opened
