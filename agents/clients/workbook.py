"""Has a workbook that a stranger sent read, by a process of its own (`agents.clients.workbook_reader`).

Whatever the file does to its reader, it does to that process and not to the portal.
"""

import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import msgspec

from agents.domain.rvtools import Answer, Told, WorkbookWrong

PATIENCE_S = 50
_ROOT = Path(__file__).parents[2]


def workbook_told(file: BinaryIO) -> Told:
    """Return what the workbook says. Raises WorkbookWrong, also when reading it takes too much."""
    argv = [sys.executable, "-m", "agents.clients.workbook_reader"]
    try:
        done = subprocess.run(
            argv,
            stdin=file,
            capture_output=True,
            cwd=_ROOT,
            env={},  # ours holds the portal's secrets
            timeout=PATIENCE_S,
            check=False,
        )
        answer = msgspec.json.decode(done.stdout, type=Answer)
    except (subprocess.TimeoutExpired, msgspec.DecodeError) as error:  # killed for what it took
        raise WorkbookWrong(
            "Reading it takes more time or memory than a workbook of RVTools does."
        ) from error
    if answer.told is None:
        raise WorkbookWrong(answer.wrong)
    return answer.told
