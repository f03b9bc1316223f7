"""The destination's agent for a bench, in a process of its own: `python -m tests.bench.far_end`.

Settings are the first line of stdin; each further line opens the landing anew, as blank.
"""

import base64
import json
import sys
from pathlib import Path
from typing import Any
from uuid import UUID

from agents.hostagent.channel import Identity
from agents.hostagent.engine import Export, PlainFile
from agents.hostagent.identity import portal_key_load
from agents.hostagent.receiver import Receiver

__all__ = ["main"]


def main() -> int:
    """Serve until stdin ends."""
    asked = json.loads(sys.stdin.readline())
    folder = Path(asked["folder"])
    receiver = Receiver(
        identity=Identity(certificate=Path(asked["certificate"]), key=Path(asked["key"])),
        authority=asked["authority"],
        portal_key=portal_key_load(base64.b64encode(bytes.fromhex(asked["portal_key"])).decode()),
        host=asked["host"],
    )
    print(receiver.port, flush=True)
    unit = UUID(asked["unit"])
    for line in sys.stdin:
        landing = json.loads(line)
        receiver.landing_close(unit)
        for kept in (*folder.glob("applied-*"), *folder.glob("digests-*")):
            kept.unlink()
        receiver.landing_open(
            unit=unit,
            generation=1,
            machine=asked["machine"],
            disk="0",
            export=_export(landing),
            size=landing["size"],
            applied_path=folder / "applied-0",
            digests_path=folder / "digests-0",
        )
        print("open", flush=True)
    receiver.close()
    return 0


def _export(landing: dict[str, Any]) -> Export:
    file = landing["file"] and PlainFile(Path(landing["file"][0]), *landing["file"][1:])
    return Export(Path(landing["socket"]), landing["name"], file=file)


if __name__ == "__main__":
    sys.exit(main())
