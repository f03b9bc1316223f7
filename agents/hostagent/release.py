"""Makes releases of the agent: `python -m agents.hostagent.release VERB`.

    key FILE                  a new release key, once: FILE, encrypted, and FILE.pub
    build DIR --version V     archive, installer and manifest, where the package index is in reach
    sign DIR --key FILE       the signature, on a machine that the portal cannot reach
    verify DIR --public FILE  whether a folder is what that key signed
    develop DIR               a release for trying things out, signed by a key that lies beside it

The portal serves such a folder (`LANDFALL_AGENT_RELEASE`) and never has the private key.
"""

import argparse
import getpass
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.domain.release import (
    ARCHIVE,
    INSTALLER,
    KEY,
    MANIFEST,
    PRODUCT,
    SIGNATURE,
    Manifest,
    ReleaseUnreadable,
    fingerprint,
    manifest_read,
    version_order,
)
from agents.hostagent.identity import private_write
from agents.hostagent.installed import VERSION
from agents.hostagent.packaging import ROOT, TEMPLATE, Packed, archive_build
from agents.hostagent.proof import ReleaseRefused, folder_prove, manifest_prove
from agents.hostagent.wheels import WheelUnfit, wheels_fetch

PASSPHRASE = "LANDFALL_RELEASE_PASSPHRASE"  # noqa: S105  the variable's name
DEVELOPMENT_KEY = "agent-release.key"
CACHE = "agent-wheels"
STAMP = "%Y%m%d%H%M"


class KeyUnfit(Exception):
    """That file is no release key, or its passphrase is another."""


def main(arguments: list[str]) -> int:
    """Do what was asked: 0 when it went well, 1 with a reason on stderr when it did not."""
    asked = _parser().parse_args(arguments)
    try:
        print(_VERBS[asked.verb](asked))
    except (KeyUnfit, ReleaseRefused, ReleaseUnreadable, WheelUnfit, OSError) as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError:
        print("release: the wheels cannot be downloaded, see above", file=sys.stderr)
        return 1
    return 0


def key_make(file: Path, *, passphrase: bytes) -> str:
    """Write a new key, encrypted unless the passphrase is empty, and beside it its public half, returned."""
    if file.exists():
        raise KeyUnfit(f"{file} is there already: hosts trust it, and it is not written over")
    key = Ed25519PrivateKey.generate()
    guarded = (
        serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    private_write(
        file, key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, guarded)
    )
    public = _public(key)
    file.with_name(f"{file.name}.pub").write_text(public)
    return public


def key_load(file: Path, passphrase: bytes) -> Ed25519PrivateKey:
    """Return a release key. Raises KeyUnfit."""
    try:
        key = serialization.load_pem_private_key(file.read_bytes(), passphrase or None)
    except (ValueError, TypeError) as error:
        raise KeyUnfit(f"{file} cannot be opened: is the passphrase right?") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnfit(f"{file} is no Ed25519 key")
    return key


def release_build(
    folder: Path,
    *,
    version: str,
    wheels: Mapping[str, Sequence[Path]],
    now: datetime,
    root: Path = ROOT,
    development: bool = False,
) -> Manifest:
    """Write archive, installer and manifest into a folder; what was signed before is not any more."""
    version_order(version)
    return _written(folder, archive_build(wheels, root), version, now, development=development)


def release_sign(folder: Path, *, key: Ed25519PrivateKey) -> Manifest:
    """Sign what a folder holds, once it is seen to hold what its manifest says. Raises ReleaseRefused."""
    content = (folder / MANIFEST).read_bytes()
    manifest = manifest_read(content)
    folder_prove(folder, manifest)
    (folder / KEY).write_text(_public(key))
    _replace(folder / SIGNATURE, key.sign(content))
    return manifest


def release_verify(folder: Path, *, public: str) -> Manifest:
    """Return the manifest of a folder that is whole and signed by the key. Raises ReleaseRefused."""
    signature = folder / SIGNATURE
    manifest = manifest_prove(
        (folder / MANIFEST).read_bytes(), signature.read_bytes() if signature.exists() else b"", key=public
    )
    folder_prove(folder, manifest)
    return manifest


def release_develop(folder: Path, *, now: datetime) -> Manifest:
    """Make a release of these sources, signed by a key beside the folder; nothing is made anew without need.

    Such a key lies on the machine of the portal: what it signs proves nothing against who takes that over.
    """
    file = folder.parent / DEVELOPMENT_KEY
    if not file.exists():
        key_make(file, passphrase=b"")
    key = key_load(file, b"")
    packed = archive_build(wheels_fetch(folder.parent / CACHE))
    try:
        told = release_verify(folder, public=_public(key))
        if told.files == packed.files and (folder / INSTALLER).read_bytes() == TEMPLATE.read_bytes():
            (folder / MANIFEST).touch()  # by which `landfall` sees that it is fresh
            return told
    except (ReleaseRefused, OSError):
        pass
    _written(folder, packed, f"{VERSION}.{now:{STAMP}}", now, development=True)
    return release_sign(folder, key=key)


def _written(folder: Path, packed: Packed, version: str, now: datetime, *, development: bool) -> Manifest:
    folder.mkdir(parents=True, exist_ok=True)
    installer = TEMPLATE.read_bytes()
    content = _manifest(packed, installer, version=version, now=now, development=development)
    (folder / SIGNATURE).unlink(missing_ok=True)
    _replace(folder / ARCHIVE, packed.content)
    _replace(folder / INSTALLER, installer)
    _replace(folder / MANIFEST, content)
    return manifest_read(content)


def _manifest(packed: Packed, installer: bytes, *, version: str, now: datetime, development: bool) -> bytes:
    told = {
        "product": PRODUCT,
        "version": version,
        "created": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "development": development,
        "archive": _digest(packed.content),
        "size": len(packed.content),
        "installer": _digest(installer),
        "wheels": packed.wheels,
        "files": packed.files,
    }
    return json.dumps(told, indent=1).encode() + b"\n"


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(content)
    fresh.replace(path)


def _public(key: Ed25519PrivateKey) -> str:
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _passphrase(*, twice: bool = False) -> bytes:
    """From the environment or the keyboard; a release key without one is not made."""
    if given := os.environ.get(PASSPHRASE):
        return given.encode()
    typed = getpass.getpass("passphrase of the release key: ")
    if not typed or (twice and getpass.getpass("once more: ") != typed):
        raise KeyUnfit("no passphrase, or two different ones")
    return typed.encode()


def _key(asked: argparse.Namespace) -> str:
    public = key_make(asked.file, passphrase=_passphrase(twice=True))
    return f"release key {fingerprint(public)}: publish this where the portal's machine cannot change it"


def _build(asked: argparse.Namespace) -> str:
    now = datetime.now(UTC)
    wheels = wheels_fetch(asked.wheels)
    told = release_build(asked.dir, version=asked.version, wheels=wheels, now=now)
    return f"built {told.version} in {asked.dir}; it is not signed yet"


def _sign(asked: argparse.Namespace) -> str:
    told = release_sign(asked.dir, key=key_load(asked.key, _passphrase()))
    return f"signed {told.version}, created {told.created}, archive {told.archive}"


def _verify(asked: argparse.Namespace) -> str:
    public = asked.public.read_text()
    told = release_verify(asked.dir, public=public)
    return f"{told.version}, created {told.created}, is whole and signed by {fingerprint(public)}"


def _develop(asked: argparse.Namespace) -> str:
    told = release_develop(asked.dir, now=datetime.now(UTC))
    return f"{told.version} in {asked.dir}, signed by the development key beside it"


_VERBS: Mapping[str, Callable[[argparse.Namespace], str]] = {
    "key": _key,
    "build": _build,
    "sign": _sign,
    "verify": _verify,
    "develop": _develop,
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m agents.hostagent.release",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("key").add_argument("file", type=Path)
    for name in ("build", "sign", "verify", "develop"):
        verbs.add_parser(name).add_argument("dir", type=Path)
    made = verbs.choices
    made["build"].add_argument("--version", required=True, help="three or four numbers with dots between")
    made["build"].add_argument(
        "--wheels", type=Path, default=ROOT / "var" / CACHE, help="where they are kept"
    )
    made["sign"].add_argument("--key", type=Path, required=True)
    made["verify"].add_argument("--public", type=Path, required=True, help="the key's public half, PEM")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
