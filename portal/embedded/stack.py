"""The portal's processes on one machine: what each runs, with which environment, in which order."""

import json
import os
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.embedded import redis
from portal.embedded.postgres import Cluster, roles_make
from portal.embedded.secrets import secrets_read
from portal.embedded.supervisor import Program, Supervisor
from portal.lib import env
from portal.lib.keys import VARIABLE, keys_create
from portal.lib.roles import GATEWAY, LOGINS, MIGRATE, WEB, WORKER

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
SOCKET_FOLDER_MAX = 80
"""Unix sockets have 107 bytes for their path; deeper checkouts get a private folder in /tmp."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person asked for on the command line; port 0 means any free one."""

    state: Path
    port: int = 8000
    gateway_port: int = 8001
    public_url: str = ""
    gateway_url: str = ""


class Stack:
    """One installation below `wishes.state`."""

    def __init__(self, wishes: Wishes) -> None:
        self.state = wishes.state.resolve()
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.port = port_choose(wishes.port)
        self.gateway_port = port_choose(wishes.gateway_port)
        self.url = wishes.public_url or f"http://{HOST}:{self.port}"
        self.gateway_url = wishes.gateway_url or f"http://{HOST}:{self.gateway_port}"
        self._sockets = _socket_folder(self.state)
        self._cluster = Cluster(self._sockets / "pg")
        self._cluster.pgdata = self.state / "pgdata"
        self._redis = self._sockets / "redis"
        self._external = env.text("DATABASE_URL")
        self._secrets = secrets_read(self.state / "secrets.json")
        keys_create(self.state / "keys")
        self.supervisor = Supervisor(self.state / "log", root=ROOT)

    def start(self) -> None:
        """Start everything in order. Raises NotReady."""
        self._database_start()
        if not env.text("REDIS_URL"):
            ready = lambda: redis.answers(self._redis)  # noqa: E731
            self.supervisor.start(Program("redis", redis.command(self._redis), ready=ready))
        self.manage("migrate", "--database=migrate", "--verbosity=0", role=MIGRATE)
        for program in self._programs():
            self.supervisor.start(program)

    def stop(self) -> None:
        """Stop everything, and remove what lay outside the state folder."""
        self.supervisor.stop()
        if self._sockets != self.state:
            for path in sorted(self._sockets.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            self._sockets.rmdir()

    def manage(self, *arguments: str, role: str = WEB, more: Mapping[str, str] | None = None) -> str:
        """Run a management command; what it printed. Raises CalledProcessError."""
        argv = [sys.executable, "manage.py", *arguments]
        environment = {**os.environ, **self.environment(role), **(more or {})}
        done = subprocess.run(argv, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout

    def environment(self, role: str) -> dict[str, str]:
        """Return the environment of a process that logs in as `role`, with no other role's password."""
        password = f"{role.upper()}_PASSWORD"
        common = {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "LANDFALL_ROLE": WEB if role == MIGRATE else role,
            "LANDFALL_PORTAL_URL": self.url,
            "LANDFALL_GATEWAY_URL": self.gateway_url,
            "LANDFALL_STATE": str(self.state),
            "LANDFALL_SECRET_KEY": self._secrets["LANDFALL_SECRET_KEY"],
            password: self._secrets[password] if self._external else "",
            "REDIS_URL": env.text("REDIS_URL") or redis.url(self._redis),
            VARIABLE: str(self.state / "keys"),
        }
        if not self._external:
            common |= {"LANDFALL_DB_HOST": str(self._cluster.folder), "LANDFALL_DB_NAME": "landfall"}
        return common

    def _database_start(self) -> None:
        if self._external:
            address = env.database_parse(self._external)
            passwords = {role: self._secrets[f"{role.upper()}_PASSWORD"] for role in (*LOGINS, MIGRATE)}
            roles_make(
                host=address.host,
                port=address.port,
                user=address.user,
                password=address.password,
                database=address.name,
                passwords=passwords,
            )
            return
        self._cluster.initialise()
        program = Program("postgres", self._cluster.command(), ready=self._cluster.answers)
        self.supervisor.start(program)
        self._cluster.prepare("landfall")

    def _programs(self) -> list[Program]:
        python = [sys.executable, "-m"]
        web = [*python, "granian", "--interface", "wsgi", "--host", HOST, "--port", str(self.port)]
        web += ["--workers", "1", "--blocking-threads", "8", "--no-ws", "portal.wsgi:application"]
        gateway = [*python, "uvicorn", "portal.asgi:application", "--host", HOST]
        gateway += ["--port", str(self.gateway_port), "--log-level", "warning", "--no-access-log"]
        celery = [*python, "celery", "-A", "portal.celery", "--quiet"]
        worker = [*celery, "worker", "--concurrency", "2", "--loglevel", "WARNING", "--without-gossip"]
        worker += ["--without-mingle", "--without-heartbeat"]
        beat = [*celery, "beat", "--loglevel", "WARNING", "--schedule", str(self.state / "beat.db")]
        gateway_environment = self.environment(GATEWAY) | {"LANDFALL_GATEWAY_DSN": self._gateway_dsn()}
        return [
            Program("gateway", gateway, gateway_environment, _answers(self.gateway_port, "/healthz")),
            Program("worker", worker, self.environment(WORKER)),
            Program("beat", beat, self.environment(WORKER)),
            Program("web", web, self.environment(WEB), _answers(self.port, "/accounts/login/")),
        ]

    def _gateway_dsn(self) -> str:
        if self._external:
            address = env.database_parse(self._external)
            secret = self._secrets[f"{GATEWAY.upper()}_PASSWORD"]
            return f"postgresql://{GATEWAY}:{secret}@{address.host}:{address.port or 5432}/{address.name}"
        return f"postgresql://{GATEWAY}@/landfall?host={self._cluster.folder}"


def port_choose(wanted: int) -> int:
    """Return the wanted port of loopback, or a free one where it is taken."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("no free port")


def _answers(port: int, path: str) -> Callable[[], bool]:
    def ask() -> bool:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}{path}", timeout=5) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            return error.code < 500
        except OSError:
            return False

    return ask


def _socket_folder(state: Path) -> Path:
    if len(str(state)) <= SOCKET_FOLDER_MAX:
        return state
    return Path(tempfile.mkdtemp(prefix="landfall-"))


def ready_write(path: Path, content: Mapping[str, object]) -> None:
    """Tell whoever started us that the portal answers, and where."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(content))
    fresh.chmod(0o600)
    fresh.replace(path)
