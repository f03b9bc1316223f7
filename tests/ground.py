"""The running estate that functional and fault tests share: one per test process, made when asked for."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from lab.children import processes_naming
from lab.faults.bench import ground_up, owner
from lab.faults.ground import Ground
from lab.simulator import simulator_build

ON_THE_ESTATE = [
    pytest.mark.lab,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.xdist_group("estate"),
    pytest.mark.timeout(300),
]
"""Tests on the estate: in one process, as two estates on two cores would be late for their deadlines."""

SEED = "tests"
OWNER = owner(SEED)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ground(pytestconfig: pytest.Config) -> AsyncIterator[Ground]:
    """A portal, a tenant with one host, the provider's site, everybody signed in; none of it is left."""
    cache = pytestconfig.cache
    assert cache is not None
    binary = simulator_build(cache.mkdir("lab"))
    with tempfile.TemporaryDirectory(prefix="lf-") as name:
        async with ground_up(binary, Path(name), SEED) as running:
            yield running
        assert not list(processes_naming(name))
