"""The product's agents, installed on the lab's hosts by the same command that a person would use."""

import asyncio
import json
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

from lab.children import ROOT, Child
from lab.link import Link

ENROL_S = 60.0
CLOSE_TO = "127.0.0.1"


class EnrolmentFailed(Exception):
    """The agent said no; the text is what it printed."""


@dataclass(slots=True)
class LabAgent:
    """One agent: `state` is its own folder, `machines` its host's, `link` the line to its receiver."""

    name: str
    state: Path
    host_name: str = ""
    machines: Path | None = None
    connector: bool = False
    link: Link | None = None
    environment: dict[str, str] = field(default_factory=dict)
    child: Child | None = None

    @property
    def duties(self) -> str:
        """What it is for."""
        return ",".join(["host"] * (self.machines is not None) + ["connector"] * self.connector)

    @property
    def agent_id(self) -> str:
        """Who it is, by the portal's word."""
        return str(json.loads((self.state / "agent.json").read_text())["agent_id"])

    async def enrol(self, *, portal: str, token: str) -> None:
        """Spend the token. Raises EnrolmentFailed."""
        argv = [*self._command("enrol"), "--portal", portal, "--token", token, "--name", self.name]
        argv += ["--duties", self.duties, "--host-name", self.host_name]
        if self.machines is not None:
            argv += ["--machines", str(self.machines), *await self._addresses()]
        process = await asyncio.create_subprocess_exec(
            *argv, cwd=ROOT, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        async with asyncio.timeout(ENROL_S):
            said, _ = await process.communicate()
        if process.returncode:
            raise EnrolmentFailed(said.decode(errors="replace"))

    def start(self) -> None:
        """Run it, or run it again."""
        self.child = Child(self._command("run"), self.state.parent / f"{self.name}.log", self.environment)
        self.child.start()

    async def kill(self) -> None:
        """kill -9; its lock keepers and its host's daemons live on."""
        if self.child is not None:
            await self.child.kill()

    async def stop(self) -> None:
        """End it, and the line to it."""
        if self.child is not None:
            await self.child.stop()
        if self.link is not None:
            await self.link.stop()

    def _command(self, verb: str) -> list[str]:
        return [sys.executable, "-m", "agents.hostagent", verb, "--state", str(self.state)]

    async def _addresses(self) -> list[str]:
        """Listen where only the lab's line ends, and tell the others where the line begins."""
        port = port_free()
        if self.link is None:
            return ["--listen", f"{CLOSE_TO}:{port}"]
        self.link.target_port = port
        begins = await self.link.start()
        return ["--listen", f"{CLOSE_TO}:{port}", "--advertise", f"{CLOSE_TO}:{begins}"]


def port_free() -> int:
    """A port of loopback that nobody has at this moment."""
    with socket.create_server((CLOSE_TO, 0)) as server:
        return int(server.getsockname()[1])
