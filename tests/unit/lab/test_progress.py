"""The file in which a guest's host reads what the guest has written."""

from pathlib import Path

from lab.progress import ProgressFile, progress_begin, progress_read


def test_it_knows_the_first_and_the_last_acknowledged_write(tmp_path: Path) -> None:
    path = progress_begin(tmp_path)
    with ProgressFile(path) as progress:
        progress.acknowledged(7, 100.0)
        progress.acknowledged(8, 101.5)
    said = progress_read(path)
    assert (said.first, said.first_at, said.last, said.last_at) == (7, 100.0, 8, 101.5)


def test_boot_ends_with_the_first_write(tmp_path: Path) -> None:
    path = progress_begin(tmp_path)
    started = progress_read(path).started_at
    with ProgressFile(path) as progress:
        progress.acknowledged(1, started + 4)
    assert progress_read(path).boot_seconds == 4


def test_errors_are_counted(tmp_path: Path) -> None:
    path = progress_begin(tmp_path)
    with ProgressFile(path) as progress:
        progress.error()
        progress.acknowledged(1, 1.0)
        progress.error()
    assert (progress_read(path).errors, progress_read(path).last) == (2, 1)


def test_an_earlier_life_is_kept(tmp_path: Path) -> None:
    with ProgressFile(progress_begin(tmp_path)) as progress:
        progress.acknowledged(9, 1.0)
    progress_begin(tmp_path)
    assert progress_read(tmp_path / "progress").last == 0
    assert progress_read(tmp_path / "progress.0").last == 9


def test_a_guest_that_never_started_has_written_nothing(tmp_path: Path) -> None:
    assert progress_read(tmp_path / "progress").last == 0
