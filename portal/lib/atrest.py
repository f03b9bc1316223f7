"""What must be stored and read again is encrypted with a key that is in no database and no backup of one.

The keys stand in a file beside the portal's others, one a line. The first, the newest, encrypts; all decrypt.
"""

import os
from functools import lru_cache
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from portal.lib.keys import STORAGE, VARIABLE, private_write


class Unreadable(Exception):
    """No key of the file opens it."""


def encrypt(text: str) -> str:
    """Return the text encrypted with the newest key, as text."""
    return _keys().encrypt(text.encode()).decode()


def decrypt(stored: str) -> str:
    """Return what was encrypted with any of the keys; raises Unreadable."""
    try:
        return _keys().decrypt(stored.encode()).decode()
    except InvalidToken as error:
        raise Unreadable("none of the keys in storage.keys opens it") from error


def key_add() -> int:
    """Put a new key in front of the others; return how many there are."""
    lines = [Fernet.generate_key().decode(), *_lines(_path())]
    _write(lines)
    return len(lines)


def keys_drop() -> int:
    """Keep the newest key alone; return how many were dropped."""
    lines = _lines(_path())
    _write(lines[:1])
    return len(lines) - 1


def _path() -> Path:
    return Path(os.environ[VARIABLE]) / STORAGE


def _lines(path: Path) -> list[str]:
    return [line.strip() for line in path.read_text().splitlines() if line.strip()]


def _write(lines: list[str]) -> None:
    fresh = _path().with_suffix(".new")
    fresh.unlink(missing_ok=True)
    private_write(fresh, "".join(f"{line}\n" for line in lines).encode())
    fresh.replace(_path())


def _keys() -> MultiFernet:
    path = _path()
    # A changed file counts at once: running processes need no restart.
    return _read(str(path), path.stat().st_mtime_ns)


@lru_cache(maxsize=4)
def _read(path: str, _changed: int) -> MultiFernet:
    return MultiFernet([Fernet(line) for line in _lines(Path(path))])
