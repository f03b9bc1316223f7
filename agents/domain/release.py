"""What a release of the agent says of itself: its manifest, its key's fingerprint, which of two is older.

Nothing but the standard library: a host reads this before anything else of ours is on it.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MANIFEST, SIGNATURE, KEY = "manifest.json", "manifest.sig", "release.pub"
ARCHIVE, INSTALLER = "landfall-agent.tar", "install.sh"
FILES = (MANIFEST, SIGNATURE, KEY, ARCHIVE, INSTALLER)
PRODUCT = "landfall-agent"
MANIFEST_MAX = 1 << 20
"""Bytes; with 150 files it has about 20,000."""
_VERSION = re.compile(r"\d{1,6}(\.\d{1,12}){2,3}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"(?!\.)[\w.+-]+(/(?!\.)[\w.+-]+)*")
_PEM = re.compile(r"-----BEGIN PUBLIC KEY-----([\sA-Za-z0-9+/=]+)-----END PUBLIC KEY-----\s*")
_ED25519 = bytes.fromhex("302a300506032b6570032100")
"""What stands before the 32 bytes of an Ed25519 key in its DER."""


class ReleaseUnreadable(Exception):
    """That is no release: the text says why not."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A release: digests are SHA-256 in hex, `files` those of what is in the archive, `size` its bytes.

    `wheels` names, for each Python that it runs on ("3.11"), the files of its dependencies.
    """

    version: str
    created: str
    development: bool
    archive: str
    size: int
    installer: str
    files: Mapping[str, str]
    wheels: Mapping[str, tuple[str, ...]]

    @property
    def id(self) -> str:
        """Return the name of the folder that it is installed into."""
        return f"{self.version}-{self.archive[:12]}"

    @property
    def order(self) -> tuple[tuple[int, ...], str]:
        """Return what compares as less for an older release: one version may have been built twice."""
        return version_order(self.version), self.created


def version_order(version: str) -> tuple[int, ...]:
    """Return a version as numbers that compare; raises ReleaseUnreadable for what is none."""
    if not _VERSION.fullmatch(version):
        raise ReleaseUnreadable(f"{version[:40]!r} is no version: three or four numbers with dots between")
    return tuple(int(part) for part in version.split("."))


def manifest_read(content: bytes) -> Manifest:
    """Return what a manifest says. Raises ReleaseUnreadable. Its signature is somebody else's business."""
    if len(content) > MANIFEST_MAX:
        raise ReleaseUnreadable("its manifest is too large")
    try:
        told: dict[str, Any] = json.loads(content)
        if told["product"] != PRODUCT:
            raise ReleaseUnreadable("its manifest is another product's")
        manifest = Manifest(
            version=str(told["version"]),
            created=str(told["created"]),
            development=bool(told["development"]),
            archive=str(told["archive"]),
            size=int(told["size"]),
            installer=str(told["installer"]),
            files={str(name): str(digest) for name, digest in told["files"].items()},
            wheels={str(python): tuple(map(str, names)) for python, names in told["wheels"].items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ReleaseUnreadable(f"its manifest cannot be read: {error!r}") from error
    _check(manifest)
    return manifest


def _check(manifest: Manifest) -> None:
    version_order(manifest.version)
    for digest in (manifest.archive, manifest.installer, *manifest.files.values()):
        if not _DIGEST.fullmatch(digest):
            raise ReleaseUnreadable(f"{digest[:80]!r} is no SHA-256")
    for name in manifest.files:
        if not _NAME.fullmatch(name):
            raise ReleaseUnreadable(f"{name[:80]!r} is no name of a file")
    for wheel in {name for names in manifest.wheels.values() for name in names}:
        if wheel not in manifest.files:
            raise ReleaseUnreadable(f"{wheel[:80]!r} is not among its files")


def key_read(pem: str) -> bytes:
    """Return the 32 bytes of an Ed25519 public key (PEM). Raises ReleaseUnreadable."""
    found = _PEM.fullmatch(pem)
    try:
        der = base64.b64decode("".join(found[1].split()), validate=True) if found else b""
    except binascii.Error:
        der = b""
    if not der.startswith(_ED25519) or len(der) != len(_ED25519) + 32:
        raise ReleaseUnreadable("its key is no Ed25519 public key")
    return der.removeprefix(_ED25519)


def fingerprint(pem: str) -> str:
    """Return how people compare a release key: the SHA-256 of its DER, in hex. Raises ReleaseUnreadable."""
    return hashlib.sha256(_ED25519 + key_read(pem)).hexdigest()


def is_older(version: str, than: str) -> bool:
    """Return whether what an agent tells of itself is an older version; what is no version is not."""
    try:
        return version_order(version) < version_order(than)
    except ReleaseUnreadable:
        return False
