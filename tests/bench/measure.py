"""What every bench shares: pairs in the order A B B A, medians with intervals, bars, one JSON object."""

import json
import os
import platform
import random
import statistics
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

RESAMPLES = 2000
CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar and what was measured for it; `interval` is the value's bootstrap 95 % interval."""

    name: str
    value: float | None
    unit: str
    limit: str
    ok: bool
    interval: tuple[float, float] | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A median with its bootstrap 95 % interval."""

    median: float
    low: float
    high: float

    @property
    def interval(self) -> tuple[float, float]:
        """From the lower to the upper end."""
        return self.low, self.high


def estimate(samples: Sequence[float], *, seed: int = 1) -> Estimate:
    """The samples' median, and between what it lies when they are drawn again and again."""
    draw = random.Random(seed)
    medians = sorted(statistics.median(draw.choices(samples, k=len(samples))) for _ in range(RESAMPLES))
    cut = int(RESAMPLES * (1 - CONFIDENCE) / 2)
    return Estimate(statistics.median(samples), medians[cut], medians[-cut - 1])


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    """Ours to theirs, pair by pair."""
    return [mine / other for mine, other in zip(ours, theirs, strict=True)]


def at_least(name: str, samples: Sequence[float], limit: float, *, unit: str = "×", note: str = "") -> Bar:
    """A bar on the samples' median."""
    found = estimate(samples)
    ok = found.median >= limit
    return Bar(name, round(found.median, 4), unit, f">= {limit}", ok, _rounded(found), note)


def at_most(name: str, samples: Sequence[float], limit: float, *, unit: str = "×", note: str = "") -> Bar:
    """A bar on the samples' median."""
    found = estimate(samples)
    ok = found.median <= limit
    return Bar(name, round(found.median, 4), unit, f"<= {limit:g}", ok, _rounded(found), note)


def not_measured(name: str, limit: str, why: str) -> Bar:
    """A bar that this machine cannot show; it does not fail the bench, and does not hide."""
    return Bar(name, None, "not measured", limit, ok=True, note=why)


async def interleaved(
    runs: Mapping[str, Callable[[], Awaitable[float]]], *, pairs: int
) -> dict[str, list[float]]:
    """Run all of them `pairs` times, every second time backwards: A B B A. What each measured, in order."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(pairs):
        names = list(runs)[:: 1 if number % 2 == 0 else -1]
        for name in names:
            found[name].append(await runs[name]())
            tell(f"{number + 1}/{pairs} {name}: {found[name][-1]:.4g}")
    return found


def tell(said: str) -> None:
    """What goes on, beside the result."""
    print(said, file=sys.stderr, flush=True)


def finish(bench: str, *, bars: Sequence[Bar], samples: Mapping[str, Any], as_json: bool) -> int:
    """Print the result; the process's exit status."""
    document = {
        "bench": bench,
        "environment": environment(),
        "samples": samples,
        "bars": [asdict(bar) for bar in bars],
    }
    if as_json:
        print(json.dumps(document, indent=2))
    else:
        print("\n".join(_told(bar) for bar in bars))
    return 0 if all(bar.ok for bar in bars) else 1


def environment() -> dict[str, Any]:
    """Where it was measured."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "kernel": platform.release(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20,
        "python": platform.python_version(),
        "commit": _commit(),
    }


def _processor() -> str:
    with open("/proc/cpuinfo") as file:
        names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _commit() -> str:
    found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip()


def _rounded(found: Estimate) -> tuple[float, float]:
    return round(found.low, 4), round(found.high, 4)


def _told(bar: Bar) -> str:
    value = "not measured" if bar.value is None else f"{bar.value:g} {bar.unit}"
    interval = f" [{bar.interval[0]:g}, {bar.interval[1]:g}]" if bar.interval else ""
    return f"{'ok ' if bar.ok else 'BAD'} {bar.name}: {value}{interval} ({bar.limit}) {bar.note}".rstrip()
