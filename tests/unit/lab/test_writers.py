"""Whether two guests wrote at once, from what each said of its own writes."""

from lab.faults.writers import Life, WritersWatch
from lab.progress import Progress


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
