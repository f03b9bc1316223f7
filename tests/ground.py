"""The running estate that functional and fault tests share: one per test process, made when asked for."""

import tempfile
from collections.abc import AsyncIterator, Generator
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

LINES_TOLD = 25
SEED = "tests"
OWNER = owner(SEED)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tell with a failure what the estate's processes said last: their logs go with the run."""
    report = yield
    running = getattr(item, "funcargs", {}).get("ground")
    if report.failed and isinstance(running, Ground):
        report.sections.append(("the estate's logs", logs_end(running.folder)))
    return report


def logs_end(folder: Path) -> str:
    """Return the last lines of each log below the folder."""
    ends = []
    for path in sorted(folder.rglob("*.log")):
        lines = path.read_text(errors="replace").splitlines()[-LINES_TOLD:]
        ends.append("\n".join([f"{path.relative_to(folder)}:", *lines]))
    return "\n\n".join(ends)


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
