"""`./landfall demo [--exit] [--json] [--keep DIR]`."""

import argparse
import asyncio
import json
import logging
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from lab.agents import EnrolmentFailed
from lab.children import ROOT
from lab.demo.results import failure, table
from lab.demo.run import Demo, demo_run
from lab.door import DoorShut
from lab.evidence import NoView
from lab.folders import FolderTaken
from lab.session import PortalSaidNo
from lab.stack import PortalDown
from lab.story import NotInTime

EXPECTED = (FolderTaken, PortalDown, EnrolmentFailed, PortalSaidNo, NotInTime, NoView, DoorShut)
"""What can go wrong on a reader's machine; each says what and why."""
INTERRUPTED = 130
HEARD_S = 0.05
"""A signal that came while we waited for a command is told to the loop a moment later."""


def main(arguments: list[str]) -> int:
    """Run the demo; 0 when all is as it must be."""
    asked = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    began = time.monotonic()

    def tell(said: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {said}", file=sys.stderr, flush=True)

    ports = [_port_or_any(port, tell) for port in (asked.port, asked.gateway_port)]
    return asyncio.run(_run(asked, Demo(asked.folder, asked.keep, tell, *ports)))


def _port_or_any(port: int, tell: Callable[[str], None]) -> int:
    """Return the port, or 0 where somebody has it: a demo is not worth ending anything for."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            tell(f"port {port} is taken; any free one will do")
            return 0
    return port


async def _run(asked: argparse.Namespace, demo: Demo) -> int:
    stop, shown = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    running = asyncio.create_task(_show(asked, demo, stop, shown))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not shown.is_set():  # what was shown ends by itself
        running.cancel()
    try:
        return await running
    except asyncio.CancelledError:
        return INTERRUPTED
    except (*EXPECTED, subprocess.CalledProcessError, OSError) as error:
        await asyncio.sleep(HEARD_S)
        if stop.is_set():  # Ctrl-C reaches the commands that we wait for, too
            return INTERRUPTED
        return _failed(asked, error)


async def _show(asked: argparse.Namespace, demo: Demo, stop: asyncio.Event, shown: asyncio.Event) -> int:
    async with demo_run(demo) as told:
        shown.set()
        if asked.json:
            print(json.dumps(told.document, indent=2), flush=True)
        else:
            print(f"\n{table(told.results)}\n\n{told.signs}\n")
            print("\n".join(told.document["faults"]) or "Nothing was lost.", flush=True)
        if not asked.exit:
            print("The portal keeps running; Ctrl-C ends it.", file=sys.stderr, flush=True)
            await stop.wait()
        return 0 if told.document["ok"] else 1


def _failed(asked: argparse.Namespace, error: Exception) -> int:
    """Say why there are no results."""
    reason = str(error) or repr(error)
    print(f"The demo came to no end: {reason}", file=sys.stderr)
    if asked.json:
        print(json.dumps(failure(reason), indent=2))
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./landfall demo", description="Build a simulated estate and migrate six running machines."
    )
    parser.add_argument("--exit", action="store_true", help="end when the migration has ended")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--keep", type=Path, help="leave the images of both sides in this folder")
    parser.add_argument("--folder", type=Path, default=ROOT / "var" / "demo", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, default=8000, help="of the portal; 0: any free one")
    parser.add_argument("--gateway-port", type=int, default=8001, help="of its gateway; 0: any free one")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
