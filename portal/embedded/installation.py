"""One installation below its state folder: its addresses, its secrets, and which process may know what."""

import hashlib
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from portal.embedded import redis
from portal.embedded.secrets import secrets_read
from portal.lib import env
from portal.lib.env import DatabaseAddress
from portal.lib.keys import AUTHORITY_CERTIFICATE, STORAGE, VARIABLE, keys_create
from portal.lib.roles import GATEWAY, LOGINS, MIGRATE, WEB

ROOT = Path(__file__).parents[2]
HOST = "127.0.0.1"
DATABASE = "landfall"
SOCKET_FOLDER_MAX = 80
"""Unix sockets have 107 bytes for their path; deeper checkouts get a private folder in /tmp."""


class Unfit(Exception):
    """What was asked for cannot be done here; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a person asked for on the command line; port 0 means any free one, no `only` everything."""

    state: Path
    port: int = 8000
    gateway_port: int = 8001
    public_url: str = ""
    gateway_url: str = ""
    bind: str = HOST
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


class Installation:
    """What `wishes` come to; everything that lasts is in the state folder."""

    def __init__(self, wishes: Wishes) -> None:
        self.state = wishes.state.resolve()
        self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.sockets = _socket_folder(self.state)
        self.installer = _installer(wishes)
        self.external_redis = env.text("REDIS_URL")
        self._wishes = wishes
        self._ports: dict[str, int] = {}
        if wishes.only:
            _fit_for_a_part(self)
        self._secrets = secrets_read(self.state / "secrets.json")
        keys_create(self.state / "keys")

    @property
    def port(self) -> int:
        """Return the port of the web process."""
        return self._port("--port", self._wishes.port)

    @property
    def gateway_port(self) -> int:
        """Return the port of the gateway."""
        return self._port("--gateway-port", self._wishes.gateway_port)

    @property
    def url(self) -> str:
        """Return where people reach the portal."""
        return self._wishes.public_url or f"http://{HOST}:{self.port}"

    @property
    def gateway_url(self) -> str:
        """Return where agents and streams reach the gateway: behind a proxy the same host serves both."""
        return self._wishes.gateway_url or self._wishes.public_url or f"http://{HOST}:{self.gateway_port}"

    @property
    def address(self) -> DatabaseAddress:
        """Return where the database is."""
        return self.installer or DatabaseAddress(host=str(self.sockets / "pg"), port="", name=DATABASE)

    @property
    def redis_url(self) -> str:
        """Return where Redis is."""
        return self.external_redis or redis.url(self.sockets / "redis")

    @property
    def passwords(self) -> dict[str, str]:
        """Return the password of each role that logs in."""
        return {role: self._secrets[_variable(role)] for role in (*LOGINS, MIGRATE)}

    def environment(self, role: str) -> dict[str, str]:
        """Return the environment of a process that logs in as `role`, with no other role's password."""
        password = self.passwords[role] if self.installer else ""
        known = {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "LANDFALL_ROLE": WEB if role == MIGRATE else role,
            "LANDFALL_PORTAL_URL": self.url,
            "LANDFALL_GATEWAY_URL": self.gateway_url,
            "LANDFALL_STATE": str(self.state),
            "LANDFALL_SECRET_KEY": self._secrets["LANDFALL_SECRET_KEY"],
            "REDIS_URL": self.redis_url,
            VARIABLE: str(self.state / "keys"),
            _variable(role): password,
            **self.address.variables(),
        }
        if role == GATEWAY:
            known["LANDFALL_GATEWAY_DSN"] = self.address.url(user=GATEWAY, password=password)
        return known

    def manage(self, *arguments: str, role: str = WEB, more: Mapping[str, str] | None = None) -> str:
        """Run a management command; what it printed. Raises CalledProcessError."""
        argv = [sys.executable, "manage.py", *arguments]
        environment = {**os.environ, **self.environment(role), **(more or {})}
        done = subprocess.run(argv, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True)
        return done.stdout

    def _port(self, option: str, wanted: int) -> int:
        if option not in self._ports:
            self._ports[option] = port_choose(wanted, option=option, bind=self._wishes.bind)
        return self._ports[option]


def port_choose(wanted: int, *, option: str, bind: str = HOST) -> int:
    """Return the wanted port, or a free one for 0. Raises Unfit.

    A taken port is never exchanged silently: agents and proxies know the portal by it.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, wanted))
        except OSError as error:
            raise Unfit(
                f"port {wanted} of {bind} is not to be had ({error.strerror}): "
                f"end what uses it, or choose another with {option}, 0 for any free one"
            ) from error
        return int(probe.getsockname()[1])


def _variable(role: str) -> str:
    return f"{role.upper()}_PASSWORD"


def _installer(wishes: Wishes) -> DatabaseAddress | None:
    url = env.text("DATABASE_URL")
    if wishes.only and not (url and env.text("REDIS_URL")):
        raise Unfit("--only runs a part of a portal on several machines: set DATABASE_URL and REDIS_URL")
    try:
        return env.database_parse(url) if url else None
    except ValueError as error:
        raise Unfit(str(error)) from error


def _fit_for_a_part(installation: Installation) -> None:
    for name in ("secrets.json", f"keys/{AUTHORITY_CERTIFICATE}", f"keys/{STORAGE}"):
        if not (installation.state / name).exists():
            raise Unfit(
                f"{installation.state / name} is missing: bring secrets.json and keys/ from the state folder "
                "of the machine where `up` ran first"
            )


def _socket_folder(state: Path) -> Path:
    """Return a private folder with a path that is short enough; the same one each time."""
    if len(str(state)) <= SOCKET_FOLDER_MAX:
        return state
    name = hashlib.sha256(str(state).encode()).hexdigest()[:12]
    folder = Path("/tmp") / f"landfall-{os.geteuid()}-{name}"  # noqa: S108  its owner is looked at below
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise Unfit(f"{folder} belongs to somebody else: put the state folder where its path is shorter")
    folder.chmod(0o700)
    return folder
