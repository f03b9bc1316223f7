"""The executor: each command once, one at a time per unit, and again after a death."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest

from agents.domain.protocol import Created, Step
from agents.hostagent.executor import Executor, Order
from agents.hostagent.journal import Journal
from agents.hostagent.lock import DiskBusy
from tests.unit.hostagent.orders import command


@dataclass(slots=True)
class Work:
    """Steps that a test holds in its hand."""

    begun: list[int] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def held(self, order: Order) -> None:
        self.begun.append(order.command.seq)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(order.command.seq)
            raise

    async def created(self, _order: Order) -> Created:
        return Created(machine="vm-9")

    async def busy(self, _order: Order) -> None:
        raise DiskBusy("byte 101 is locked")

    async def broken(self, _order: Order) -> None:
        raise ZeroDivisionError("division by zero")

    async def chatty(self, order: Order) -> None:
        for _ in range(5):
            order.progress_sparsely(lambda: {"planned": 1})


@dataclass(slots=True)
class Bench:
    """An executor with its journal."""

    journal: Journal
    executor: Executor
    work: Work
    woken: list[float]

    def kinds(self) -> list[str]:
        return [report.kind for report in self.journal.unsent(100)]

    def last(self) -> dict[str, object]:
        return dict(self.journal.unsent(100)[-1].body)

    async def quiet(self) -> None:
        """Let everything happen that can."""
        for _ in range(20):
            await asyncio.sleep(0)


def bench_open(path: Path, work: Work) -> Bench:
    journal = Journal(path)
    steps = {
        Step.SWITCH: work.held,
        Step.VALIDATE: work.created,
        Step.FENCE_DESTINATION: work.busy,
        Step.RELEASE_SOURCE: work.broken,
        Step.VERIFY_SOURCE: work.chatty,
    }
    woken: list[float] = []
    wake = lambda: woken.append(time.monotonic())  # noqa: E731
    return Bench(journal, Executor(journal=journal, steps=steps, wake=wake), work, woken)


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = bench_open(tmp_path / "journal", Work())
    yield bench
    await bench.executor.stop()
    bench.journal.close()


async def test_it_reports_what_a_step_returns(bench: Bench) -> None:
    bench.executor.submit(command("validate", body={"machine": "vm-1", "disks": []}))
    await bench.quiet()
    assert bench.kinds() == ["accepted", "succeeded"]
    assert bench.last() == {"machine": "vm-9"}
    assert bench.woken


async def test_it_is_quiet_unless_a_step_runs_that_a_restart_would_interrupt(bench: Bench) -> None:
    before = bench.executor.is_quiet()
    bench.executor.submit(command())
    await bench.quiet()
    during = bench.executor.is_quiet()
    bench.work.gate.set()
    await bench.quiet()
    assert (before, during, bench.executor.is_quiet()) == (True, False, True)


async def test_the_same_command_twice_is_one_run(bench: Bench) -> None:
    given = command()
    bench.executor.submit(given)
    await bench.quiet()
    bench.executor.submit(given)
    await bench.quiet()
    assert bench.work.begun == [1]


async def test_an_ended_command_again_is_answered_without_a_run(bench: Bench) -> None:
    given = command()
    bench.work.gate.set()
    bench.executor.submit(given)
    await bench.quiet()
    bench.executor.submit(given)
    await bench.quiet()
    assert bench.work.begun == [1]
    assert bench.kinds() == ["accepted", "succeeded"]


async def test_a_unit_has_one_command_running(bench: Bench) -> None:
    bench.executor.submit(command(seq=1))
    bench.executor.submit(command(seq=2))
    await bench.quiet()
    before = list(bench.work.begun)
    bench.work.gate.set()
    await bench.quiet()
    assert (before, bench.work.begun) == ([1], [1, 2])


async def test_units_run_beside_each_other(bench: Bench) -> None:
    bench.executor.submit(command(seq=1))
    bench.executor.submit(command(seq=2, unit=UUID(int=8)))
    await bench.quiet()
    assert bench.work.begun == [1, 2]


async def test_a_new_generation_cancels_the_old_one_before_it_begins(bench: Bench) -> None:
    bench.executor.submit(command(seq=1))
    await bench.quiet()
    bench.executor.submit(command(seq=1, generation=2))
    await bench.quiet()
    assert bench.work.cancelled == [1]
    assert bench.work.begun == [1, 1]
    assert bench.kinds() == ["accepted", "accepted", "superseded"]


async def test_what_waits_for_its_turn_is_cancelled_by_a_new_generation_too(bench: Bench) -> None:
    bench.executor.submit(command(seq=1))
    bench.executor.submit(command(seq=2))
    await bench.quiet()
    bench.executor.submit(command(seq=3, generation=2))
    await bench.quiet()
    assert bench.work.begun == [1, 3]
    assert bench.kinds().count("superseded") == 2


async def test_a_known_failure_is_told_in_words_with_its_code(bench: Bench) -> None:
    bench.executor.submit(command("fence_destination"))
    await bench.quiet()
    told = bench.last()
    assert told["code"] == "disk_busy"
    assert told["why"] == "byte 101 is locked"
    assert told["remedy"]


async def test_an_unknown_failure_is_told_too(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    bench.executor.submit(command("release_source"))
    await bench.quiet()
    assert bench.last()["code"] == "internal"
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("step", "body"),
    [
        ("conjure", {"machine": "vm-1"}),
        ("power_on", {"machine": "vm-1"}),
        ("switch", {"machine": 5}),
        ("switch", {}),
    ],
)
async def test_a_command_that_it_cannot_carry_out_is_a_bad_one(
    bench: Bench, step: str, body: dict[str, object]
) -> None:
    bench.executor.submit(command(step, body=body))
    await bench.quiet()
    assert bench.last()["code"] == "bad_command"


async def test_a_deadline_ends_a_step(bench: Bench) -> None:
    bench.executor.submit(command(deadline=time.time() + 0.05))
    await asyncio.sleep(0.15)
    assert bench.work.cancelled == [1]
    assert bench.last()["code"] == "internal"
    assert "deadline" in str(bench.last()["what"])


async def test_a_deadline_that_has_passed_lets_nothing_begin_for_long(bench: Bench) -> None:
    bench.executor.submit(command(deadline="2020-01-01T00:00:00+00:00"))
    await bench.quiet()
    assert bench.kinds() == ["accepted", "failed"]


async def test_progress_is_told_once_a_second_at_most(bench: Bench) -> None:
    bench.executor.submit(command("verify_source"))
    await bench.quiet()
    assert bench.kinds() == ["accepted", "progress", "succeeded"]


async def test_what_was_under_way_runs_again_after_a_death(bench: Bench, tmp_path: Path) -> None:
    bench.executor.submit(command())
    await bench.quiet()
    await bench.executor.stop()  # as a death, it leaves no end
    bench.journal.close()
    work = Work()
    again = bench_open(tmp_path / "journal", work)
    again.executor.recover()
    work.gate.set()
    await again.quiet()
    assert work.begun == [1]
    assert again.kinds() == ["accepted", "succeeded"]
    bench.journal = again.journal


async def test_stopping_is_no_end(bench: Bench) -> None:
    bench.executor.submit(command())
    await bench.quiet()
    await bench.executor.stop()
    assert bench.kinds() == ["accepted"]
