"""Whether a release is what the holder of the pinned key signed: nothing of it is unpacked or run before."""

import hashlib
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from agents.domain.protocol import Failure
from agents.domain.release import (
    ARCHIVE,
    INSTALLER,
    MANIFEST_MAX,
    Manifest,
    ReleaseUnreadable,
    key_read,
    manifest_read,
)

SIGNATURE_LENGTH = 64
_STEP = 1 << 20


class ReleaseRefused(Exception):
    """A release that this host does not take; `code` is why, the text what was seen."""

    def __init__(self, code: Failure, why: str) -> None:
        super().__init__(why)
        self.code = code


def manifest_prove(content: bytes, signature: bytes, *, key: str) -> Manifest:
    """Return a manifest that the key (PEM) has signed. Raises ReleaseRefused."""
    if not signature:
        raise ReleaseRefused(Failure.RELEASE_UNSIGNED, "it has no signature")
    if len(content) > MANIFEST_MAX or len(signature) != SIGNATURE_LENGTH:
        raise ReleaseRefused(Failure.RELEASE_UNSIGNED, "its manifest or its signature is none")
    try:
        Ed25519PublicKey.from_public_bytes(key_read(key)).verify(signature, content)
        return manifest_read(content)
    except InvalidSignature as error:
        raise ReleaseRefused(
            Failure.RELEASE_UNSIGNED, "its signature is not the release key's that this host trusts"
        ) from error
    except ReleaseUnreadable as error:
        raise ReleaseRefused(Failure.RELEASE_UNSIGNED, str(error)) from error


def archive_prove(archive: Path, manifest: Manifest) -> None:
    """Raise ReleaseRefused unless that is the archive of a manifest that is proved."""
    if not archive.exists() or digest_of(archive) != manifest.archive:
        raise ReleaseRefused(Failure.RELEASE_ALTERED, f"{archive.name} is not the one that was signed")


def folder_prove(folder: Path, manifest: Manifest) -> None:
    """Raise ReleaseRefused unless archive and installer in the folder are those of a proved manifest."""
    archive_prove(folder / ARCHIVE, manifest)
    installer = folder / INSTALLER
    if not installer.exists() or digest_of(installer) != manifest.installer:
        raise ReleaseRefused(Failure.RELEASE_ALTERED, f"{INSTALLER} is not the one that was signed")


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while part := file.read(_STEP):
            digest.update(part)
    return digest.hexdigest()
