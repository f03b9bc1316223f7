"""Processes of the lab: started, killed, found again, and none left."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

from lab.children import Child, processes_end, processes_naming
from lab.processes import Found, process_alive
from lab.stack import descendants

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)", "lab."]


def child(tmp_path: Path, *more: str) -> Child:
    made = Child([*SLEEP, *more], tmp_path / "log")
    made.start()
    return made


async def appeared(word: str) -> list[int]:
    async with asyncio.timeout(5):
        while not (found := list(processes_naming(word))):
            await asyncio.sleep(0.02)
    return found


async def test_a_killed_child_can_be_started_again(tmp_path: Path) -> None:
    one = child(tmp_path)
    await one.kill()
    assert not one.running
    one.start()
    assert one.running
    await one.stop()
    assert not one.running


async def test_what_names_a_folder_is_ended(tmp_path: Path) -> None:
    one = child(tmp_path, str(tmp_path))
    await appeared(str(tmp_path))
    processes_end(str(tmp_path))
    async with asyncio.timeout(5):
        while one.running:
            await asyncio.sleep(0.02)
    assert list(processes_naming(str(tmp_path))) == []


async def test_somebody_else_s_program_is_let_be(tmp_path: Path) -> None:
    other = Child([sys.executable, "-c", "import time; time.sleep(60)", str(tmp_path)], tmp_path / "log")
    other.start()
    await asyncio.sleep(0.2)
    processes_end(str(tmp_path))
    assert other.running
    await other.kill()


def test_who_runs_this_is_not_among_them() -> None:
    assert os.getpid() not in list(processes_naming("python"))


async def test_a_process_is_found_by_its_file(tmp_path: Path) -> None:
    one = child(tmp_path, "marked")
    assert one.process is not None
    (tmp_path / "pid").write_text(str(one.process.pid))
    await appeared("marked")
    assert Found.by_file(tmp_path / "pid", "marked") is not None
    assert Found.by_file(tmp_path / "pid", "somebody else") is None
    await one.kill()
    assert Found.by_file(tmp_path / "pid", "marked") is None


def test_no_file_means_nobody(tmp_path: Path) -> None:
    assert Found.by_file(tmp_path / "nothing", "x") is None
    assert not process_alive(2**22 + 1, "x")


async def test_children_of_children_are_found(tmp_path: Path) -> None:
    code = f"import subprocess; subprocess.run({SLEEP!r})"
    parent = Child([sys.executable, "-c", code], tmp_path / "log")
    parent.start()
    async with asyncio.timeout(5):
        while parent.process is None or len(found := list(descendants(parent.process.pid))) < 1:
            await asyncio.sleep(0.02)
    assert process_alive(found[0], "lab.") or process_alive(found[0], "python")
    await parent.kill()
    os.kill(found[0], 9)


def test_what_is_on_its_way_out_lives_until_its_locks_are_gone() -> None:
    hold = "import sys; held = bytearray(400 << 20); print('held', flush=True); sys.stdin.read()"
    child = subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdin is not None
    child.stdout.readline()
    child.kill()
    while process_alive(child.pid, "held"):
        pass
    state = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0]
    child.wait()
    child.stdin.close()
    child.stdout.close()
    assert state == "Z"


def test_who_lost_its_first_thread_lives_until_its_last_has_gone() -> None:
    # Its threads hold its locks and files, and its parent cannot reap it.
    leave = """
import ctypes, platform, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
ctypes.CDLL(None).syscall(60 if platform.machine() == "x86_64" else 93, 0)  # exit of this thread alone
"""
    child = subprocess.Popen([sys.executable, "-c", leave])
    try:
        state = Path(f"/proc/{child.pid}/stat")
        for _ in range(500):
            if state.read_text().rpartition(")")[2].split()[0] == "Z":
                break
            time.sleep(0.02)
        assert process_alive(child.pid, "no matter")
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()
    assert not process_alive(child.pid, "no matter")
