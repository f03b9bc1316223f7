"""One hypervisor host: `python -m lab.host --door SOCKET --host NAME --folder DIR --workloads FILE`.

Killed, it leaves its guests and storage daemons running, and adopts them when it starts anew. On SIGTERM it
pulls every plug.
"""

import argparse
import asyncio
import logging
import signal
from pathlib import Path

from lab.door import Door
from lab.hypervisor import Hypervisor
from lab.workloads import Workloads


def main() -> None:
    """Run until told to stop."""
    parser = argparse.ArgumentParser(
        prog="lab.host", description="A hypervisor host of the simulated estate."
    )
    parser.add_argument("--door", type=Path, required=True, help="the simulator's socket for its hosts")
    parser.add_argument("--host", required=True, help="the name that vCenter has for this host")
    parser.add_argument("--folder", type=Path, required=True, help="where a folder per machine goes")
    parser.add_argument("--workloads", type=Path, required=True, help="what each machine runs")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("qemu.qmp").setLevel(logging.CRITICAL)
    asyncio.run(_run(given))


async def _run(given: argparse.Namespace) -> None:
    given.folder.mkdir(parents=True, exist_ok=True)
    workloads = Workloads(given.workloads, given.folder)
    hypervisor = Hypervisor(Door(given.door), given.host, given.folder, workloads)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    stopping = asyncio.create_task(stop.wait())
    watching = asyncio.create_task(hypervisor.finished())
    await asyncio.wait({stopping, watching}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    try:
        await hypervisor.stop()
    finally:
        watching.cancel()


if __name__ == "__main__":
    main()
