"""Tests on the estate stay in one process: pytest-xdist lets it go silently where pytest does not fit it."""

import subprocess
import sys
from pathlib import Path

TESTS = """
import os
import pytest

pytestmark = pytest.mark.xdist_group("estate")

@pytest.mark.parametrize("number", range(4))
def test_it(number, record_property):
    record_property("worker", os.environ["PYTEST_XDIST_WORKER"])
"""


def test_a_group_stays_on_one_worker(tmp_path: Path) -> None:
    for name in ("test_one.py", "test_other.py"):
        (tmp_path / name).write_text(TESTS)
    told = tmp_path / "told.xml"
    plain = ("-p", "no:django", "-p", "no:randomly", "-p", "no:cacheprovider", "-c", "/dev/null")

    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", *plain, f"--rootdir={tmp_path}"),
            *("-n", "2", "--dist", "loadgroup", f"--junit-xml={told}", str(tmp_path)),
        ],
        check=True,
        capture_output=True,
        cwd=tmp_path,
    )

    workers = {f"gw{number}" for number in range(2) if f'value="gw{number}"' in told.read_text()}
    assert len(workers) == 1
