"""Releases: built, signed elsewhere, and taken for nothing that they are not."""

import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from agents.domain.protocol import Failure
from agents.domain.release import (
    ARCHIVE,
    INSTALLER,
    MANIFEST,
    SIGNATURE,
    ReleaseUnreadable,
    fingerprint,
    is_older,
    manifest_read,
)
from agents.hostagent.packaging import ROOT
from agents.hostagent.proof import ReleaseRefused
from agents.hostagent.release import PASSPHRASE, release_verify
from agents.hostagent.wheels import LOCK, PYTHONS, WheelUnfit, wheel_check, wheel_without
from tests.releases import Publisher

HERE = Publisher()


@pytest.fixture
def release(tmp_path: Path) -> Path:
    HERE.publish(tmp_path / "release", wheels={"3.11": []})
    return tmp_path / "release"


def run(*arguments: str, words: str = "") -> subprocess.CompletedProcess[str]:
    """The program as a person runs it."""
    argv = [sys.executable, "-m", "agents.hostagent.release", *arguments]
    environment = {PASSPHRASE: words} if words else {}
    return subprocess.run(
        argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    )


def test_it_is_signed_by_a_key_that_is_kept_elsewhere_and_encrypted(release: Path, tmp_path: Path) -> None:
    key, public = tmp_path / "release.key", tmp_path / "release.key.pub"
    made = run("key", str(key), words="a long one")
    signed = run("sign", str(release), "--key", str(key), words="a long one")
    verified = run("verify", str(release), "--public", str(public))
    assert b"ENCRYPTED" in key.read_bytes()
    assert key.stat().st_mode & 0o077 == 0
    assert fingerprint(public.read_text()) in made.stdout
    assert "signed 0.2.0" in signed.stdout
    assert "is whole and signed by" in verified.stdout


def test_a_key_is_neither_written_over_nor_opened_by_another_passphrase(
    release: Path, tmp_path: Path
) -> None:
    key = tmp_path / "release.key"
    run("key", str(key), words="a long one")
    before = key.read_bytes()
    again = run("key", str(key), words="another")
    signed = run("sign", str(release), "--key", str(key), words="another")
    assert "not written over" in again.stderr
    assert key.read_bytes() == before
    assert "is the passphrase right?" in signed.stderr


SPOILT: list[tuple[str, Failure]] = [
    (SIGNATURE, Failure.RELEASE_UNSIGNED),
    (MANIFEST, Failure.RELEASE_UNSIGNED),
    (ARCHIVE, Failure.RELEASE_ALTERED),
    (INSTALLER, Failure.RELEASE_ALTERED),
]


@pytest.mark.parametrize(("name", "code"), SPOILT)
def test_one_changed_byte_of_any_file_is_seen(release: Path, name: str, code: Failure) -> None:
    content = bytearray((release / name).read_bytes())
    content[len(content) // 2] ^= 1
    (release / name).write_bytes(content)
    with pytest.raises(ReleaseRefused) as refused:
        release_verify(release, public=(release / "release.pub").read_text())
    assert refused.value.code is code


def test_another_key_s_signature_counts_for_nothing(release: Path, tmp_path: Path) -> None:
    Publisher().publish(tmp_path / "other", wheels={"3.11": []})
    with pytest.raises(ReleaseRefused):
        release_verify(tmp_path / "other", public=(release / "release.pub").read_text())


def test_what_was_changed_after_it_was_built_is_not_signed(release: Path, tmp_path: Path) -> None:
    run("key", str(tmp_path / "k"), words="a long one")
    (release / ARCHIVE).write_bytes(b"another")
    signed = run("sign", str(release), "--key", str(tmp_path / "k"), words="a long one")
    assert "is not the one that was signed" in signed.stderr


def told(**changes: object) -> bytes:
    """A manifest with changes; a value of None is left out."""
    usual: dict[str, object] = {
        "product": "landfall-agent",
        "version": "1.2.3",
        "created": "2026-03-02T12:00:00Z",
        "development": False,
        "archive": "ab" * 32,
        "size": 10,
        "installer": "cd" * 32,
        "files": {"code/agents/__init__.py": "ef" * 32},
        "wheels": {"3.11": []},
    }
    return json.dumps(
        {key: value for key, value in {**usual, **changes}.items() if value is not None}
    ).encode()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        told(product="another"),
        told(version="1.2"),
        told(version="1.2.3-rc1"),
        told(version="../../etc"),
        told(archive="short"),
        told(size=None),
        told(files={"../outside": "ef" * 32}),
        told(files={"/etc/passwd": "ef" * 32}),
        told(files={"a/./b": "ef" * 32}),
        told(wheels={"3.11": ["wheels/unknown.whl"]}),
        told(files="none"),
    ],
)
def test_what_is_no_manifest_is_refused(content: bytes) -> None:
    with pytest.raises(ReleaseUnreadable):
        manifest_read(content)


@pytest.mark.parametrize(
    ("version", "than", "older"),
    [
        ("0.2.0", "0.10.0", True),
        ("0.10.0", "0.2.0", False),
        ("0.1.0", "0.1.0", False),
        ("0.1.0", "0.1.0.202603021200", True),
        ("", "0.1.0", False),
        ("next", "0.1.0", False),
    ],
)
def test_versions_compare_as_numbers(version: str, than: str, older: bool) -> None:
    assert is_older(version, than) is older


def test_of_two_builds_of_one_version_the_earlier_is_the_older() -> None:
    early, late = manifest_read(told()), manifest_read(told(created="2026-03-02T12:00:01Z"))
    assert early.order < late.order


def wheel(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        for name in names:
            made.writestr(name, "x")
        made.writestr("one-1.dist-info/RECORD", "".join(f"{name},sha256=x,1\n" for name in names))
    return path


@pytest.mark.parametrize(
    "name", ["../out.py", "/etc/one", "one-1.data/data/etc/one", "one-1.data/purelib/a.py"]
)
def test_a_wheel_that_writes_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(WheelUnfit):
        wheel_check(wheel(tmp_path / "one.whl", "one/__init__.py", name))


def test_a_module_is_taken_out_of_a_wheel_with_its_record(tmp_path: Path) -> None:
    made = wheel(tmp_path / "one.whl", "one/__init__.py", "one/legacy.py")
    with zipfile.ZipFile(io.BytesIO(wheel_without(made.read_bytes(), "one/legacy.py"))) as other:
        assert other.namelist() == ["one/__init__.py", "one-1.dist-info/RECORD"]
        assert b"legacy" not in other.read("one-1.dist-info/RECORD")


def test_the_lock_pins_each_wheel_by_its_digest_and_agrees_with_the_repository_s() -> None:
    ours = dict(line.split("==") for line in (ROOT / "requirements.lock").read_text().split() if "==" in line)
    entries = LOCK.read_text().replace("\\\n", " ").splitlines()
    pinned = [line for line in entries if line and not line.startswith("#")]
    assert all("--hash=sha256:" in line for line in pinned)
    versions = dict(line.split()[0].split("==") for line in pinned)
    assert {name: ours[name] for name in versions} == versions
    assert {"cryptography", "httpx", "msgspec", "pyvmomi", "qemu-qmp", "zstandard", "blake3"} <= set(versions)
    assert "3.11" in PYTHONS
