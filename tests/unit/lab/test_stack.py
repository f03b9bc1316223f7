"""The portal as the lab runs it: what it says when it does not come up, and who of it can be killed."""

import asyncio
import socket
import sys
from pathlib import Path

import pytest

from lab.children import Child
from lab.faults.cells import Victim
from lab.stack import NobodyThere, PortalDown, kill, portal_up, victims

FAMILY = """
import subprocess, sys, time
names = sys.argv[1:]
sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
children = [subprocess.Popen([*sleep, *name.split()]) for name in names]
time.sleep(60)
"""


async def family(tmp_path: Path, *names: str) -> Child:
    """A process with a child for each of these command lines."""
    parent = Child([sys.executable, "-c", FAMILY, *names], tmp_path / "log")
    parent.start()
    return parent


async def found(parent: Child, victim: Victim, count: int = 1) -> list[int]:
    assert parent.process is not None
    async with asyncio.timeout(10):
        while len(seen := victims(parent.process.pid, victim)) < count:
            await asyncio.sleep(0.02)
    return seen


async def test_a_victim_is_killed_and_the_others_are_not(tmp_path: Path) -> None:
    parent = await family(tmp_path, "celery -A portal worker", "celery -A portal beat")
    assert parent.process is not None
    worker, beat = await found(parent, Victim.WORKER), await found(parent, Victim.BEAT)
    assert kill(parent.process.pid, Victim.WORKER) == worker
    assert victims(parent.process.pid, Victim.BEAT) == beat
    kill(parent.process.pid, Victim.BEAT)
    await parent.kill()


async def test_all_processes_of_a_victim_are_killed(tmp_path: Path) -> None:
    parent = await family(tmp_path, "granian portal.wsgi:application", "granian portal.wsgi:application")
    assert parent.process is not None
    both = await found(parent, Victim.WEB, count=2)
    assert kill(parent.process.pid, Victim.WEB) == both
    await parent.kill()


async def test_somebody_else_s_redis_is_no_victim(tmp_path: Path) -> None:
    other = await family(tmp_path, "redis-server 127.0.0.1:6379")
    theirs = await found(other, Victim.REDIS)
    ours = await family(tmp_path)
    assert ours.process is not None
    with pytest.raises(NobodyThere):
        kill(ours.process.pid, Victim.REDIS)
    assert other.process is not None
    assert kill(other.process.pid, Victim.REDIS) == theirs
    await ours.kill()
    await other.kill()


async def test_a_taken_port_is_told_by_its_number(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortalDown, match=f"port {port} of 127.0.0.1"):
            async with portal_up(tmp_path, port=port):
                pytest.fail("it came up")


async def test_a_log_without_a_word_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(PortalDown, match=r"did not come up.*supervisor\.log"):
        async with portal_up(tmp_path):
            pytest.fail("it came up")
