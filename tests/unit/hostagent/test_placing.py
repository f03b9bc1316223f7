"""Putting releases in place: what is unpacked, which one runs, and which are kept."""

import dataclasses
import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from agents.domain.release import Manifest
from agents.hostagent.placing import (
    Unplaceable,
    archive_unpack,
    linked,
    on_trial,
    release_switch,
    releases_prune,
)

ONE = Manifest("1.0.0", "2026-03-02T12:00:00Z", False, "a" * 64, 1, "b" * 64, {}, {})
TWO = dataclasses.replace(ONE, version="2.0.0")
THREE = dataclasses.replace(ONE, version="3.0.0")


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """A host with three releases in place, of which none runs yet."""
    for manifest in (ONE, TWO, THREE):
        (tmp_path / "releases" / manifest.id).mkdir(parents=True)
    return tmp_path


def runs(prefix: Path) -> str:
    return linked(prefix / "current").removeprefix("releases/").partition("-")[0]


def archive(path: Path, *files: tuple[str, bytes]) -> Path:
    with tarfile.open(path, "w") as made:
        for name, content in files:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            made.addfile(entry, io.BytesIO(content))
    return path


def test_the_first_release_is_not_on_trial(prefix: Path) -> None:
    release_switch(prefix, ONE)
    assert (runs(prefix), on_trial(prefix)) == ("1.0.0", False)


def test_a_later_one_is_on_trial_with_the_one_before_to_go_back_to(prefix: Path) -> None:
    release_switch(prefix, ONE)
    release_switch(prefix, TWO, order="a command")
    assert (runs(prefix), on_trial(prefix)) == ("2.0.0", True)
    assert linked(prefix / "previous") == f"releases/{ONE.id}"
    assert (prefix / "trial").read_text() == f"{TWO.id}\na command\n"


def test_the_same_one_again_changes_nothing(prefix: Path) -> None:
    release_switch(prefix, ONE)
    release_switch(prefix, ONE)
    assert on_trial(prefix) is False


def test_what_has_not_proved_itself_is_nothing_to_go_back_to(prefix: Path) -> None:
    for manifest in (ONE, TWO, THREE):
        release_switch(prefix, manifest)
    assert runs(prefix) == "3.0.0"
    assert linked(prefix / "previous") == f"releases/{ONE.id}"


def test_what_nothing_leads_to_is_removed(prefix: Path) -> None:
    release_switch(prefix, ONE)
    release_switch(prefix, TWO)
    releases_prune(prefix)
    assert {path.name for path in (prefix / "releases").iterdir()} == {ONE.id, TWO.id}


@pytest.mark.parametrize(
    "files",
    [
        [("code/one.py", b"changed")],
        [("code/one.py", b"one"), ("code/more.py", b"more")],
        [("code/one.py", b"one"), ("../outside", b"one")],
        [],
    ],
)
def test_what_the_manifest_does_not_say_is_not_unpacked(
    tmp_path: Path, files: list[tuple[str, bytes]]
) -> None:
    told = dataclasses.replace(ONE, files={"code/one.py": hashlib.sha256(b"one").hexdigest()})
    made = archive(tmp_path / "archive.tar", *files)
    (tmp_path / "into").mkdir()
    with pytest.raises(Unplaceable) as refused:
        archive_unpack(made, tmp_path / "into", told)
    assert refused.value.code == "REL-03"
    assert not (tmp_path / "outside").exists()
