"""Presence: a lock that the kernel ends with the guest, however the guest ends."""

import fcntl
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agents.hostagent.presence import PresenceFile

HOLDING = "import sys, time; print('held', flush=True); time.sleep(60)"


@pytest.fixture
def presence(tmp_path: Path) -> PresenceFile:
    return PresenceFile(tmp_path / "guest.presence")


def guest_started(path: Path) -> subprocess.Popen[bytes]:
    """A process that inherits the lock, as a guest does."""
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        guest = subprocess.Popen(
            [sys.executable, "-c", HOLDING], stdout=subprocess.PIPE, pass_fds=(file.fileno(),)
        )
    assert guest.stdout is not None
    guest.stdout.readline()
    return guest


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_guest_lives_until_its_process_ends_however_that_ends(
    presence: PresenceFile, how: signal.Signals
) -> None:
    guest = guest_started(presence.path)
    lived = presence.alive()
    guest.send_signal(how)
    guest.wait()
    assert guest.stdout is not None
    guest.stdout.close()
    assert lived
    assert not presence.alive()


def test_a_guest_that_was_never_started_does_not_live(presence: PresenceFile) -> None:
    assert not presence.alive()


def test_looking_does_not_make_it_seem_alive_to_another(presence: PresenceFile) -> None:
    assert not presence.alive()
    assert not PresenceFile(presence.path).alive()
