"""The one entry, as far as it can be asked without setting anything up."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = ("demo", "up", "test", "lint", "bench", "manage", "help")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """What the entry reads of a fresh clone, on a machine where dpkg knows no package."""
    for name in ("landfall", "requirements.lock", "package-lock.json"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "dpkg-query").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "bin" / "dpkg-query").chmod(0o755)
    return tmp_path


def run(folder: Path, *arguments: str, before: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    argv = [*before, str(folder / "landfall"), *arguments]
    return subprocess.run(argv, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [(), ("help",), ("-h",), ("--help",)])
def test_it_says_what_it_can(clone: Path, arguments: tuple[str, ...]) -> None:
    done = run(clone, *arguments)

    assert done.returncode == 0
    assert [name for name in COMMANDS if f"\n  {name}" not in done.stdout] == []


def test_an_unknown_command_is_told_what_there_is(clone: Path) -> None:
    done = run(clone, "migrate-everything")

    assert (done.returncode, done.stdout) == (2, "")
    assert "./landfall COMMAND" in done.stderr


def test_asking_sets_nothing_up(clone: Path) -> None:
    before = sorted(path.name for path in clone.iterdir())

    run(clone, "help")

    assert sorted(path.name for path in clone.iterdir()) == before


@pytest.mark.skipif(bool(shutil.which("sudo")), reason="there is sudo here")
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_without_root_or_sudo_it_says_what_to_install(clone: Path) -> None:
    somebody = ("unshare", "--user", "--map-user=1000", "--map-group=1000")

    done = run(clone, "up", before=somebody)

    assert done.returncode == 1
    assert "install them as root: apt-get install python3-venv" in done.stderr
    assert not (clone / ".venv").exists()


def test_it_works_from_any_folder_and_through_a_link(clone: Path, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere"
    link.symlink_to(clone / "landfall")

    done = subprocess.run([str(link), "help"], cwd="/", capture_output=True, text=True, check=False)

    assert done.returncode == 0
