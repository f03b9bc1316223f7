"""Releases of the agent for tests: real ones with real wheels, and small ones for pages."""

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.domain.release import KEY, Manifest, fingerprint
from agents.hostagent.packaging import PACKAGES, ROOT
from agents.hostagent.release import release_build, release_sign
from agents.hostagent.wheels import wheels_fetch

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
MADE = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@cache
def wheels_here() -> Mapping[str, Sequence[Path]]:
    """The wheels for this Python, downloaded once per checkout."""
    return wheels_fetch(ROOT / "var" / "agent-wheels", (PYTHON,))


@dataclass(slots=True)
class Publisher:
    """Who holds a release key, and builds and signs releases into folders."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def publish(
        self,
        folder: Path,
        *,
        version: str = "0.2.0",
        wheels: Mapping[str, Sequence[Path]] | None = None,
        root: Path = ROOT,
        signed: bool = True,
    ) -> Manifest:
        """A release of `root` with real wheels unless others are given."""
        given = wheels_here() if wheels is None else wheels
        made = release_build(folder, version=version, wheels=given, now=MADE, root=root)
        return release_sign(folder, key=self.key) if signed else made


def fingerprint_in(folder: Path) -> str:
    """The fingerprint of the key that a release comes with."""
    return fingerprint((folder / KEY).read_text())


def sources_changed(into: Path, file: str, before: str, after: str) -> Path:
    """A copy of the agent's sources with one text replaced; the folder to build it from."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, into / package, ignore=shutil.ignore_patterns("__pycache__"))
    path = into / file
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))
    return into
