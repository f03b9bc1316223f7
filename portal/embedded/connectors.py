"""The provider's own connectors: one agent per site of the provider that has none, beside the portal."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import UUID

from portal.embedded.supervisor import Program, Supervisor

LOOK_EVERY_S = 5.0
AGAIN_AFTER_S = 60.0
ENROL_S = 60.0
ROOT = Path(__file__).parents[2]
# The agent is a program of its own: of our environment it gets what finds programs and certificates.
PASSED = ("PATH", "HOME", "LANG", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "NO_PROXY")

log = logging.getLogger("landfall.connectors")


class Connectors:
    """Enrols and runs agents below `folder`; `wanted` gives a key for each site without a connector."""

    def __init__(
        self, folder: Path, *, portal: str, wanted: Callable[[frozenset[UUID]], Mapping[UUID, str]]
    ) -> None:
        self._folder = folder
        self._portal = portal
        self._wanted = wanted
        self._refused: dict[UUID, float] = {}
        self._running: set[UUID] = set()
        self.supervisor = Supervisor(folder / "log", root=ROOT)

    def run(self) -> None:
        """Look for sites and keep their agents running, until the supervisor is told to stop."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        looked = -LOOK_EVERY_S
        try:
            while not self.supervisor.pause():
                self.supervisor.revive()
                if time.monotonic() - looked >= LOOK_EVERY_S:
                    looked = time.monotonic()
                    self.look()
        finally:
            self.supervisor.stop()

    def look(self) -> None:
        """Start the agents that are enrolled, and enrol those that are wanted."""
        self._start_enrolled()
        now = time.monotonic()
        resting = frozenset(site for site, at in self._refused.items() if now - at < AGAIN_AFTER_S)
        for site, key in self._wanted(resting | self._running).items():
            if not self._enrol(site, key):
                self._refused[site] = now
        self._start_enrolled()

    def _enrol(self, site: UUID, key: str) -> bool:
        verb = ("enrol", "--portal", self._portal, f"--token={key}", "--name", f"connector-{site.hex[:6]}")
        argv = self._agent(site, *verb, "--duties", "connector")
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=ENROL_S, check=False)
        if done.returncode:
            log.warning("the connector of site %s was not enrolled: %s", site, done.stderr.strip()[-500:])
        return done.returncode == 0

    def _start_enrolled(self) -> None:
        for path in sorted(self._folder.glob("*/agent.json")):
            site = UUID(path.parent.name)
            if site not in self._running:
                self._running.add(site)
                self.supervisor.start(Program(str(site), self._agent(site, "run")))

    def _agent(self, site: UUID, verb: str, *options: str) -> list[str]:
        kept = [f"{name}={os.environ[name]}" for name in PASSED if name in os.environ]
        agent = [sys.executable, "-m", "agents.hostagent", verb, *options]
        return ["/usr/bin/env", "-i", *kept, *agent, "--state", str(self._folder / str(site))]
