"""`python -m portal.embedded up`: the portal on one machine, until Ctrl-C; `manage`: a command on it."""

import argparse
import logging
import os
import secrets
import signal
import subprocess
import sys
from pathlib import Path

from portal.embedded.claim import FolderBusy
from portal.embedded.installation import HOST, ROOT, Installation, Unfit, Wishes
from portal.embedded.programs import NAMES
from portal.embedded.stack import Stack, ready_write
from portal.embedded.supervisor import NotReady, Stopped
from portal.lib.roles import MIGRATE, WEB

ADMIN = "admin@provider.example"
STATE = ROOT / "var" / "portal"


def main(arguments: list[str]) -> int:
    """Do what was asked: 0 when it went well, 1 with a reason on stderr when it did not."""
    asked, rest = _parser().parse_known_args(arguments)
    if asked.verb == "manage":
        return _manage(asked.state, rest)
    if rest:
        _parser().error(f"there is no {' '.join(rest)}")
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        return _up(Stack(_wishes(asked)), asked)
    except (NotReady, FolderBusy, Unfit) as error:
        reason = str(error)
    except KeyboardInterrupt:
        reason = "you ended it"
    except subprocess.CalledProcessError as error:
        reason = f"`{' '.join(error.cmd[1:])}` failed, see above"
    print(f"The portal did not start: {reason}", file=sys.stderr)
    return 1


def _up(stack: Stack, asked: argparse.Namespace) -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stack.supervisor.stop_ask)
    try:
        stack.start()
        password = "" if asked.only else _welcome(stack.installation, asked)
        if asked.ready:
            ready_write(asked.ready, _told(stack.installation, asked.admin, password))
        stack.supervisor.run()
    except Stopped:
        pass
    except subprocess.CalledProcessError:
        if not stack.supervisor.stopping:  # Ctrl-C reaches the commands that we wait for, too
            raise
    finally:
        stack.stop()
    return 0


def _manage(state: Path, arguments: list[str]) -> int:
    """Run a management command on the portal of this state folder."""
    role = MIGRATE if "--database=migrate" in arguments else WEB
    try:
        environment = Installation(Wishes(state=state, port=0, gateway_port=0)).environment(role)
    except Unfit as error:
        print(error, file=sys.stderr)
        return 1
    argv = [sys.executable, str(ROOT / "manage.py"), *arguments]
    return subprocess.run(argv, env={**os.environ, **environment}, check=False).returncode


def _welcome(installation: Installation, asked: argparse.Namespace) -> str:
    """Make the provider with its first person, once, and say where everything is; the password, if new."""
    password = secrets.token_urlsafe(12)
    who = ("--name", asked.provider, "--email", asked.admin)
    made = installation.manage("provider_init", *who, more={"LANDFALL_ADMIN_PASSWORD": password})
    print(f"Landfall is at {installation.url}", flush=True)
    if "made" not in made:
        print(f"Sign in as {asked.admin} with the password you have.", flush=True)
        return ""
    print(f"Sign in as {asked.admin}, password {password} (shown once).", flush=True)
    return password


def _told(installation: Installation, admin: str, password: str) -> dict[str, str]:
    addresses = {"portal": installation.url, "gateway": installation.gateway_url}
    return {**addresses, "email": admin, "password": password}


def _wishes(asked: argparse.Namespace) -> Wishes:
    return Wishes(
        state=asked.state,
        port=asked.port,
        gateway_port=asked.gateway_port,
        public_url=asked.public_url.rstrip("/"),
        gateway_url=asked.gateway_url.rstrip("/"),
        bind=asked.bind,
        only=tuple(asked.only),
        without=("connectors",) if asked.no_connectors else (),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./landfall", allow_abbrev=False)
    commands = parser.add_subparsers(dest="verb", required=True)
    up = commands.add_parser("up", help="run the portal on this machine", allow_abbrev=False)
    up.add_argument("--port", type=int, default=8000, help="of the web process; 0: any free one")
    up.add_argument("--gateway-port", type=int, default=8001, help="of the gateway; 0: any free one")
    up.add_argument("--bind", default=HOST, metavar="ADDRESS", help="where both listen (default: loopback)")
    up.add_argument("--public-url", default="", help="where people reach it, behind a proxy")
    up.add_argument("--gateway-url", default="", help="where agents reach the gateway (default: the same)")
    up.add_argument("--provider", default="Provider", help="the provider's name")
    up.add_argument("--admin", default=ADMIN, help="the first person's e-mail address")
    up.add_argument("--only", nargs="+", default=[], choices=NAMES, help="a part, one machine of several")
    up.add_argument(
        "--no-connectors",
        action="store_true",
        help="the provider's sites get theirs by hand, as a tenant's do",
    )
    up.add_argument("--ready", type=Path, help="a file to write when it answers")
    manage = commands.add_parser("manage", help="a Django management command", add_help=False)
    for one in (up, manage):
        one.add_argument("--state", type=Path, default=STATE, help="the folder of everything that lasts")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
