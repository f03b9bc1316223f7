"""What a portal consists of: each process's command line and environment, and how to see that it serves."""

import sys
import urllib.error
import urllib.request
from collections.abc import Callable

from portal.embedded.installation import HOST, Installation, Wishes
from portal.embedded.supervisor import Program
from portal.lib.roles import GATEWAY, WEB, WORKER

NAMES = ("gateway", "worker", "beat", "web", "connectors")
BLOCKING_THREADS = 8
CONCURRENCY = 2
GATEWAY_GRACE_S = 2


def programs(installation: Installation, wishes: Wishes) -> list[Program]:
    """Return the portal's own programs in the order of their start, as far as they were asked for."""
    made = {"gateway": gateway, "worker": _worker, "beat": _beat, "web": _web, "connectors": _connectors}
    asked = set(wishes.only or NAMES) - set(wishes.without)
    return [make(installation, wishes) for name, make in made.items() if name in asked]


def gateway(installation: Installation, wishes: Wishes) -> Program:
    """Return the gateway's program. Open long-polls and streams do not hold up its end."""
    argv = [sys.executable, "-m", "uvicorn", "portal.asgi:application", "--host", wishes.bind]
    argv += ["--port", str(installation.gateway_port), "--log-level", "warning", "--no-access-log"]
    argv += ["--loop", "uvloop", "--http", "httptools", "--ws", "none"]
    argv += ["--timeout-graceful-shutdown", str(GATEWAY_GRACE_S)]
    ready = answers(wishes.bind, installation.gateway_port, "/healthz")
    return Program("gateway", argv, installation.environment(GATEWAY), ready)


def _worker(installation: Installation, _wishes: Wishes) -> Program:
    argv = [*_celery(), "worker", "--concurrency", str(CONCURRENCY), "--loglevel", "WARNING"]
    argv += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    return Program("worker", argv, installation.environment(WORKER))


def _beat(installation: Installation, _wishes: Wishes) -> Program:
    argv = [*_celery(), "beat", "--loglevel", "WARNING", "--schedule", str(installation.state / "beat.db")]
    return Program("beat", argv, installation.environment(WORKER))


def _web(installation: Installation, wishes: Wishes) -> Program:
    argv = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", wishes.bind]
    argv += ["--port", str(installation.port), "--workers", "1"]
    argv += ["--blocking-threads", str(BLOCKING_THREADS), "--no-ws", "portal.wsgi:application"]
    ready = answers(wishes.bind, installation.port, "/accounts/login/")
    return Program("web", argv, installation.environment(WEB), ready)


def _connectors(installation: Installation, _wishes: Wishes) -> Program:
    """The provider's connectors; at a tenant an agent of the site has that duty."""
    argv = [sys.executable, "manage.py", "provider_connectors"]
    argv += ["--folder", str(installation.state / "connectors")]
    return Program("connectors", argv, installation.environment(WEB))


def _celery() -> list[str]:
    return [sys.executable, "-m", "celery", "-A", "portal.celery", "--quiet"]


def answers(bind: str, port: int, path: str) -> Callable[[], bool]:
    """Return the question whether a server there answers without a fault of its own."""
    host = HOST if bind in ("0.0.0.0", "") else bind  # noqa: S104  every address has loopback among them

    def ask() -> bool:
        try:
            with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=5) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            return error.code < 500
        except OSError:
            return False

    return ask
