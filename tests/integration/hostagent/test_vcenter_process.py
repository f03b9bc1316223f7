"""One vCenter's process: killed when silent, missed when dead, and started again at the next question."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from agents.domain.protocol import Failure, Step
from agents.hostagent.vcenter_process import VCenterFailed, VCenterProcess
from agents.hostagent.vcenter_question import Question

PATIENT_S = 60.0


@pytest.fixture
async def process() -> AsyncIterator[VCenterProcess]:
    process = VCenterProcess()
    yield process
    await process.close()


@pytest.fixture
async def mute() -> AsyncIterator[int]:
    """The port of somebody who takes connections and says nothing: a hung vCenter."""
    taken: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _reader, writer: taken.append(writer), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for writer in taken:
        writer.transport.abort()


def question(port: int) -> Question:
    """Ask for a power-on."""
    endpoint = {
        "site": "0" * 32,
        "host": "",
        "port": 0,
        "username": "",
        "sealed_password": "",
        "fingerprint": "",
    }
    return Question(
        step=Step.POWER_ON,
        host="127.0.0.1",
        port=port,
        user="landfall",
        password="s3cret",  # noqa: S106
        fingerprint="0" * 64,
        body={"endpoint": endpoint, "machine": "vm-1"},
    )


def pid_of(process: VCenterProcess) -> int:
    """Return the number of its child."""
    assert process._process is not None
    return process._process.pid


async def child(process: VCenterProcess) -> int:
    """Return the number of its child, once there is one."""
    while process._process is None:
        await asyncio.sleep(0.01)
    return pid_of(process)


async def cancelled(asked: asyncio.Task[dict[str, Any]]) -> None:
    """Give the question up, and see to it that it ends as given up."""
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked


async def test_a_silent_child_is_given_up_and_killed(process: VCenterProcess, mute: int) -> None:
    asked = asyncio.create_task(process.ask(question(mute), silence_s=0.5))
    pid = await child(process)

    with pytest.raises(VCenterFailed) as failed:
        await asked

    assert failed.value.failed.code is Failure.VCENTER_HUNG
    assert failed.value.failed.remedy
    assert not Path(f"/proc/{pid}").exists()


async def test_a_child_that_died_is_missed_at_once(process: VCenterProcess, mute: int) -> None:
    asked = asyncio.create_task(process.ask(question(mute), silence_s=PATIENT_S))
    os.kill(await child(process), signal.SIGKILL)

    with pytest.raises(ConnectionResetError):
        await asked


async def test_whoever_gives_up_a_question_leaves_no_child_at_work(
    process: VCenterProcess, mute: int
) -> None:
    asked = asyncio.create_task(process.ask(question(mute), silence_s=PATIENT_S))
    pid = await child(process)
    await cancelled(asked)

    assert not Path(f"/proc/{pid}").exists()


async def test_two_who_end_the_child_both_see_it_gone(process: VCenterProcess, mute: int) -> None:
    asked = asyncio.create_task(process.ask(question(mute), silence_s=PATIENT_S))
    pid = await child(process)
    asked.cancel()
    await asyncio.sleep(0)  # the first is at it

    await process.close()

    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(asyncio.CancelledError):
        await asked


async def test_an_interrupted_end_is_finished_by_the_next_question(
    process: VCenterProcess, mute: int
) -> None:
    asked = asyncio.create_task(process.ask(question(mute), silence_s=PATIENT_S))
    pid = await child(process)
    for _ in range(2):  # the second interrupts the child's end
        asked.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await asked

    with pytest.raises(VCenterFailed) as failed:
        await process.ask(question(1), silence_s=PATIENT_S)

    assert failed.value.failed.code is Failure.VCENTER_UNREACHABLE
    assert not Path(f"/proc/{pid}").exists()


async def test_a_new_question_begins_a_new_child(process: VCenterProcess, mute: int) -> None:
    with pytest.raises(VCenterFailed):
        await process.ask(question(mute), silence_s=0.2)

    with pytest.raises(VCenterFailed) as failed:
        await process.ask(question(1), silence_s=PATIENT_S)

    assert failed.value.failed.code is Failure.VCENTER_UNREACHABLE


async def test_the_password_is_on_no_command_line(process: VCenterProcess, mute: int) -> None:
    asked = asyncio.create_task(process.ask(question(mute), silence_s=PATIENT_S))
    pid = await child(process)

    said = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
    await cancelled(asked)

    assert b"s3cret" not in said
