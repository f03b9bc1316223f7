"""What replication costs a guest: rounds under its writes, the filter in their way, the cut-over's pause."""

import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import nbd

from agents.hostagent.lock import DiskLock
from agents.hostagent.rounds import Round, Verdict, full_run, rounds_run
from lab.daemon import GuestPath
from tests.bench.ground import MIB, Ground
from tests.bench.measure import Bar, at_least, estimate, interleaved, ratios

WRITER_RATE = 20e6 / 4096
BUDGET = timedelta(seconds=0.5)
ROUNDS_LIMIT_S = 120.0
IOPS_S = 1.0
CHANGED = 16
"""Blocks that the last round carries."""


async def rounds(ground: Ground) -> tuple[Bar, dict[str, Any]]:
    """A full copy and delta rounds, while a guest writes 20 MB/s."""
    done: list[Round] = []
    async with _writing(ground, WRITER_RATE, ROUNDS_LIMIT_S * 2) as writer:
        mover = await ground.begin()
        done.append(await full_run(engine=ground.near, carriers={"0": mover}))
        async with asyncio.timeout(ROUNDS_LIMIT_S):
            verdict = await rounds_run(
                engine=ground.near, carriers={"0": mover}, budget=BUDGET, report=done.append
            )
        writer.terminate()
    last = done[-1].took.total_seconds()
    equal = done[-1].source_roots == done[-1].destination_roots
    ok = verdict is Verdict.CONVERGED and equal
    told = [
        {"number": each.number, "planned": each.planned, "wire": each.wire, "s": each.took.total_seconds()}
        for each in done
    ]
    budget = f"<= {BUDGET.total_seconds()}"
    return Bar("rounds converge under 20 MB/s", round(last, 3), "s", budget, ok, note=verdict), {
        "rounds": told
    }


async def iops(ground: Ground, *, pairs: int) -> tuple[Bar, dict[str, list[float]]]:
    """A guest's writes per second with the filter attached and without."""

    async def without() -> float:
        await ground.near.release()
        return await _write_rate(ground)

    async def attached() -> float:
        await ground.near.attach(known=False)
        try:
            return await _write_rate(ground)
        finally:
            await ground.near.release()

    found = await interleaved({"with": attached, "without": without}, pairs=pairs)
    shares = ratios(found["with"], found["without"])
    bar = at_least("guest writes with the filter / without", shares, 0.95, note="the interval must reach it")
    high = estimate(shares).high
    return Bar(bar.name, bar.value, bar.unit, bar.limit, high >= 0.95, bar.interval, bar.note), found


async def pauses(ground: Ground, *, count: int) -> list[float]:
    """From the guest's end to equal digests, each time after a little was written."""
    mover = await ground.begin()
    await full_run(engine=ground.near, carriers={"0": mover})
    found = []
    for number in range(count):
        uri = (await ground.source.guest_open(GuestPath.NBD))[0]
        await asyncio.to_thread(_scatter, uri, number)
        started = time.monotonic()
        await ground.near.guest_exports_close()
        lock = await asyncio.to_thread(
            DiskLock.take, ground.source.disks.values(), control=ground.folder / "lock"
        )
        try:
            done = await ground.delta(mover)
            found.append(time.monotonic() - started)
        finally:
            lock.release()
        if done.source_roots != done.destination_roots:
            raise RuntimeError("the digests differ")
    return found


def _scatter(uri: str, seed: int) -> None:
    """Write a few blocks within the first 128 MiB."""
    draw = random.Random(seed)
    handle = nbd.NBD()
    handle.connect_uri(uri)
    for _ in range(CHANGED):
        handle.pwrite(bytearray(draw.randbytes(4096)), draw.randrange(128 * MIB // 4096) * 4096)
    handle.shutdown()


async def _write_rate(ground: Ground) -> float:
    async with _writing(ground, 0, IOPS_S) as writer:
        assert writer.stdout is not None
        said = json.loads(await writer.stdout.read())
    return float(said["written"] / said["seconds"])


@asynccontextmanager
async def _writing(ground: Ground, rate: float, seconds: float) -> AsyncIterator[asyncio.subprocess.Process]:
    uri = (await ground.source.guest_open(GuestPath.NBD))[0]
    writer = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.zipf_writer",
        *(uri, str(rate), str(seconds)),
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        yield writer
    finally:
        if writer.returncode is None:
            writer.kill()
        await writer.wait()
        await ground.source.guest_close()
