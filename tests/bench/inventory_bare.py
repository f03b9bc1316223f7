"""The alternative: the same properties in the same batches, kept nowhere. Where is on stdin."""

import sys
import time

import msgspec

from agents.vsphere.objects import KINDS
from agents.vsphere.properties import properties, references
from agents.vsphere.session import Endpoint, session_open


def main() -> int:
    """Connect, read all once, and say how long it took and how many objects there were."""
    endpoint = msgspec.json.decode(sys.stdin.buffer.readline(), type=Endpoint)
    began = time.monotonic()
    with session_open(endpoint) as service:
        count = 0
        for kind in KINDS:
            found = references(service, kind.type)
            count += sum(1 for _ in properties(service, found, kind.type, kind.paths))
        seconds = time.monotonic() - began
    print(msgspec.json.encode({"seconds": seconds, "objects": count}).decode(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
