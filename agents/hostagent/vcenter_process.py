"""The agent's end of one vCenter's process: asks, waits, and kills what is silent for too long."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import msgspec

from agents.domain.protocol import Failed, Failure
from agents.hostagent.failures import StepFailed
from agents.hostagent.vcenter_question import Question
from agents.vsphere.words import HUNG

LINE_MAX = 64 << 20
"""References of a whole site come in one line."""

Said = Callable[[dict[str, Any]], Awaitable[None]]


class VCenterFailed(StepFailed):
    """The answer was a failure; `fingerprint` is the certificate shown, where it was about that."""

    def __init__(self, failed: Failed, fingerprint: str = "") -> None:
        super().__init__(failed)
        self.fingerprint = fingerprint


class _Line(msgspec.Struct, frozen=True):
    """One line of an answer: something said on the way, or an end."""

    said: dict[str, Any] | None = None
    done: dict[str, Any] | None = None
    failed: Failed | None = None
    fingerprint: str = ""


class VCenterProcess:
    """A child that speaks to one vCenter, started at the first question and kept, with its session."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._doomed = False
        self._turn = asyncio.Lock()

    async def ask(self, question: Question, *, silence_s: float, said: Said | None = None) -> dict[str, Any]:
        """The answer to one question. Raises VCenterFailed; a child that is silent for too long is killed."""
        async with self._turn:
            try:
                process = await self._running()
                assert process.stdin is not None  # noqa: S101  piped
                process.stdin.write(msgspec.json.encode(question) + b"\n")
                await process.stdin.drain()
                return await self._answer(process, silence_s, said)
            except VCenterFailed as error:
                if error.failed.code is Failure.VCENTER_HUNG:
                    await self._kill()
                raise
            except BaseException:  # cancelled, or the pipe broke: what it does now nobody can know
                await self._kill()
                raise

    async def close(self) -> None:
        """End the child."""
        await self._kill()

    async def _answer(
        self, process: asyncio.subprocess.Process, silence_s: float, said: Said | None
    ) -> dict[str, Any]:
        assert process.stdout is not None  # noqa: S101  piped
        while True:
            try:
                async with asyncio.timeout(silence_s):
                    line = await process.stdout.readline()
            except TimeoutError as error:
                raise VCenterFailed(_hung(silence_s)) from error
            if not line:
                raise ConnectionResetError("the vCenter's process ended")
            answer = msgspec.json.decode(line, type=_Line)
            if answer.failed is not None:
                raise VCenterFailed(answer.failed, answer.fingerprint)
            if answer.done is not None:
                return answer.done
            if answer.said and said is not None:
                await said(answer.said)

    async def _running(self) -> asyncio.subprocess.Process:
        if self._doomed:  # whoever was ending it was interrupted
            await self._kill()
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "agents.hostagent.connector_child"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=LINE_MAX,
            )
        return self._process

    async def _kill(self) -> None:
        """End the child, and return when it is gone, whoever else is ending it."""
        process = self._process
        if process is None:
            return
        self._doomed = True
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        assert process.stdin is not None  # noqa: S101  piped
        process.stdin.close()
        with suppress(OSError):  # what it was asked last may have found nobody
            await process.stdin.wait_closed()
        if self._process is process:
            self._process, self._doomed = None, False


def _hung(silence_s: float) -> Failed:
    why = f"There was no answer for {silence_s:.0f} s, so the connection was given up."
    return msgspec.structs.replace(HUNG, why=why)
