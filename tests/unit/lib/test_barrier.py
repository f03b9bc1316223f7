"""The points at which a fault test ends a process."""

import os
import subprocess
import sys

import pytest

from portal.lib.barrier import EXIT_CODE, VARIABLE, barrier

SCRIPT = "import atexit; atexit.register(print, 'handlers ran'); from portal.lib.barrier import barrier; "


def test_it_ends_the_process_as_a_power_cut_would() -> None:
    argv = [sys.executable, "-c", SCRIPT + "barrier('here'); print('went on')"]
    done = subprocess.run(argv, env={**os.environ, VARIABLE: "here"}, capture_output=True, check=False)

    assert (done.returncode, done.stdout) == (EXIT_CODE, b"")


@pytest.mark.parametrize("told", ["", "elsewhere", "her", "here,there"])
def test_it_does_nothing_anywhere_else(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    monkeypatch.setenv(VARIABLE, told)

    barrier("here")


def test_it_does_nothing_where_nobody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)

    barrier("here")
