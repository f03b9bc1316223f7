"""Runs commands: one at a time per unit, each once, and again after the agent's death."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from agents.domain.protocol import BODIES, Failed, Failure, Step
from agents.hostagent.barrier import barrier
from agents.hostagent.failures import StepFailed, deadline_passed, failed_from
from agents.hostagent.journal import Command, Journal, Received

PROGRESS_EVERY_S = 1.0
NO_DEADLINE = frozenset({Step.WATCH_INVENTORY})
RESTARTABLE = frozenset({Step.WATCH_INVENTORY, Step.UPGRADE})
"""What a restart of the agent costs nobody anything."""
DEADLINE_CODES: Mapping[Step, Failure] = {
    Step.SYNC: Failure.TRANSFER_FAILED,
    Step.FREEZE: Failure.TRANSFER_FAILED,
    Step.CHECK_RUNNING: Failure.GUEST_NOT_RUNNING,
    Step.CREATE_MACHINE: Failure.VCENTER_HUNG,
    Step.SHUT_DOWN: Failure.VCENTER_HUNG,
    Step.POWER_OFF: Failure.VCENTER_HUNG,
    Step.POWER_ON: Failure.VCENTER_HUNG,
    Step.REMOVE_MACHINE: Failure.VCENTER_HUNG,
    Step.UPGRADE: Failure.RELEASE_UNFIT,
}

log = logging.getLogger(__name__)

Result = msgspec.Struct | Mapping[str, Any] | None


@dataclass(slots=True)
class Order:
    """A command on its way through its step: its decoded body, and how to report on it."""

    command: Command
    step: Step
    body: Any
    report: Callable[[UUID, str, Any, bool], bool]
    _told_at: float = field(default=-PROGRESS_EVERY_S, init=False)

    def progress(self, said: Result, *, bulk: bool = False) -> None:
        """Report on the way, at once."""
        self.report(self.command.id, "progress", said, bulk)

    def progress_sparsely(self, said: Callable[[], Result]) -> None:
        """Report on the way, but not twice in a second."""
        if time.monotonic() - self._told_at >= PROGRESS_EVERY_S:
            self._told_at = time.monotonic()
            self.progress(said())


StepFunction = Callable[[Order], Awaitable[Result]]


@dataclass(slots=True)
class _Running:
    command: Command
    task: asyncio.Task[None]


class Executor:
    """Takes commands from the portal and from the journal; reports through `wake` that there is news."""

    def __init__(
        self, *, journal: Journal, steps: Mapping[Step, StepFunction], wake: Callable[[], None]
    ) -> None:
        self._journal = journal
        self._steps = steps
        self._wake = wake
        self._units: dict[UUID, list[_Running]] = {}
        self._stopping = False

    def submit(self, command: Command) -> None:
        """Take a command that is proved to be the portal's; the same one again has no second effect."""
        received = self._journal.receive(command)
        self._wake()
        if received is Received.NEW or (received is Received.UNDER_WAY and not self._is_running(command)):
            self._begin(command)

    def recover(self) -> None:
        """Run again what was under way when the agent ended."""
        for command in self._journal.under_way():
            log.info("again: %s of unit %s", command.step, command.unit_id)
            self._begin(command)

    def is_quiet(self) -> bool:
        """Whether no step runs that a restart would interrupt."""
        return all(one.command.step in RESTARTABLE for unit in self._units.values() for one in unit)

    async def stop(self) -> None:
        """End everything; what was under way stays so, and is run again at the next start."""
        self._stopping = True
        tasks = [running.task for unit in self._units.values() for running in unit]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._stopping = False

    def _is_running(self, command: Command) -> bool:
        return any(one.command.id == command.id for one in self._units.get(command.unit_id, []))

    def _begin(self, command: Command) -> None:
        unit = self._units.setdefault(command.unit_id, [])
        earlier = list(unit)
        for other in earlier:
            if other.command.generation < command.generation:
                other.task.cancel()
        task = asyncio.create_task(self._run(command, [one.task for one in earlier]), name=command.step)
        running = _Running(command, task)
        unit.append(running)
        task.add_done_callback(lambda _: self._forget(running))

    def _forget(self, running: _Running) -> None:
        unit = self._units[running.command.unit_id]
        unit.remove(running)
        if not unit:
            del self._units[running.command.unit_id]

    async def _run(self, command: Command, earlier: list[asyncio.Task[None]]) -> None:
        try:
            if earlier:
                await asyncio.wait(earlier)
            kind, body = await self._outcome(command)
        except asyncio.CancelledError:
            if self._stopping:
                raise
            kind, body = "superseded", {}
        self._report(command.id, kind, body, False)

    async def _outcome(self, command: Command) -> tuple[str, Result]:
        """How the command ended: the kind and body of its last report."""
        try:
            order = self._order(command)
            barrier(f"{order.step}.started")
            async with asyncio.timeout(_remaining(order)) as limit:
                done = await self._steps[order.step](order)
            barrier(f"{order.step}.done")
        except TimeoutError as error:
            if not limit.expired():
                return "failed", failed_from(error)
            return "failed", deadline_passed(command.step, DEADLINE_CODES.get(order.step, Failure.INTERNAL))
        except Exception as error:
            failed = failed_from(error)
            log.log(
                logging.ERROR if failed.code is Failure.INTERNAL else logging.WARNING,
                "%s of unit %s failed: %s (%s)",
                *(command.step, command.unit_id, failed.what, failed.why),
                exc_info=failed.code is Failure.INTERNAL,
            )
            return "failed", failed
        return "succeeded", done

    def _order(self, command: Command) -> Order:
        try:
            step = Step(command.step)
            self._steps[step]
            body = msgspec.convert(command.body, BODIES[step], strict=False)
        except (ValueError, KeyError) as error:
            raise StepFailed(
                Failed(
                    code=Failure.BAD_COMMAND,
                    what=f"This agent cannot carry out the step {command.step}.",
                    why=str(error),
                    remedy="Install an agent of the portal's version, or give it the duty.",
                    retry=False,
                )
            ) from error
        return Order(command, step, body, self._report)

    def _report(self, command_id: UUID, kind: str, said: Result, bulk: bool) -> bool:
        kept = self._journal.report(command_id, kind, msgspec.to_builtins(said or {}), bulk=bulk)
        self._wake()
        return kept


def _remaining(order: Order) -> float | None:
    """Seconds until the command's deadline by this host's clock."""
    deadline = order.command.deadline
    if deadline is None or order.step in NO_DEADLINE:
        return None
    if isinstance(deadline, str):
        deadline = datetime.fromisoformat(deadline).timestamp()
    return max(0.0, deadline - time.time())
