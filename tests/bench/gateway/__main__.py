"""`./landfall bench gateway --json [--agents N] [--pairs N]`.

One gateway process as the supervisor runs it, on a real PostgreSQL and Redis, with agents that have their
sessions by their keys; beside it the same calls as plain Django views. Loopback, without TLS.
"""

import argparse
import random
import shutil
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from typing import Any

from tests.bench.gateway.ground import Child, Ground, cpu_seconds, ground_up, healthz, pss_bytes
from tests.bench.gateway.load import FIRST_NUMBER
from tests.bench.measure import Bar, at_least, at_most, finish, ratios, tell

BEAT_S = 4.0
CONNECTIONS = 64
SETTLE_S = 5.0
STORED_S = 10.0
RIVAL_POLLS = 500
SINGLE, GONE, SILENT = 300, 100, 20
KIB = 1024


@dataclass(slots=True)
class Bench:
    """One run: its ground, and what has been found."""

    ground: Ground
    agents: int
    pairs: int
    bars: list[Bar] = field(default_factory=list)
    samples: dict[str, Any] = field(default_factory=dict)
    _first: int = FIRST_NUMBER

    def sessions(self) -> int:
        """Get all agents their bearers; the gateway's memory before."""
        port = self.ground.stack.installation.gateway_port
        for _ in range(20):
            healthz(port)
        before = pss_bytes(self.ground.gateway)
        keys = self.ground.folder / "agents.json"
        found = self.ground.load("sessions", port, keys, self.ground.bearers)
        self.samples["sessions"] = found | {"per_s": found["sessions"] / found["seconds"]}
        return before

    def heartbeats(self) -> None:
        """Heartbeats per second, ours and the plain view's in the order A B B A; none may be lost."""
        ours: list[dict[str, Any]] = []
        theirs: list[dict[str, Any]] = []
        with self.ground.rival("wsgi") as (port, process):
            self._beat(port, process, seconds=2.0)
            self._beat(self.ground.stack.installation.gateway_port, self.ground.gateway, seconds=2.0)
            for number in range(self.pairs):
                order = [
                    (ours, self.ground.stack.installation.gateway_port, self.ground.gateway),
                    (theirs, port, process),
                ]
                for found, at, server in order[:: 1 if number % 2 == 0 else -1]:
                    found.append(self._beat(at, server, seconds=BEAT_S))
        self.samples["heartbeats"] = {"gateway": ours, "django_view_granian_wsgi": theirs}
        rates, other = [each["per_s"] for each in ours], [each["per_s"] for each in theirs]
        busy = statistics.median(each["generator_cpu"] for each in ours)
        note = f"{CONNECTIONS} connections, {self.agents} agents; the generator used {busy:.0%} of a core"
        self.bars.append(at_least("heartbeats, one gateway process", rates, 5000, unit="/s", note=note))
        lost = sum(each["agents_not_stored"] for each in ours)
        self.bars.append(Bar("agents whose last heartbeat was not stored", lost, "agents", "<= 0", lost == 0))
        self.bars.append(at_least("heartbeats / a plain Django view", ratios(rates, other), 1.0))

    def _beat(self, port: int, process: Any, *, seconds: float) -> dict[str, Any]:
        self._first += 1_000_000
        worked = cpu_seconds(process)
        found = self.ground.load("beat", port, self.ground.bearers, seconds, CONNECTIONS, self._first)
        worked = cpu_seconds(process) - worked
        last = found.pop("last")
        found["per_s"] = found["ok"] / found["seconds"]
        found["cpu_ms"] = 1000 * worked / max(1, found["ok"])
        found |= self._stored(last)
        tell(f"{found}")
        return found

    def _stored(self, last: dict[str, int]) -> dict[str, float]:
        """See that every agent's last heartbeat arrives in the database."""
        begun = time.monotonic()
        while True:
            stored = self.ground.estate.ask("beats", tenant=self.ground.tenant)["numbers"]
            missing = sum(stored[agent] < number for agent, number in last.items())
            waited = time.monotonic() - begun
            if not missing or waited > STORED_S:
                return {"agents_not_stored": missing, "stored_after_s": waited}
            time.sleep(0.2)

    def idle(self, before: int, poller: Child) -> None:
        """Memory per agent that waits, beside Django's ASGI handler."""
        assert poller.hear()["connected"] == self.agents
        time.sleep(SETTLE_S)
        per_agent = (pss_bytes(self.ground.gateway) - before) / self.agents
        worked = cpu_seconds(self.ground.gateway)
        time.sleep(SETTLE_S)
        worked = cpu_seconds(self.ground.gateway) - worked
        self.samples["idle"] = {
            "agents": self.agents,
            "before_bytes": before,
            "bytes_per_agent": per_agent,
            "cpu_share": worked / SETTLE_S,
            "django_asgi_bytes_per_agent": self._rival_idle(),
        }
        note = "with session, bearer and connection; before any agent / with all waiting"
        name = f"memory per idle agent, {self.agents} connected"
        self.bars.append(at_most(name, [per_agent / KIB], 20, unit="KiB", note=note))

    def _rival_idle(self) -> float:
        with self.ground.rival("asgi") as (port, process):
            before = pss_bytes(process)
            with self.ground.polling(port, self.ground.some(RIVAL_POLLS)) as poller:
                poller.hear()
                time.sleep(SETTLE_S)
                return (pss_bytes(process) - before) / RIVAL_POLLS

    def commands(self, poller: Child) -> None:
        """From before the command's transaction to the agent, with all agents waiting."""
        waits = self._delivered(poller, count=SINGLE, pause=0.01, patience=30)
        self.samples["command_s"] = waits
        self.bars.append(_p99("a command reaches a waiting agent, p99", waits, 1.0))

    def without_redis(self, poller: Child) -> None:
        """The same while Redis answers nothing, and when it is gone."""
        self.ground.redis.send_signal(19)
        waits = self._delivered(poller, count=SILENT, pause=0.0, patience=40)
        self.samples["command_redis_silent_s"] = waits
        self.bars.append(_p99("a command, Redis silent, slowest", waits, 15.0, share=1.0))
        self.ground.redis.kill()
        time.sleep(1.0)
        waits = self._delivered(poller, count=GONE, pause=0.0, patience=40)
        self.samples["command_redis_gone_s"] = waits
        self.bars.append(_p99("a command, Redis gone, slowest", waits, 15.0, share=1.0))

    def _delivered(self, poller: Child, *, count: int, pause: float, patience: float) -> list[float]:
        """Seconds until each of `count` commands arrived; `patience` for one that did not."""
        chosen = random.Random(count).sample(sorted(self._known()), count)
        asked = {"tenant": self.ground.tenant, "agents": chosen, "pause": pause}
        begun: dict[str, float] = self.ground.estate.ask("commands", **asked)
        until = time.monotonic() + patience
        arrived: dict[str, float] = {}
        while len(arrived) < len(begun) and (left := until - time.monotonic()) > 0:
            try:
                said = poller.hear(left)
            except Empty:
                break
            if said.get("command") in begun:
                arrived.setdefault(said["command"], said["at"])
        waits = [arrived.get(command, at + patience) - at for command, at in begun.items()]
        tell(f"{count} commands: median {statistics.median(waits):.3f} s, slowest {max(waits):.3f} s")
        return waits

    def _known(self) -> list[str]:
        held: list[str] = list(self.ground.estate.ask("beats", tenant=self.ground.tenant)["numbers"])
        return held


def _p99(name: str, waits: list[float], limit: float, *, share: float = 0.99) -> Bar:
    value = sorted(waits)[max(0, int(len(waits) * share) - 1)]
    return Bar(name, round(value, 4), "s", f"<= {limit:g}", value <= limit, note=f"{len(waits)} commands")


def main(arguments: list[str]) -> int:
    """Run all parts; 0 when every bar is ok."""
    parser = argparse.ArgumentParser(prog="./landfall bench gateway", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--agents", type=int, default=5000, help="how many are connected")
    parser.add_argument("--pairs", type=int, default=5, help="how often heartbeats are measured")
    asked = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="landfall-bench-"))
    try:
        with ground_up(folder / "g", asked.agents) as ground:
            bench = Bench(ground, asked.agents, asked.pairs)
            before = bench.sessions()
            bench.heartbeats()
            with ground.polling(ground.stack.installation.gateway_port, ground.bearers) as poller:
                bench.idle(before, poller)
                bench.commands(poller)
                bench.without_redis(poller)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return finish("gateway", bars=bench.bars, samples=bench.samples, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
