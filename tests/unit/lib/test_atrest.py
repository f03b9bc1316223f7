"""What is stored encrypted: with the newest key, and read with each."""

from pathlib import Path

import pytest

from portal.lib import atrest
from portal.lib.keys import STORAGE, VARIABLE, keys_create


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keys of this test alone."""
    keys_create(tmp_path / "keys")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "keys"))
    return tmp_path / "keys"


def test_what_is_encrypted_is_read_again() -> None:
    assert atrest.decrypt(atrest.encrypt("säcret")) == "säcret"


def test_nothing_of_it_shows_and_no_two_are_alike() -> None:
    first, second = atrest.encrypt("secret"), atrest.encrypt("secret")

    assert "secret" not in first
    assert first != second


def test_a_new_key_reads_what_the_old_one_wrote_until_that_is_dropped() -> None:
    old = atrest.encrypt("secret")

    assert atrest.key_add() == 2
    assert atrest.decrypt(old) == "secret"
    new = atrest.encrypt("secret")
    assert atrest.keys_drop() == 1

    assert atrest.decrypt(new) == "secret"
    with pytest.raises(atrest.Unreadable):
        atrest.decrypt(old)


def test_a_changed_letter_is_found() -> None:
    stored = atrest.encrypt("secret")

    with pytest.raises(atrest.Unreadable):
        atrest.decrypt(stored[:-6] + ("A" if stored[-6] != "A" else "B") + stored[-5:])


def test_nobody_else_may_read_the_keys(folder: Path) -> None:
    atrest.key_add()

    assert (folder / STORAGE).stat().st_mode & 0o777 == 0o600
