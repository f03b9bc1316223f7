"""Folders of an estate: one at a time, nothing left of an earlier one, names short enough for sockets."""

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from lab.children import Child, processes_naming
from lab.faults.acts import small_file_system
from lab.folders import FolderTaken, folder_claimed, folder_clean, short_folder

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)", "lab."]
LONG = "a-folder-with-a-name-that-is-longer-than-any-socket-can-bear"


async def seen(word: str) -> None:
    async with asyncio.timeout(5):
        while not list(processes_naming(word)):
            await asyncio.sleep(0.02)


async def ended(child: Child) -> None:
    async with asyncio.timeout(5):
        while child.running:
            await asyncio.sleep(0.02)


@pytest.fixture
def tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The machine's folder for passing things, for this test alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_has_one_estate_at_a_time(tmp_path: Path) -> None:
    with folder_claimed(tmp_path / "demo"):
        with pytest.raises(FolderTaken, match="already runs in"), folder_claimed(tmp_path / "demo"):
            pytest.fail("a second one came in")
        with folder_claimed(tmp_path / "other"):
            pass


def test_a_folder_is_free_again_at_the_end(tmp_path: Path) -> None:
    with folder_claimed(tmp_path / "var" / "demo"):
        pass
    with folder_claimed(tmp_path / "var" / "demo"):
        pass


def test_one_that_was_killed_keeps_nobody_out(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from lab.folders import folder_claimed\n"
    code += "with folder_claimed(Path(sys.argv[1])): print('in', flush=True); input()"
    argv = [sys.executable, "-c", code, str(tmp_path / "demo")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(FolderTaken), folder_claimed(tmp_path / "demo"):
            pytest.fail("a second one came in")
        holder.kill()
    with folder_claimed(tmp_path / "demo"):
        pass


def test_a_cleaned_folder_is_empty_and_there(tmp: Path) -> None:
    folder = tmp / "demo"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "old.raw").write_bytes(b"old")
    folder_clean(folder)
    folder_clean(folder)
    assert list(folder.iterdir()) == []


async def test_who_still_works_in_a_folder_is_ended_first(tmp: Path) -> None:
    left = Child([*SLEEP, str(tmp / "demo" / "agents")], tmp / "log")
    left.start()
    await seen(str(tmp / "demo" / "agents"))
    folder_clean(tmp / "demo")
    await ended(left)


async def test_a_neighbour_whose_name_begins_alike_is_let_be(tmp: Path) -> None:
    neighbour = Child([*SLEEP, str(tmp / "demo2" / "agents")], tmp / "log")
    neighbour.start()
    await seen(str(tmp / "demo2"))
    folder_clean(tmp / "demo")
    assert neighbour.running
    await neighbour.kill()


async def test_who_knows_the_folder_by_a_killed_run_s_short_name_is_ended_too(tmp: Path) -> None:
    folder = tmp / LONG
    folder.mkdir()
    link = tmp / "landfall-4194305"
    link.symlink_to(folder)
    left = Child([*SLEEP, str(link / "n")], tmp / "log")
    left.start()
    await seen(str(link / "n"))
    folder_clean(folder)
    await ended(left)
    assert not link.is_symlink()


def test_another_folder_s_short_name_is_let_be(tmp: Path) -> None:
    link = tmp / "landfall-4194305"
    link.symlink_to(tmp / "other")
    folder_clean(tmp / "demo")
    assert link.is_symlink()


def test_what_a_killed_run_mounted_is_unmounted(tmp: Path) -> None:
    store = tmp / "demo" / "f" / "store"
    store.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "lf", str(store)], check=False)
    if mounted.returncode:
        pytest.skip("mounting needs root")
    folder_clean(tmp / "demo")
    assert str(store) not in Path("/proc/self/mounts").read_text()
    assert not store.exists()


def test_a_short_name_is_taken_as_it_is() -> None:
    with tempfile.TemporaryDirectory(prefix="lf-") as name, short_folder(Path(name)) as short:
        assert short == Path(name).resolve()


def test_a_long_name_gets_a_short_one_for_as_long_as_it_is_used(tmp: Path) -> None:
    folder = tmp / LONG
    folder.mkdir()
    with short_folder(folder) as short:
        (short / "n").mkdir()
        assert short.name == f"landfall-{os.getpid()}"
        assert (folder / "n").is_dir()
    assert not short.is_symlink()
    assert folder.is_dir()


async def test_nobody_is_left_in_a_folder_at_the_end(tmp: Path) -> None:
    folder = tmp / LONG
    folder.mkdir()
    with short_folder(folder) as short:
        left = Child([*SLEEP, str(short / "n")], tmp / "log")
        left.start()
        await seen(str(short / "n"))
    await ended(left)


def test_a_file_system_of_its_own_is_gone_at_the_end(tmp_path: Path) -> None:
    with small_file_system(tmp_path / "store", size=1 << 20) as mounted:
        assert (tmp_path / "store").is_mount() is mounted
    assert not (tmp_path / "store").is_mount()
