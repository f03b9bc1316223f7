"""`python -m portal.embedded up`: the portal on one machine, until Ctrl-C."""

import argparse
import logging
import secrets
import signal
import sys
from pathlib import Path

from portal.embedded.postgres import PostgresAbsent
from portal.embedded.stack import ROOT, Stack, Wishes, ready_write
from portal.embedded.supervisor import NotReady

ADMIN = "admin@provider.example"


def main(arguments: list[str]) -> int:
    """Run the portal; 0 when it was told to stop, 1 when it did not come up."""
    asked = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    wishes = Wishes(
        state=asked.state, port=asked.port, gateway_port=asked.gateway_port, public_url=asked.public_url
    )
    stack = Stack(wishes)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stack.supervisor.stop_ask)
    try:
        stack.start()
        _welcome(stack, asked)
        stack.supervisor.run()
    except (NotReady, PostgresAbsent) as error:
        print(f"The portal did not start: {error}", file=sys.stderr)
        return 1
    finally:
        stack.stop()
    return 0


def _welcome(stack: Stack, asked: argparse.Namespace) -> None:
    """Make the provider with its first person, once, and say where everything is."""
    password = secrets.token_urlsafe(12)
    made = stack.manage(
        "provider_init",
        "--name",
        asked.provider,
        "--email",
        asked.admin,
        more={"LANDFALL_ADMIN_PASSWORD": password},
    )
    known = "made" not in made
    print(f"Landfall is at {stack.url}", flush=True)
    if known:
        print(f"Sign in as {asked.admin} with the password you have.", flush=True)
    else:
        print(f"Sign in as {asked.admin}, password {password} (shown once).", flush=True)
    if asked.ready:
        told = {"portal": stack.url, "gateway": stack.gateway_url, "email": asked.admin}
        ready_write(asked.ready, {**told, "password": "" if known else password})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="./landfall")
    commands = parser.add_subparsers(required=True)
    up = commands.add_parser("up", help="run the portal on this machine")
    up.add_argument("--state", type=Path, default=ROOT / "var" / "portal")
    up.add_argument("--port", type=int, default=8000)
    up.add_argument("--gateway-port", type=int, default=8001)
    up.add_argument("--public-url", default="", help="where people reach it, behind a proxy")
    up.add_argument("--provider", default="Provider", help="the provider's name")
    up.add_argument("--admin", default=ADMIN, help="the first person's e-mail address")
    up.add_argument("--ready", type=Path, help="a file to write when it answers")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
