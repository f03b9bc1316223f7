"""Lines for a bench: the loopback, one shaped to 1 Gbit/s, and a long one that loses packets."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bench.shaper import THERE

GIGABIT = 1e9
WAN_RATE, WAN_RTT_S, WAN_LOSS = 100e6, 0.040, 0.001
VETH = ("10.98.0.1", "10.98.0.2")
BURST, LATENCY = "256kb", "20ms"
NAMESPACE = "landfall-bench"


class LineUnavailable(Exception):
    """This machine does not let us shape a line; the message says why."""


@dataclass(frozen=True, slots=True)
class Line:
    """How the far end is started, and where it is reached; `rate` in bits per second, 0 for the loopback."""

    prefix: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    rate: float = 0.0


LOOPBACK = Line()


@contextmanager
def gigabit() -> Iterator[Line]:
    """A pair of virtual cards, each way held to 1 Gbit/s by a token bucket. Raises LineUnavailable."""
    with _namespace():
        inside = ("ip", "netns", "exec", NAMESPACE)
        shape = ("root", "tbf", "rate", "1gbit", "burst", BURST, "latency", LATENCY)
        for command in (
            ("ip", "link", "add", "lfveth0", "type", "veth", "peer", "name", "lfveth1", "netns", NAMESPACE),
            ("ip", "addr", "add", f"{VETH[0]}/24", "dev", "lfveth0"),
            ("ip", "link", "set", "lfveth0", "up"),
            (*inside, "ip", "addr", "add", f"{VETH[1]}/24", "dev", "lfveth1"),
            (*inside, "ip", "link", "set", "lfveth1", "up"),
            ("tc", "qdisc", "add", "dev", "lfveth0", *shape),
            (*inside, "tc", "qdisc", "add", "dev", "lfveth1", *shape),
        ):
            _run(command)
        yield Line(inside, VETH[1], GIGABIT)


@contextmanager
def wan() -> Iterator[Line]:
    """100 Mbit/s, 40 ms there and back, one packet in a thousand lost. Raises LineUnavailable."""
    with _namespace():
        asked = (NAMESPACE, str(WAN_RATE), str(WAN_RTT_S / 2), str(WAN_LOSS))
        shaper = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.shaper", *asked],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with shaper:
            assert shaper.stdin is not None
            assert shaper.stdout is not None
            try:
                if shaper.stdout.readline().strip() != "up":
                    raise LineUnavailable("no TUN devices here")
                yield Line(("ip", "netns", "exec", NAMESPACE), THERE, WAN_RATE)
            finally:
                shaper.stdin.close()


@contextmanager
def _namespace() -> Iterator[None]:
    _run(("ip", "netns", "add", NAMESPACE))
    try:
        _run(("ip", "netns", "exec", NAMESPACE, "ip", "link", "set", "lo", "up"))
        yield
    finally:
        subprocess.run(["ip", "netns", "del", NAMESPACE], check=False)


def _run(command: tuple[str, ...]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LineUnavailable(f"{' '.join(command)}: {done.stderr.strip()}")
