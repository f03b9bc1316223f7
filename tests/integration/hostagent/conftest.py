"""The program on a host knows nothing of Django or Celery, so its tests start neither."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lab.simulator import simulator_build
from tests.integration.hostagent.portal import SmallPortal, portal_up


@pytest.fixture(autouse=True)
def broker() -> None:
    """No broker: takes the place of the portal's."""


@pytest.fixture
async def portal() -> AsyncIterator[SmallPortal]:
    async with portal_up() as portal:
        yield portal


@pytest.fixture(scope="session")
def binary(pytestconfig: pytest.Config) -> Path:
    """The vCenter simulator, built once and kept in pytest's cache."""
    cache = pytestconfig.cache
    assert cache is not None
    return simulator_build(cache.mkdir("lab"))
