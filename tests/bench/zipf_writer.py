"""A guest that writes 4 KiB at a time: `python -m tests.bench.zipf_writer URI RATE SECONDS`; 0 is no limit.

One write at a time, each acknowledged; places by a power law. Prints how many it made, and the longest wait.
"""

import json
import random
import sys
import time

import nbd

BLOCK = 4096
SPREAD = 1 << 30
SHAPE = 1.1


def main(arguments: list[str]) -> int:
    """Write for so long."""
    uri, rate, seconds = arguments[0], float(arguments[1]), float(arguments[2])
    handle = nbd.NBD()
    handle.connect_uri(uri)
    blocks = min(SPREAD, handle.get_size()) // BLOCK
    draw = random.Random(7)
    places = [int(draw.paretovariate(SHAPE - 1 + 0.2)) * 2654435761 % blocks for _ in range(1 << 16)]
    contents = [bytearray(draw.randbytes(BLOCK)) for _ in range(16)]
    started = time.monotonic()
    written, longest = 0, 0.0
    while (now := time.monotonic()) < started + seconds:
        if rate and written >= (now - started) * rate:
            time.sleep(0.001)
            continue
        handle.pwrite(contents[written % 16], places[written % len(places)] * BLOCK)
        written += 1
        longest = max(longest, time.monotonic() - now)
    handle.shutdown()
    print(json.dumps({"written": written, "seconds": time.monotonic() - started, "longest": longest}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
