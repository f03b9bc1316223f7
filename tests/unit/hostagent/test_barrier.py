"""Barriers: a death at a named point, once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agents.hostagent.barrier import barrier

SCRIPT = "from agents.hostagent.barrier import barrier; barrier('sync.mid'); print('passed')"


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_a_word_from_the_environment_it_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LANDFALL_DIE_AT", raising=False)
    barrier("sync.mid")


def test_it_dies_at_the_named_point() -> None:
    died = run(LANDFALL_DIE_AT="freeze.frozen,sync.mid")
    assert (died.returncode, died.stdout) == (-9, "")


def test_it_passes_every_other_point() -> None:
    assert run(LANDFALL_DIE_AT="freeze.frozen").stdout == "passed\n"


def test_it_dies_once_where_a_file_remembers(tmp_path: Path) -> None:
    marker = str(tmp_path / "died")
    first = run(LANDFALL_DIE_AT="sync.mid", LANDFALL_DIE_ONCE=marker)
    second = run(LANDFALL_DIE_AT="sync.mid", LANDFALL_DIE_ONCE=marker)
    assert (first.returncode, second.stdout) == (-9, "passed\n")
