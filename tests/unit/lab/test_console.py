"""The host's side of a Linux guest, with a shell in the place of its QEMU."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lab.processes import process_alive
from lab.progress import Progress, progress_begin, progress_read


@contextmanager
def console(folder: Path, script: str) -> Iterator[subprocess.Popen[bytes]]:
    progress_begin(folder)
    argv = [sys.executable, "-m", "lab.console", str(folder), "sh", "-c", script, "lab-console-test"]
    with subprocess.Popen(argv, stdout=subprocess.DEVNULL) as host:
        try:
            yield host
        finally:
            host.kill()


def said(folder: Path) -> Progress:
    return progress_read(folder / "progress")


def until(seen: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not seen() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert seen()


def test_acknowledged_writes_are_noted_and_all_is_logged(tmp_path: Path) -> None:
    with console(tmp_path, "echo GUEST-UP 40; echo WROTE 41; echo WROTE 42; echo bye") as host:
        assert host.wait(20) == 0
    assert (said(tmp_path).first, said(tmp_path).last, said(tmp_path).errors) == (41, 42, 0)
    assert (tmp_path / "console").read_text().splitlines() == ["GUEST-UP 40", "WROTE 41", "WROTE 42", "bye"]


def test_a_disk_s_error_is_counted(tmp_path: Path) -> None:
    with console(tmp_path, "echo WROTE 1; echo WRITE-ERROR 2; echo WROTE 2") as host:
        host.wait(20)
    assert (said(tmp_path).last, said(tmp_path).errors) == (2, 1)


def test_what_only_looks_like_a_write_is_none(tmp_path: Path) -> None:
    with console(tmp_path, "echo I WROTE 7; echo WROTE; echo WROTE x; echo wrote 8") as host:
        host.wait(20)
    assert (said(tmp_path).last, said(tmp_path).first_at) == (0, 0.0)


def test_its_status_is_the_guest_s(tmp_path: Path) -> None:
    with console(tmp_path, "exit 3") as host:
        assert host.wait(20) == 3


def test_a_guest_is_asked_by_a_line_and_ends_in_its_own_time(tmp_path: Path) -> None:
    with console(tmp_path, "echo WROTE 1; read line; echo WROTE 2; echo asked to $line") as host:
        until(lambda: said(tmp_path).last == 1)
        host.send_signal(signal.SIGTERM)
        assert host.wait(20) == 0
    assert "asked to shutdown" in (tmp_path / "console").read_text()
    assert said(tmp_path).last == 2


def test_a_guest_dies_with_who_watches_it(tmp_path: Path) -> None:
    with console(tmp_path, f"echo $$ >{tmp_path}/new; mv {tmp_path}/new {tmp_path}/pid; sleep 60; :") as host:
        until((tmp_path / "pid").exists)
        guest = int((tmp_path / "pid").read_text())
        assert process_alive(guest, "lab-console-test")
        host.kill()
        until(lambda: not process_alive(guest, "lab-console-test"))
