"""The release that this process runs from, and how the one before it fared; none in a checkout."""

import os
from dataclasses import dataclass
from pathlib import Path

from agents.domain.release import KEY, MANIFEST, Manifest, manifest_read
from agents.hostagent.placing import RELEASES, TRIAL, on_trial, releases_prune

VERSION = "0.1.0"
"""What a checkout calls itself; a release has its own in its manifest."""
PREFIX = "LANDFALL_AGENT_PREFIX"
ROLLED_BACK = "rolled-back"
RELEASE = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class RolledBack:
    """A release that did not come up: its id, the command that ordered it (empty for a person), and why."""

    id: str
    order: str
    why: str


@dataclass(frozen=True, slots=True)
class Installed:
    """An installation below its prefix, as seen from the release that runs."""

    prefix: Path
    manifest: Manifest

    @property
    def key(self) -> str:
        """Return the release key that this host trusts (PEM)."""
        return (self.prefix / KEY).read_text()

    @property
    def proved(self) -> bool:
        """Return whether this release has reached the portal since it was installed."""
        return not on_trial(self.prefix)

    def confirm(self) -> None:
        """The portal is reached: this release stays, and what it replaced may go when the next one comes."""
        if not self.proved:
            (self.prefix / TRIAL).unlink(missing_ok=True)
            releases_prune(self.prefix)

    def rolled_back(self) -> RolledBack | None:
        """Return the last release that did not come up here."""
        try:
            id_, order, *why = (self.prefix / ROLLED_BACK).read_text().splitlines()
        except (FileNotFoundError, ValueError):
            return None
        return RolledBack(id_, order, " ".join(why))


def installed_find() -> Installed | None:
    """Return the installation that this process runs from, if the installer made one."""
    prefix = Path(os.environ.get(PREFIX, "/nowhere")).resolve()
    if RELEASE.parent != prefix / RELEASES or not (RELEASE / MANIFEST).exists():
        return None
    return Installed(prefix, manifest_read((RELEASE / MANIFEST).read_bytes()))


def version() -> str:
    """Return what this agent tells of itself."""
    found = installed_find()
    return found.manifest.version if found else VERSION
