"""What the demo reads off for itself: moments, first writes, silence, and where images go."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from lab.demo import migrate
from lab.demo.migrate import Clock, Evidence, _first_write
from lab.demo.run import Demo, _keep
from lab.evidence import Image
from lab.progress import ProgressFile, progress_begin
from lab.sites import RunningMachine

IMAGE = Image(Path("/kept/mail1.raw"), (Path("/kept/mail1.raw"),), "ab" * 32)


def machine(folder: Path) -> RunningMachine:
    return RunningMachine("vm-7", "mail1", folder, ())


def evidence(folder: Path) -> Evidence:
    here = machine(folder)
    return Evidence(IMAGE, IMAGE, near=here, far=here, ended=here.progress(), begun=here.progress())


def test_a_moment_is_told_in_utc() -> None:
    zero = datetime(2026, 1, 1, 10, tzinfo=UTC).timestamp()
    assert Clock(zero).told(2.5) == "2026-01-01T10:00:02.500000+00:00"


def test_moments_have_the_same_length_so_that_their_text_sorts() -> None:
    zero = datetime(2026, 1, 1, 10, tzinfo=UTC).timestamp()
    told = [Clock(zero).told(second) for second in (1.0, 1.25, 2.0, 10.0)]
    assert told == sorted(told)
    assert len({len(one) for one in told}) == 1


def test_a_silent_source_is_found_silent(tmp_path: Path) -> None:
    with ProgressFile(progress_begin(tmp_path)) as progress:
        progress.acknowledged(9, 1.0)
    assert evidence(tmp_path).source_stayed_silent


def test_one_more_write_is_found(tmp_path: Path) -> None:
    with ProgressFile(progress_begin(tmp_path)) as progress:
        progress.acknowledged(9, 1.0)
        seen = evidence(tmp_path)
        progress.acknowledged(10, 2.0)
    assert not seen.source_stayed_silent


def test_a_source_that_was_started_again_is_found_before_it_writes(tmp_path: Path) -> None:
    with ProgressFile(progress_begin(tmp_path)) as progress:
        progress.acknowledged(9, 1.0)
    seen = evidence(tmp_path)
    progress_begin(tmp_path)
    assert not seen.source_stayed_silent


async def test_the_first_write_is_waited_for(tmp_path: Path) -> None:
    with ProgressFile(progress_begin(tmp_path)) as progress:
        progress.acknowledged(10, 5.0)
    assert (await _first_write(machine(tmp_path))).first == 10


async def test_a_guest_that_never_writes_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrate, "CUTOVER_S", 0.0)
    progress_begin(tmp_path)
    assert (await _first_write(machine(tmp_path))).first == 0


def test_images_go_where_the_reader_said(tmp_path: Path) -> None:
    kept = _keep(Demo(tmp_path / "demo", tmp_path / "a" / "b", print))
    assert kept == tmp_path / "a" / "b"
    assert kept.is_dir()


def test_a_kept_folder_is_named_as_the_reader_named_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "named").symlink_to(tmp_path / "real")
    monkeypatch.chdir(tmp_path)
    assert _keep(Demo(tmp_path / "demo", Path("named"), print)) == tmp_path / "named"


def test_nobody_asked_for_images_so_they_go_with_the_demo(tmp_path: Path) -> None:
    assert _keep(Demo(tmp_path / "demo", None, print)) == tmp_path / "demo" / "images"
