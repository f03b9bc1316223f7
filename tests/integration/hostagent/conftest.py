"""The program on a host knows nothing of Django or Celery, so its tests start neither."""

from collections.abc import AsyncIterator

import pytest

from tests.integration.hostagent.portal import SmallPortal, portal_up


@pytest.fixture(autouse=True)
def broker() -> None:
    """No broker: takes the place of the portal's."""


@pytest.fixture
async def portal() -> AsyncIterator[SmallPortal]:
    async with portal_up() as portal:
        yield portal
