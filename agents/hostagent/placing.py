"""Puts releases in place on this host, each in a folder of its own; a link says which one runs.

    releases/ID/         code, venv, manifest.json, manifest.sig; complete, as it gets this name last
    current, previous    links to one of them
    release.pub          the release key that this host trusts, whatever its portal says
    trial                the release that has not proved itself yet, and the command that ordered it
    rolled-back          the last one that did not come up, its command, and why
    launch               starts `current`, and puts `previous` back in its place (launch.sh)

Each change is one rename: whoever is killed between two of them leaves an agent that starts. Nothing but the
standard library, as the installer runs this from the archive: `python3 -m agents.hostagent.placing PREFIX
STATE FOLDER`, the folder's manifest and archive being proved.
"""

import hashlib
import importlib.util
import os
import shlex
import shutil
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

from agents.domain.release import ARCHIVE, MANIFEST, SIGNATURE, Manifest, manifest_read
from agents.hostagent.barrier import barrier

RELEASES, CURRENT, PREVIOUS, TRIAL, LAUNCH = "releases", "current", "previous", "trial", "launch"
BORROWED = ("nbd", "libnbdmod")
"""The distribution's own: no package index has them."""


class Unplaceable(Exception):
    """A release that cannot be put in place; `code` is a stable one, the text what was seen."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


def main(arguments: list[str]) -> int:
    """Install a proved folder: 0, or 1 with a reason on stderr."""
    prefix, state, folder = map(Path, arguments)
    manifest = manifest_read((folder / MANIFEST).read_bytes())
    try:
        release_place(prefix, folder, manifest)
    except Unplaceable as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return 1
    launch_write(prefix, state)
    release_switch(prefix, manifest)
    releases_prune(prefix)
    return 0


def release_place(prefix: Path, folder: Path, manifest: Manifest) -> None:
    """Put a proved release beside those that are there. Raises Unplaceable, and OSError for want of room."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    if python not in manifest.wheels:
        known = ", ".join(manifest.wheels)
        raise Unplaceable("REL-05", f"release {manifest.version} is for Python {known}; this is {python}")
    place = prefix / RELEASES / manifest.id
    if place.exists():
        return
    fresh = prefix / RELEASES / ".new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True, mode=0o755)
    archive_unpack(folder / ARCHIVE, fresh, manifest)
    _environment(fresh, manifest.wheels[python], python)
    for name in (MANIFEST, SIGNATURE):
        shutil.copyfile(folder / name, fresh / name)
    os.sync()
    barrier("upgrade.unpacked")
    fresh.rename(place)
    barrier("upgrade.placed")


def archive_unpack(archive: Path, into: Path, manifest: Manifest) -> None:
    """Unpack what the manifest names, each file by its digest, and nothing else. Raises Unplaceable."""
    left = dict(manifest.files)
    with tarfile.open(archive, mode="r:") as opened:
        for member in opened:
            source = opened.extractfile(member) if member.isreg() else None
            content = source.read() if source else b""
            if source is None or hashlib.sha256(content).hexdigest() != left.pop(member.name, ""):
                raise Unplaceable("REL-03", f"{member.name} in the archive is not what was signed")
            target = into / member.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    if left:
        raise Unplaceable("REL-03", f"{min(left)} is missing in the archive")


def release_switch(prefix: Path, manifest: Manifest, *, order: str = "") -> None:
    """Have the release run from the next start on: on trial, where another has run here before."""
    wanted = f"{RELEASES}/{manifest.id}"
    before = linked(prefix / CURRENT)
    if before == wanted:
        return
    if before:
        if not on_trial(prefix):  # what has not proved itself is nothing to go back to
            _link(prefix / PREVIOUS, before)
        barrier("upgrade.previous")
        _write(prefix / TRIAL, f"{manifest.id}\n{order}\n")
        barrier("upgrade.trial")
    _link(prefix / CURRENT, wanted)
    barrier("upgrade.switched")


def on_trial(prefix: Path) -> bool:
    """Return whether the release that runs from the next start on has yet to prove itself."""
    try:
        named = (prefix / TRIAL).read_text().partition("\n")[0]
    except FileNotFoundError:
        return False
    return linked(prefix / CURRENT) == f"{RELEASES}/{named}"


def linked(path: Path) -> str:
    """Return where a link leads; empty where there is none."""
    return str(path.readlink()) if path.is_symlink() else ""


def releases_prune(prefix: Path) -> None:
    """Remove the releases that nothing leads to any more."""
    kept = {linked(prefix / name).rpartition("/")[2] for name in (CURRENT, PREVIOUS)}
    for place in (prefix / RELEASES).iterdir():
        if place.name not in kept:
            shutil.rmtree(place, ignore_errors=True)


def launch_write(prefix: Path, state: Path) -> None:
    """Write what starts the agent. An upgrade leaves it alone: it must work whatever a release brings."""
    text = Path(__file__).with_name("launch.sh").read_text()
    for name, path in (("@PREFIX@", prefix), ("@STATE@", state)):
        text = text.replace(name, shlex.quote(str(path)))
    _write(prefix / LAUNCH, text, mode=0o755)


def _environment(place: Path, wheels: tuple[str, ...], python: str) -> None:
    """Make the release's own environment: unpacking installs these wheels (see `wheels.wheel_check`)."""
    venv.EnvBuilder(symlinks=True, with_pip=False).create(place / "venv")
    site = place / "venv" / "lib" / f"python{python}" / "site-packages"
    for name in wheels:
        with zipfile.ZipFile(place / name) as wheel:
            wheel.extractall(site)  # noqa: S202  what was signed
    for module in BORROWED:
        found = importlib.util.find_spec(module)
        if found is not None and found.origin:
            origin = Path(found.origin).resolve()
            (site / origin.name).symlink_to(origin)
    shutil.rmtree(place / "wheels", ignore_errors=True)


def _link(path: Path, target: str) -> None:
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(path)


def _write(path: Path, text: str, *, mode: int = 0o644) -> None:
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_text(text)
    fresh.chmod(mode)
    fresh.replace(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
