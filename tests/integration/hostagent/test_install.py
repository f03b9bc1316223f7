"""The one command that a person pastes on a host, and its opposite: the real script, a small portal."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.hostagent.packaging import ARCHIVE, INSTALLER
from agents.hostagent.packaging import main as packaging
from lab.children import processes_end, processes_naming
from tests.integration.hostagent.portal import Member, SmallPortal

# Everything of the installer's runs but pip, which the tests' own environment has no need of.
PYTHON = """#!/bin/sh
case "$*" in
    "-m pip install"*) exit 0 ;;
    *sysconfig*) echo {site}; exit 0 ;;
esac
exec {python} "$@"
"""


@dataclass(frozen=True, slots=True)
class HostHere:
    """Where the agent is installed, and what it is installed from."""

    folder: Path

    @property
    def prefix(self) -> Path:
        return self.folder / "opt"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    async def install(self, *more: str) -> subprocess.CompletedProcess[str]:
        argv = ["sh", str(self.folder / INSTALLER), "--prefix", str(self.prefix), "--state", str(self.state)]
        argv += ["--no-systemd", "--package", str(self.folder / ARCHIVE), *more]
        return await asyncio.to_thread(
            subprocess.run, argv, capture_output=True, text=True, timeout=120, check=False
        )

    async def installed(self, portal: SmallPortal) -> Member:
        """Install it, and wait for its first heartbeat."""
        machines = ["--machines", str(self.folder / "machines"), "--listen", "127.0.0.1:0"]
        known = set(portal.members)
        done = await self.install("--portal", portal.url, "--token", portal.token(), *machines)
        assert done.returncode == 0, done.stderr
        [new] = portal.members.keys() - known
        member = portal.members[new]
        await until(lambda: bool(member.heartbeats))
        return member

    @property
    def agents(self) -> list[int]:
        """The agents that run here."""
        return list(processes_naming(str(self.state)))


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    assert packaging([str(folder)]) == 0
    return folder


@pytest.fixture
def here(tmp_path: Path, package: Path) -> Iterator[HostHere]:
    for name in (ARCHIVE, INSTALLER):
        (tmp_path / name).symlink_to(package / name)
    (tmp_path / "site").mkdir()
    python = tmp_path / "opt" / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(PYTHON.format(site=tmp_path / "site", python=sys.executable))
    python.chmod(0o755)
    host = HostHere(tmp_path)
    yield host
    _loop_end(host.state / "loop.pid")
    processes_end(str(host.state))


async def test_one_command_installs_enrols_and_runs_it(here: HostHere, portal: SmallPortal) -> None:
    member = await here.installed(portal)
    assert member.heartbeats[0]["capabilities"]["engines"] == ["qemu-storage-daemon", "qemu"]
    assert portal.tokens == set()
    assert len(here.agents) == 1
    assert (here.state / "signing.pem").stat().st_mode & 0o077 == 0
    assert {link.name for link in (here.folder / "site").iterdir()} >= {"nbd.py"}


async def test_installing_again_replaces_the_agent_and_needs_no_token(
    here: HostHere, portal: SmallPortal
) -> None:
    await here.installed(portal)
    [first] = here.agents
    again = await here.install("--portal", portal.url)
    assert again.returncode == 0, again.stderr
    await until(lambda: len(here.agents) == 1 and here.agents != [first])
    assert len(portal.members) == 1


async def test_an_agent_that_is_killed_is_started_again(here: HostHere, portal: SmallPortal) -> None:
    member = await here.installed(portal)
    [first] = here.agents
    os.kill(first, signal.SIGKILL)
    beats = len(member.heartbeats)
    await until(lambda: len(member.heartbeats) > beats and here.agents not in ([], [first]))
    assert len(here.agents) == 1


async def test_uninstalling_ends_it_and_leaves_nothing(here: HostHere, portal: SmallPortal) -> None:
    await here.installed(portal)
    done = await here.install("--uninstall")
    assert done.returncode == 0, done.stderr
    assert "revoke it in the portal" in done.stdout
    assert here.agents == []
    assert not here.prefix.exists()
    assert not here.state.exists()


async def test_it_is_not_removed_under_a_migration(here: HostHere, portal: SmallPortal) -> None:
    await here.installed(portal)
    (here.state / "machines" / "vm-42").mkdir(parents=True)
    done = await here.install("--uninstall")
    assert done.returncode == 1
    assert "vm-42" in done.stderr
    assert len(here.agents) == 1
    assert (here.prefix / "code").is_dir()


async def test_uninstalling_what_is_not_there_removes_nothing(here: HostHere) -> None:
    here.state.mkdir()
    done = await here.install("--uninstall")
    assert done.returncode == 1
    assert "nothing is installed" in done.stderr
    assert here.state.exists()


async def test_an_archive_that_is_not_the_installer_s_own_is_refused(
    here: HostHere, portal: SmallPortal
) -> None:
    other = here.folder / "other.tar.gz"
    other.write_bytes(b"another archive")
    done = await here.install("--portal", portal.url, "--token", portal.token(), "--package", str(other))
    assert done.returncode == 1
    assert "not the one that this installer was made for" in done.stderr
    assert not (here.prefix / "code").exists()
    assert len(portal.tokens) == 1


async def test_a_spent_token_is_told_and_nothing_runs(here: HostHere, portal: SmallPortal) -> None:
    done = await here.install("--portal", portal.url, "--token", "spent")
    assert done.returncode == 1
    assert "ENR-02" in done.stderr
    assert here.agents == []


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ([], "--portal URL is missing"),
        (["--portal", "https://portal.example"], "--token is missing"),
        (["--portal"], "--portal needs a value"),
        (["--nonsense", "1"], "unknown option --nonsense"),
    ],
)
async def test_what_is_missing_is_told(here: HostHere, options: list[str], why: str) -> None:
    done = await here.install(*options)
    assert done.returncode == 1
    assert why in done.stderr


async def until(ready: Callable[[], bool], seconds: float = 100) -> None:
    async with asyncio.timeout(seconds):
        while not ready():
            await asyncio.sleep(0.05)


def _loop_end(path: Path) -> None:
    try:
        os.kill(int(path.read_text()), signal.SIGTERM)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return
