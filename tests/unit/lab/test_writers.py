"""Whether two guests wrote at once, from what each said of its own writes."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from lab.faults.writers import Life, WritersWatch
from lab.progress import Progress, ProgressFile, progress_begin
from lab.sites import LabSite


def life(side: str, first_at: float, last_at: float, errors: int = 0) -> Life:
    progress = Progress(
        last=9, last_at=last_at, first=1, first_at=first_at, started_at=first_at - 1, errors=errors
    )
    return Life(side, progress)


def watch(*lives: Life) -> WritersWatch:
    return WritersWatch("mail", {}, {(one.side, one.progress.started_at): one for one in lives})


def test_one_after_the_other_is_as_it_must_be() -> None:
    assert not watch(life("near", 10, 20), life("far", 21, 30)).two_wrote


def test_both_at_once_is_found() -> None:
    assert watch(life("near", 10, 20), life("far", 19.9, 30)).two_wrote


def test_a_guest_that_came_back_too_early_is_found() -> None:
    assert watch(life("near", 10, 20), life("far", 21, 30), life("near", 29, 40)).two_wrote


def test_one_that_never_wrote_overlaps_with_nobody() -> None:
    assert not watch(life("near", 10, 20), life("far", 0, 0)).two_wrote


def test_the_latest_life_counts() -> None:
    latest = watch(life("near", 10, 20), life("near", 30, 40)).last("near")
    assert latest is not None
    assert latest.last_at == 40


def test_errors_of_all_lives_are_added() -> None:
    assert watch(life("near", 1, 2, errors=2), life("far", 3, 4, errors=1)).errors == 3


def a_site(folder: Path) -> LabSite:
    """A site with one host that has no machines yet."""
    return LabSite(folder, cast(Any, SimpleNamespace()), folder / "store", {"esx1": cast(Any, None)})


def a_machine(site: LabSite, moid: str, name: str) -> Path:
    folder = site.machines_folder("esx1") / moid
    folder.mkdir(parents=True)
    (folder / "machine.json").write_text(json.dumps({"moid": moid, "name": name}))
    return folder


def a_life(folder: Path, last: int, at: float) -> None:
    with ProgressFile(progress_begin(folder)) as progress:
        progress.acknowledged(1, at - 1)
        progress.acknowledged(last, at)


async def test_all_lives_of_a_machine_are_seen_and_no_other_s(tmp_path: Path) -> None:
    site = a_site(tmp_path)
    ours, other = a_machine(site, "vm-1", "mail"), a_machine(site, "vm-2", "mail2")
    a_life(ours, 5, 10.0)
    a_life(ours, 9, 20.0)
    a_life(other, 7, 30.0)
    watch = WritersWatch("mail", {"near": site})
    await watch.stop()
    assert sorted(life.progress.last for life in watch.lives.values()) == [5, 9]


async def test_what_a_removed_machine_wrote_is_remembered(tmp_path: Path) -> None:
    near, far = a_site(tmp_path / "near"), a_site(tmp_path / "far")
    gone = a_machine(far, "vm-1", "mail")
    a_life(gone, 5, 10.0)
    watch = WritersWatch("mail", {"near": near, "far": far})
    await watch.stop()
    (gone / "machine.json").unlink()
    a_life(a_machine(near, "vm-1", "mail"), 9, 9.5)
    await watch.stop()
    assert watch.two_wrote


async def test_a_folder_that_is_just_being_made_is_no_trouble(tmp_path: Path) -> None:
    site = a_site(tmp_path)
    folder = site.machines_folder("esx1") / "vm-1"
    folder.mkdir(parents=True)
    half = a_machine(site, "vm-2", "mail")
    (half / "progress").write_bytes(b"half")
    watch = WritersWatch("mail", {"near": site})
    watch.start()
    await watch.stop()
    assert watch.lives == {}
    assert watch.last("near") is None


async def test_a_life_goes_on_while_it_is_watched(tmp_path: Path) -> None:
    site = a_site(tmp_path)
    folder = a_machine(site, "vm-1", "mail")
    watch = WritersWatch("mail", {"near": site})
    with ProgressFile(progress_begin(folder)) as progress:
        progress.acknowledged(1, 1.0)
        await watch.stop()
        progress.acknowledged(2, 2.0)
        await watch.stop()
    assert len(watch.lives) == 1
    last = watch.last("near")
    assert last is not None
    assert last.last == 2
