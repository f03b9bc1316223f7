"""What a host is given: one archive with the agent's own packages and its dependencies' wheels.

The archive is the same bytes for the same sources, so that anybody can build it again and compare. It is a
plain tar: the wheels in it are compressed already.
"""

import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("agents/hostagent", "agents/vsphere", "agents/domain")
CODE, WHEELS = "code", "wheels"
TEMPLATE = Path(__file__).with_name("install.sh")
_TAKEN = ("*.py", "launch.sh")


@dataclass(frozen=True, slots=True)
class Packed:
    """An archive, the digest of each file in it, and which wheels each Python needs."""

    content: bytes
    files: Mapping[str, str]
    wheels: Mapping[str, list[str]]


def archive_build(wheels: Mapping[str, Sequence[Path]], root: Path = ROOT) -> Packed:
    """Return the archive of the agent in `root` with these wheels by Python ("3.11")."""
    contents = _code(root)
    named: dict[str, list[str]] = {}
    for python, paths in wheels.items():
        named[python] = [f"{WHEELS}/{path.name}" for path in paths]
        contents |= {f"{WHEELS}/{path.name}": path.read_bytes() for path in paths}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in sorted(contents.items()):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(content))
    files = {name: hashlib.sha256(content).hexdigest() for name, content in sorted(contents.items())}
    return Packed(packed.getvalue(), files, named)


def _code(root: Path) -> dict[str, bytes]:
    found = {f"{CODE}/agents/__init__.py": b""}
    for package in PACKAGES:
        for pattern in _TAKEN:
            for path in (root / package).rglob(pattern):
                found[f"{CODE}/{path.relative_to(root)}"] = path.read_bytes()
    return found
