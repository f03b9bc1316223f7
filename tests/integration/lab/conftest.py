"""A site of the lab with one host as a process of its own."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from lab.children import processes_end, processes_naming
from lab.simulator import simulator_build
from lab.sites import LabSite, site_up
from lab.workloads import Runs, workloads_write

SLOTS = 512


@pytest.fixture(scope="session")
def binary(pytestconfig: pytest.Config) -> Path:
    """The vCenter simulator, built once and kept in pytest's cache."""
    cache = pytestconfig.cache
    assert cache is not None
    return simulator_build(cache.mkdir("lab"))


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short name, as unix sockets need; whatever still names it at the end is ended."""
    with tempfile.TemporaryDirectory(prefix="lf-") as name:
        yield Path(name)
        processes_end(name)
        assert not list(processes_naming(name))


@pytest.fixture
async def site(binary: Path, short: Path) -> AsyncIterator[LabSite]:
    """One host, on which `mail` writes and `slow` lingers two seconds after it was told to stop."""
    workloads = short / "workloads.json"
    workloads_write(
        workloads,
        {"mail": Runs(slots=SLOTS), "slow": Runs(slots=SLOTS, linger=2), "tux": Runs(slots=64, linux=True)},
    )
    async with site_up(binary, short / "a", hosts=["esx1"], workloads=workloads) as running:
        yield running
