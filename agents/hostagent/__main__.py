"""`python -m agents.hostagent enrol …` once, and then `python -m agents.hostagent run --state DIR`."""

import argparse
import asyncio
import base64
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

from agents.domain.agent import Duty
from agents.hostagent.agent import Agent
from agents.hostagent.identity import (
    AlreadyRunning,
    Keys,
    NotEnrolled,
    PlainHttpRefused,
    Settings,
    StateFolder,
    url_checked,
)
from agents.hostagent.installed import version
from agents.hostagent.portal import PortalRefused, PortalUnreachable, client_make, enrol, proxy_of

ROOT = Path(__file__).resolve().parents[2]
RESTART = 75
"""The status of an agent that ends so that its next release starts: whatever runs it starts it again."""


def main(arguments: list[str]) -> int:
    """Do what was asked; 0 when it went well, RESTART to be started again, 1 with a reason on stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("qemu").setLevel(logging.CRITICAL)  # it logs lost connections as errors
    os.environ["PYTHONPATH"] = str(ROOT)  # for the processes that it starts, wherever they are started
    asked = parsed(arguments)
    try:
        if asked.verb == "run":
            asyncio.run(_run(asked))
            return RESTART
        asyncio.run(_enrol(asked))
    except (
        AlreadyRunning,
        NotEnrolled,
        PlainHttpRefused,
        PortalRefused,
        PortalUnreachable,
    ) as error:
        print(f"landfall agent: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 0
    return 0


def parsed(arguments: list[str]) -> argparse.Namespace:
    """What was asked. A token may begin with a dash, which argparse would take for an option."""
    joined = list(arguments)
    if "--token" in joined[:-1]:
        place = joined.index("--token")
        joined[place : place + 2] = [f"--token={joined[place + 1]}"]
    return _parser().parse_args(joined)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m agents.hostagent", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    enrolling = verbs.add_parser("enrol", help="spend a one-off token and become this portal's agent")
    enrolling.add_argument("--portal", required=True, help="the portal's https address")
    enrolling.add_argument("--token", required=True, help="the one-off token that the portal showed")
    enrolling.add_argument("--name", default="", help="how people call this agent (default: the host's name)")
    enrolling.add_argument("--host-name", default="", help="this host's name in its vCenter")
    enrolling.add_argument("--machines", default="", help="the folder with one folder per virtual machine")
    enrolling.add_argument("--duties", default=Duty.HOST, help="host, connector, or both with a comma")
    enrolling.add_argument("--listen", default="127.0.0.1:0", help="where other agents connect, HOST:PORT")
    enrolling.add_argument("--advertise", default="", help="the same as others see it, if it differs")
    enrolling.add_argument("--proxy", default="", help="an HTTP proxy on the way (default: HTTPS_PROXY's)")
    enrolling.add_argument("--ca", default="", help="a file with the authority of the portal's certificate")
    running = verbs.add_parser("run", help="work, until told to end")
    for one in (enrolling, running):
        one.add_argument("--state", required=True, type=Path, help="the agent's own folder")
    return parser


async def _enrol(asked: argparse.Namespace) -> None:
    folder = StateFolder(asked.state)
    keys = folder.keys()
    with folder.held():
        if folder.enrolled():
            print(f"already enrolled as agent {folder.settings().agent_id}")
            return
        duties = _duties(asked.duties)
        proxy = asked.proxy or proxy_of(asked.portal)
        async with client_make(asked.ca, proxy=proxy) as client:
            answer = await enrol(client, portal=asked.portal, body=_application(asked, duties, keys))
        settings = Settings(
            agent_id=answer.agent_id,
            site_id=answer.site_id,
            portal=url_checked(asked.portal),
            gateway=url_checked(answer.gateway),
            portal_key=answer.portal_key,
            host_name=asked.host_name,
            duties=duties,
            machines=str(Path(asked.machines).absolute()) if asked.machines else "",
            listen=asked.listen,
            advertise=asked.advertise,
            ca=asked.ca,
            proxy=proxy,
        )
        folder.enrolment_save(settings, certificate=answer.certificate, authority=answer.authority)
    print(f"enrolled as agent {answer.agent_id}")


def _application(asked: argparse.Namespace, duties: tuple[str, ...], keys: Keys) -> dict[str, Any]:
    return {
        "token": asked.token,
        "name": asked.name or asked.host_name or os.uname().nodename,
        "host_name": asked.host_name,
        "duties": duties,
        "signing_key": _encoded(keys.signing.public_key().public_bytes_raw()),
        "sealing_key": _encoded(keys.sealing.public_key().public_bytes_raw()),
        "version": version(),
    }


async def _run(asked: argparse.Namespace) -> None:
    folder = StateFolder(asked.state)
    folder.settings()
    with folder.held():
        running = asyncio.current_task()
        assert running is not None  # noqa: S101  asyncio.run made it
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, running.cancel)
        await Agent(folder).run()


def _duties(text: str) -> tuple[str, ...]:
    try:
        return tuple(Duty(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise NotEnrolled(f"--duties: {error}; there are host and connector") from error


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
