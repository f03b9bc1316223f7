"""The round loop's order of things: nothing is dropped that has not arrived, and nothing fails unmerged."""

import asyncio
import itertools
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.hostagent import rounds
from agents.hostagent.engine import Disk, Engine, Export, Exports, RoundKey
from agents.hostagent.extents import BLOCK, Extent
from agents.hostagent.mover import TransferFailed, ended
from agents.hostagent.rounds import Round, Verdict, converge, delta_run, full_run, rounds_run
from agents.hostagent.sending import Carried

LINEAGE = uuid.UUID(int=7)
PLAN = [Extent(0, BLOCK)]


class Bitmaps:
    """An engine of two disks that remembers what was done to its bitmaps, in order."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.number = 0

    async def disks(self) -> tuple[Disk, ...]:
        return tuple(Disk(name, 64 * BLOCK, Path(f"/{name}")) for name in ("0", "1"))

    async def lineage(self) -> uuid.UUID:
        return LINEAGE

    async def swap(self) -> int:
        closed, self.number = self.number, self.number + 1
        self.done.append(f"swap {closed}")
        return closed

    @asynccontextmanager
    async def delta(self, closed: int | None) -> AsyncIterator[Exports]:
        self.done.append(f"open {closed}")
        yield {name: Export(Path("/nbd"), name) for name in ("0", "1")}
        self.done.append(f"close {closed}")

    async def drop(self, closed: int) -> None:
        self.done.append(f"drop {closed}")

    async def merge_back(self, closed: int) -> None:
        self.done.append(f"merge {closed}")


class Carrier:
    """Carries everything, or fails as it was told."""

    def __init__(self, failure: Exception | None = None, *, stalls: bool = False) -> None:
        self.failure = failure
        self.stalls = stalls
        self.keys: list[RoundKey] = []

    async def carry(self, *, key: RoundKey, disk: Disk, source: Export, plan: Sequence[Extent]) -> Carried:
        self.keys.append(key)
        if self.failure is not None:
            raise self.failure
        if self.stalls:
            await asyncio.sleep(3600)
        planned = sum(extent.length for extent in plan)
        return Carried(planned=planned, content=planned, wire=100, connections=2, cuts=1, source_root="r")


@pytest.fixture
def bitmaps(monkeypatch: pytest.MonkeyPatch) -> Bitmaps:
    monkeypatch.setattr(rounds, "dirty_extents", lambda _export: PLAN)
    monkeypatch.setattr(rounds, "allocated_extents", lambda _export: PLAN * 3)
    return Bitmaps()


def carriers(second: Carrier) -> dict[str, Carrier]:
    return {"0": Carrier(), "1": second}


def engine(bitmaps: Bitmaps) -> Engine:
    return cast(Engine, bitmaps)


def ticking(step: float = 1.0) -> Callable[[], float]:
    counted = itertools.count()
    return lambda: next(counted) * step


async def test_a_bitmap_is_dropped_only_after_its_round_has_arrived(bitmaps: Bitmaps) -> None:
    await delta_run(engine=engine(bitmaps), carriers=carriers(Carrier()))
    assert bitmaps.done == ["swap 0", "open 0", "close 0", "drop 0"]


async def test_a_round_that_fails_on_its_second_disk_is_merged_whole(bitmaps: Bitmaps) -> None:
    with pytest.raises(TransferFailed):
        await delta_run(engine=engine(bitmaps), carriers=carriers(Carrier(TransferFailed("cut"))))
    assert bitmaps.done[-1] == "merge 0"
    assert "drop 0" not in bitmaps.done


async def test_disks_are_carried_side_by_side(bitmaps: Bitmaps) -> None:
    met = asyncio.Barrier(2)

    class Meets(Carrier):
        async def carry(self, **asked: Any) -> Carried:
            async with asyncio.timeout(5):
                await met.wait()
            return await super().carry(**asked)

    done = await delta_run(engine=engine(bitmaps), carriers={"0": Meets(), "1": Meets()})
    assert done.planned == 2 * BLOCK


async def test_a_disk_that_fails_ends_the_others_before_anything_is_merged(bitmaps: Bitmaps) -> None:
    class EndsSlowly(Carrier):
        async def carry(self, **_asked: Any) -> Carried:
            try:
                await asyncio.sleep(3600)
            finally:
                await asyncio.sleep(0.05)  # its threads still read the export
                bitmaps.done.append("ended")
            raise AssertionError

    with pytest.raises(TransferFailed):
        await delta_run(
            engine=engine(bitmaps), carriers={"0": EndsSlowly(), "1": Carrier(TransferFailed("cut"))}
        )
    assert bitmaps.done == ["swap 0", "open 0", "ended", "merge 0"]


async def test_a_cancelled_round_is_merged_only_when_the_last_disk_s_mover_has_ended(
    bitmaps: Bitmaps,
) -> None:
    class Ends(Carrier):
        def __init__(self, after_s: float) -> None:
            super().__init__()
            self.after_s = after_s

        async def carry(self, **_asked: Any) -> Carried:
            thread = asyncio.get_running_loop().run_in_executor(None, time.sleep, self.after_s)
            try:
                await asyncio.shield(thread)
            except asyncio.CancelledError:
                await ended([thread])
                bitmaps.done.append(f"ended after {self.after_s}")
                raise
            raise AssertionError

    both = {"0": Ends(0.1), "1": Ends(0.4)}
    running = asyncio.create_task(delta_run(engine=engine(bitmaps), carriers=both))
    await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    assert bitmaps.done[2:] == ["ended after 0.1", "ended after 0.4", "merge 0"]


async def test_a_cancelled_round_is_merged(bitmaps: Bitmaps) -> None:
    running = asyncio.create_task(delta_run(engine=engine(bitmaps), carriers=carriers(Carrier(stalls=True))))
    await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    assert bitmaps.done[-1] == "merge 0"


async def test_a_full_copy_touches_no_bitmap(bitmaps: Bitmaps) -> None:
    done = await full_run(engine=engine(bitmaps), carriers=carriers(Carrier()))
    assert bitmaps.done == ["open None", "close None"]
    assert done.number == 0


async def test_a_round_s_key_names_its_lineage_and_the_bitmap_after_its_own(bitmaps: Bitmaps) -> None:
    carrier = Carrier()
    both = carriers(carrier)
    await full_run(engine=engine(bitmaps), carriers=both)
    await delta_run(engine=engine(bitmaps), carriers=both)
    await delta_run(engine=engine(bitmaps), carriers=both)
    assert carrier.keys == [RoundKey(LINEAGE, number) for number in range(3)]


async def test_a_round_is_the_sum_of_its_disks(bitmaps: Bitmaps) -> None:
    done = await delta_run(engine=engine(bitmaps), carriers=carriers(Carrier()), clock=ticking())
    assert (done.planned, done.content, done.wire) == (2 * BLOCK, 2 * BLOCK, 200)
    assert (done.connections, done.cuts) == (4, 2)
    assert (done.took, done.proved_at) == (timedelta(seconds=1), 1.0)
    assert done.source_roots == {"0": "r", "1": "r"}


async def test_rounds_end_as_soon_as_one_fits_the_budget(bitmaps: Bitmaps) -> None:
    told: list[Round] = []
    verdict = await rounds_run(
        engine=engine(bitmaps),
        carriers=carriers(Carrier()),
        budget=timedelta(seconds=1),
        report=told.append,
        clock=ticking(),
    )
    assert verdict is Verdict.CONVERGED
    assert [done.number for done in told] == [1]


async def test_rounds_that_do_not_shrink_end_too(bitmaps: Bitmaps) -> None:
    told: list[Round] = []
    verdict = await rounds_run(
        engine=engine(bitmaps),
        carriers=carriers(Carrier()),
        budget=timedelta(seconds=0.5),
        report=told.append,
        clock=ticking(),
    )
    assert verdict is Verdict.DIVERGES
    assert [done.number for done in told] == [1, 2, 3, 4]


def measured(planned: list[int]) -> list[Round]:
    """Delta rounds of those sizes, each longer than any budget here."""
    took = timedelta(seconds=100)
    return [Round(n, size, size, size, 1, took, proved_at=100.0) for n, size in enumerate(planned, start=1)]


@given(st.lists(st.integers(1, 1 << 40), max_size=3))
def test_three_rounds_are_too_few_to_say_that_it_diverges(planned: list[int]) -> None:
    assert converge(measured(planned), budget=timedelta(seconds=1)) is Verdict.CONTINUE


@given(st.lists(st.integers(1, 1 << 40), min_size=4, max_size=12))
def test_it_diverges_exactly_when_none_of_the_last_three_shrank(planned: list[int]) -> None:
    last = planned[-4:]
    shrank = any(later < earlier * 0.9 for earlier, later in itertools.pairwise(last))
    verdict = converge(measured(planned), budget=timedelta(seconds=1))
    assert verdict is (Verdict.CONTINUE if shrank else Verdict.DIVERGES)
