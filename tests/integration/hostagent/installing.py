"""A host of the tests' own: where the real installer puts the agent, and what ends it again."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agents.domain.release import INSTALLER
from lab.children import processes_end, processes_naming
from tests.integration.hostagent.portal import Member, SmallPortal
from tests.releases import fingerprint_in


@dataclass(frozen=True, slots=True)
class HostHere:
    """Where the agent is installed, and what it is installed from."""

    folder: Path
    package: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def prefix(self) -> Path:
        return self.folder / "opt"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    async def install(
        self, *more: str, release_key: str | None = None, script: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run the installer; an option that is given twice counts as the second says."""
        path = self.folder / script if script else self.package / INSTALLER
        key = fingerprint_in(self.package) if release_key is None else release_key
        argv = ["sh", str(path), "--prefix", str(self.prefix), "--state", str(self.state), "--no-systemd"]
        argv += ["--package", str(self.package), *(["--release-key", key] if key else []), *more]
        environment = {**os.environ, **self.environment}
        return await asyncio.to_thread(
            lambda: subprocess.run(
                argv, capture_output=True, text=True, timeout=120, check=False, env=environment
            )
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

    @property
    def log(self) -> str:
        """What the agent and what starts it have said."""
        return (self.state / "agent.log").read_text()


@contextmanager
def host_here(folder: Path, package: Path, environment: dict[str, str] | None = None) -> Iterator[HostHere]:
    """A host, of which nothing runs afterwards."""
    host = HostHere(folder, package, environment or {})
    try:
        yield host
    finally:
        _loop_end(host.state / "loop.pid")
        processes_end(str(host.state))


async def until(ready: Callable[[], bool], seconds: float = 100) -> None:
    async with asyncio.timeout(seconds):
        while not ready():
            await asyncio.sleep(0.05)


def _loop_end(path: Path) -> None:
    try:
        os.kill(int(path.read_text()), signal.SIGTERM)
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return
