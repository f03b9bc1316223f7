"""A long thin line: `python -m tests.bench.shaper NAMESPACE RATE DELAY LOSS`; bit/s, seconds, share.

Two TUN devices, one here and one in the network namespace, and this process between them: netem for kernels
without it. Here is 10.97.0.1, there 10.97.0.2.
"""

import collections
import fcntl
import os
import random
import select
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
HERE, THERE = "10.97.0.1", "10.97.0.2"
DEVICES = ("lfbench0", "lfbench1")
MTU = 1500
QUEUE_S = 0.05
"""What the narrow place buffers; more is dropped, as by a router."""
BATCH = 32


@dataclass(slots=True)
class Direction:
    """Packets on their way from one device to the other."""

    rate: float
    delay: float
    loss: float
    draw: random.Random
    free_at: float = 0.0
    flying: collections.deque[tuple[float, bytes]] = field(default_factory=collections.deque)

    def take(self, packet: bytes, now: float) -> None:
        """Lose it, drop it for want of room, or say when it arrives."""
        starts = max(now, self.free_at)
        if self.draw.random() < self.loss or starts - now > QUEUE_S:
            return
        self.free_at = starts + len(packet) * 8 / self.rate
        self.flying.append((self.free_at + self.delay, packet))

    def arrived(self, now: float) -> list[bytes]:
        """What has arrived by now."""
        found = []
        while self.flying and self.flying[0][0] <= now:
            found.append(self.flying.popleft()[1])
        return found


def main(arguments: list[str]) -> int:
    """Shape until stdin ends."""
    namespace, rate, delay, loss = arguments[0], *(float(value) for value in arguments[1:])
    here, there = (_device(name) for name in DEVICES)
    _up(namespace)
    print("up", flush=True)
    ways = {
        here: (there, Direction(rate, delay, loss, random.Random(1))),
        there: (here, Direction(rate, delay, loss, random.Random(2))),
    }
    while _step(ways):
        pass
    return 0


def _step(ways: dict[int, tuple[int, Direction]]) -> bool:
    """Move what can be moved; whether to go on."""
    now = time.monotonic()
    due = min((way.flying[0][0] for _, way in ways.values() if way.flying), default=now + 0.2)
    end = sys.stdin.fileno()
    ready, _, _ = select.select([*ways, end], [], [], max(0.0, due - now))
    if end in ready:
        return False
    now = time.monotonic()
    for device in ready:
        for _ in range(BATCH):
            try:
                ways[device][1].take(os.read(device, 65535), now)
            except BlockingIOError:
                break
    for far, way in ways.values():
        for packet in way.arrived(now):
            os.write(far, packet)
    return True


def _device(name: str) -> int:
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return descriptor


def _up(namespace: str) -> None:
    here, there = DEVICES
    inside = ["ip", "netns", "exec", namespace, "ip"]
    for command in (
        ["ip", "link", "set", there, "netns", namespace],
        ["ip", "addr", "add", HERE, "peer", THERE, "dev", here],
        ["ip", "link", "set", here, "mtu", str(MTU), "up"],
        [*inside, "addr", "add", THERE, "peer", HERE, "dev", there],
        [*inside, "link", "set", there, "mtu", str(MTU), "up"],
    ):
        subprocess.run(command, check=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
