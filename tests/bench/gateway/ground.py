"""What the gateway bench stands on: a real PostgreSQL and Redis, one gateway process, and the rival's."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from portal.embedded import redis
from portal.embedded.installation import HOST, ROOT, Wishes, port_choose
from portal.embedded.programs import gateway as gateway_program
from portal.embedded.stack import Stack
from portal.lib.roles import GATEWAY, WEB

READY_S = 30.0
ANSWER_S = 120.0
ESTATE = "import django; django.setup(); from tests.bench.gateway.estate import main; main()"


@dataclass(slots=True)
class Child:
    """A process of ours that says one JSON object per line."""

    process: "subprocess.Popen[str]"
    said: "queue.Queue[dict[str, Any]]" = field(default_factory=queue.Queue)

    def __post_init__(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()

    def hear(self, timeout: float = ANSWER_S) -> dict[str, Any]:
        """Return the next object. Raises queue.Empty."""
        return self.said.get(timeout=timeout)

    def ask(self, call: str, **more: Any) -> dict[str, Any]:
        """Return the answer to one request."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"call": call, **more}) + "\n")
        self.process.stdin.flush()
        return self.hear()

    def end(self) -> None:
        """Have it end."""
        self.process.kill()
        self.process.wait()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.put(json.loads(line))


@dataclass(slots=True)
class Ground:
    """Everything that runs; `bearers` is the file with the sessions of all agents."""

    folder: Path
    stack: Stack
    estate: Child
    gateway: "subprocess.Popen[bytes]"
    redis: "subprocess.Popen[bytes]"
    bearers: Path
    tenant: str = ""

    def load(self, *arguments: object) -> dict[str, Any]:
        """Run the agents' process to its end; what it measured."""
        done = subprocess.run(_load(*arguments), cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    @contextmanager
    def polling(self, port: int, bearers: Path) -> Iterator[Child]:
        """Hold a long-poll per agent for the block."""
        child = Child(
            subprocess.Popen(
                _load("poll", port, bearers),
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        try:
            yield child
        finally:
            child.end()

    def some(self, count: int) -> Path:
        """Return a file with the bearers of that many agents."""
        held = json.loads(self.bearers.read_text())
        path = self.folder / f"bearers-{count}.json"
        path.write_text(json.dumps(dict(list(held.items())[:count])))
        return path

    @contextmanager
    def rival(self, kind: str) -> Iterator["tuple[int, subprocess.Popen[bytes]]"]:
        """Serve the alternative for the block, as `wsgi` under granian or `asgi` under uvicorn."""
        port = port_choose(0, option="--port")
        target = f"tests.bench.gateway.rival:{kind}"
        served = {
            "wsgi": ["granian", "--interface", "wsgi", "--workers", "1", "--blocking-threads", "8"],
            "asgi": ["uvicorn", "--log-level", "warning", "--no-access-log", "--lifespan", "off"],
        }[kind]
        argv = [sys.executable, "-m", *served, "--host", HOST, "--port", str(port), target]
        environment = self.stack.installation.environment(GATEWAY) | {"LANDFALL_ROLE": GATEWAY}
        with _running(argv, environment, self.folder / f"{kind}.log") as process:
            _await_port(port)
            yield port, process


def pss_bytes(process: "subprocess.Popen[bytes]") -> int:
    """Return the process's proportional set size, its children's too."""
    return sum(_pss(pid) for pid in _family(process.pid))


def cpu_seconds(process: "subprocess.Popen[bytes]") -> float:
    """Return the processor time that the process has had, its children too."""
    ticks = 0
    for pid in _family(process.pid):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def healthz(port: int) -> dict[str, Any]:
    """Return what the gateway says of itself."""
    with urllib.request.urlopen(f"http://{HOST}:{port}/healthz", timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def ground_up(folder: Path, agents: int) -> Iterator[Ground]:
    """Start everything, with so many agents; none of it is left."""
    folder.mkdir(mode=0o700, parents=True)
    with ExitStack() as ending:
        broker = folder / "redis"
        redis_process = ending.enter_context(_running(redis.command(broker), {}, folder / "redis.log"))
        os.environ["REDIS_URL"] = redis.url(broker)
        wishes = Wishes(state=folder / "state", port=0, gateway_port=0)
        stack = Stack(wishes)
        ending.callback(stack.stop)
        stack.servers_start()
        program = gateway_program(stack.installation, wishes)
        gateway = ending.enter_context(_running(program.argv, program.environment, folder / "gateway.log"))
        estate = Child(
            subprocess.Popen(
                [sys.executable, "-c", ESTATE],
                cwd=ROOT,
                env={**os.environ, **stack.installation.environment(WEB)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        ending.callback(estate.end)
        _await_port(stack.installation.gateway_port)
        ground = Ground(folder, stack, estate, gateway, redis_process, folder / "bearers.json")
        ground.tenant = estate.ask("agents", count=agents, path=str(folder / "agents.json"))["tenant"]
        yield ground


@contextmanager
def _running(argv: Any, environment: Any, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    with log.open("ab") as output:
        process = subprocess.Popen(
            argv, cwd=ROOT, env={**os.environ, **environment}, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _await_port(port: int) -> None:
    until = time.monotonic() + READY_S
    while True:
        try:
            healthz(port)
        except urllib.error.HTTPError:
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def _load(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "tests.bench.gateway.load", *(str(each) for each in arguments)]


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(member for child in children for member in _family(int(child)))]


def _pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0
