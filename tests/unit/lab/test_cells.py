"""The table of faults: nothing is left out, and nothing is run twice."""

from lab.faults.cells import CHOSEN, MOMENTS, Special, Victim, cells, shard


def test_every_victim_dies_at_every_moment() -> None:
    assert len(list(cells())) == len(Victim) * len(MOMENTS) + len(Special)


def test_no_cell_is_there_twice() -> None:
    names = [cell.name for cell in cells()]
    assert len(names) == len(set(names))


def test_shards_share_the_table_out() -> None:
    shared = [cell.name for number in (1, 2, 3) for cell in shard(number, 3)]
    assert sorted(shared) == sorted(cell.name for cell in cells())


def test_what_ci_runs_is_in_the_table() -> None:
    assert set(CHOSEN) <= {cell.name for cell in cells()}
    assert len(CHOSEN) >= 15


def test_every_shard_has_every_victim() -> None:
    assert all({cell.victim for cell in shard(number, 3)} >= set(Victim) for number in (1, 2, 3))
