"""Guests as processes: started with their lock, found again, asked to end, killed."""

import fcntl
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.daemon import GuestPath
from lab.guest import Guest, LinuxGuest, NumberedWriter, pid_path, presence_path
from lab.initramfs import BootImage
from lab.progress import progress_read


@dataclass(frozen=True, slots=True)
class Sleeper:
    """A workload that does nothing but live."""

    path: GuestPath = GuestPath.NBD

    def command(self, folder: Path, disks: Sequence[str]) -> list[str]:
        code = "import sys, time; print('on', sys.argv[2:], flush=True); time.sleep(60)"
        return [sys.executable, "-c", code, str(folder), *disks]


@pytest.fixture
async def guest(tmp_path: Path) -> AsyncIterator[Guest]:
    presence_path(tmp_path).touch()
    running = Guest.start(Sleeper(), tmp_path, ["disk-0", "disk-1"])
    yield running
    await running.kill()


def locked(path: Path) -> bool:
    with path.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


async def test_the_presence_lock_is_held_for_as_long_as_a_guest_lives(guest: Guest, tmp_path: Path) -> None:
    assert locked(presence_path(tmp_path))
    await guest.shutdown()
    assert not guest.running
    assert not locked(presence_path(tmp_path))


async def test_a_pulled_plug_frees_the_lock_too(guest: Guest, tmp_path: Path) -> None:
    await guest.kill()
    assert not locked(presence_path(tmp_path))


async def test_a_host_that_starts_anew_finds_its_guest(guest: Guest, tmp_path: Path) -> None:
    found = Guest.find(tmp_path)
    assert found is not None
    assert found.process.pid == guest.process.pid
    await guest.kill()
    assert Guest.find(tmp_path) is None


async def test_a_number_that_somebody_else_has_now_is_no_guest(guest: Guest, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    pid_path(other).write_text(str(guest.process.pid))
    assert Guest.find(other) is None


def test_a_machine_that_never_ran_has_no_guest(tmp_path: Path) -> None:
    assert Guest.find(tmp_path) is None
    pid_path(tmp_path).write_text("no number")
    assert Guest.find(tmp_path) is None


async def test_a_new_life_begins_with_nothing_written(guest: Guest, tmp_path: Path) -> None:
    assert guest.written == 0
    assert progress_read(tmp_path / "progress").started_at > 0


async def test_ending_a_guest_twice_is_no_error(guest: Guest) -> None:
    await guest.shutdown()
    await guest.shutdown()
    await guest.kill()


def test_a_writer_is_told_its_pace_and_its_disks(tmp_path: Path) -> None:
    argv = NumberedWriter(slots=64, rate=20.0, linger=2.0).command(
        tmp_path, ["nbd+unix:///a", "nbd+unix:///b"]
    )
    assert argv[2:] == [
        "lab.writer",
        str(tmp_path / "progress"),
        *("64", "20.0", "2.0", "nbd+unix:///a", "nbd+unix:///b"),
    ]


def test_a_linux_has_memory_that_its_storage_daemon_sees_and_disks_that_come_back(tmp_path: Path) -> None:
    boot = BootImage(Path("/boot/vmlinuz"), Path("/cache/initramfs.gz"))
    argv = " ".join(LinuxGuest(slots=64, boot=boot, pause=0.05).command(tmp_path, ["/d/guest-0.sock"]))
    assert "memory-backend-memfd,id=memory,size=256M,share=on" in argv
    assert "socket,id=disk0,path=/d/guest-0.sock,reconnect=1" in argv
    assert "accel=tcg" in argv
    assert "slots=64 pause=0.05" in argv


def test_a_writer_without_disks_ends_with_an_error(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-m", "lab.writer"], capture_output=True, check=False)
    assert ended.returncode != 0
