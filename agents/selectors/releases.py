"""The release of the agent that this portal serves, from its folder; and how it is installed."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.conf import settings

from agents.domain.release import KEY, MANIFEST, ReleaseUnreadable, fingerprint, is_older, manifest_read


@dataclass(frozen=True, slots=True)
class Release:
    """A release as people are told of it; `key` is its key's fingerprint, `installer` the script's digest."""

    version: str
    created: str
    development: bool
    key: str
    installer: str

    def is_newer_than(self, version: str) -> bool:
        """Return whether an agent of this version is behind."""
        return is_older(version, self.version)


def release_served() -> Release | None:
    """Return the release in `AGENT_RELEASE`; None where there is none that can be read."""
    folder = Path(settings.AGENT_RELEASE)
    try:
        return _read(folder, (folder / MANIFEST).stat().st_mtime_ns)
    except (OSError, ReleaseUnreadable):
        return None


def install_command(*, portal: str, token: str, release: Release) -> str:
    """Return the command that installs an agent on a host and spends the one-off key."""
    how = f"--key {token} --portal {portal} --release-key {release.key}"
    return f"curl -fsS {portal}/agent/install | sudo sh -s -- {how}"


@lru_cache(maxsize=4)
def _read(folder: Path, _written_at: int) -> Release:
    """Return what the folder holds. Whether its signature holds is for whoever installs it to see."""
    manifest = manifest_read((folder / MANIFEST).read_bytes())
    return Release(
        version=manifest.version,
        created=manifest.created,
        development=manifest.development,
        key=fingerprint((folder / KEY).read_text()),
        installer=manifest.installer,
    )
