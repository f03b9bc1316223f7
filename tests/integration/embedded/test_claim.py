"""One portal per state folder."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.embedded.claim import Claim, FolderBusy
from tests.integration.embedded.shells import until


@pytest.fixture
def child(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """What a supervisor that has ended left running."""
    claim = Claim(tmp_path)
    with subprocess.Popen(["sleep", "1000"], pass_fds=[claim.inherited]) as running:
        claim.release()
        yield running
        running.kill()


def test_a_second_portal_is_refused_at_once(tmp_path: Path) -> None:
    held = Claim(tmp_path)

    with pytest.raises(FolderBusy, match=f"another portal runs from {tmp_path}"):
        Claim(tmp_path, patience_s=1000.0)
    held.release()


def test_a_folder_that_was_let_go_can_be_claimed(tmp_path: Path) -> None:
    Claim(tmp_path).release()

    Claim(tmp_path).release()


def test_two_folders_are_two_portals(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()

    first, second = Claim(tmp_path / "a"), Claim(tmp_path / "b")

    assert first.inherited != second.inherited
    first.release()
    second.release()


def test_a_folder_is_busy_while_a_child_of_an_earlier_portal_lives(
    tmp_path: Path, child: "subprocess.Popen[bytes]"
) -> None:
    with pytest.raises(FolderBusy, match="processes of an earlier portal still run"):
        Claim(tmp_path, patience_s=0.0)


def test_having_been_refused_it_may_be_tried_again(tmp_path: Path, child: "subprocess.Popen[bytes]") -> None:
    with pytest.raises(FolderBusy):
        Claim(tmp_path, patience_s=0.0)
    with pytest.raises(FolderBusy, match="an earlier portal"):
        Claim(tmp_path, patience_s=0.0)


def test_it_waits_for_the_last_child_of_an_earlier_portal(
    tmp_path: Path, child: "subprocess.Popen[bytes]"
) -> None:
    ending = subprocess.Popen(["sh", "-c", f"sleep 0.4; kill {child.pid}"])

    Claim(tmp_path, patience_s=20.0).release()

    assert ending.wait() == 0
    assert until(lambda: child.poll() == -signal.SIGTERM)


def test_a_child_that_was_given_nothing_holds_nothing(tmp_path: Path) -> None:
    held = Claim(tmp_path)
    with subprocess.Popen(["sleep", "1000"]) as stranger:
        held.release()

        Claim(tmp_path, patience_s=0.0).release()
        stranger.kill()


def test_the_locks_are_for_nobody_else_to_open(tmp_path: Path) -> None:
    umask = os.umask(0)
    Claim(tmp_path).release()
    os.umask(umask)

    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
