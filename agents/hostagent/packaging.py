"""What a host is given: `python -m agents.hostagent.packaging DIR` writes the archive and its installer.

The archive holds exactly the agent's own packages and its pinned requirements, and is the same bytes for the
same sources, so that its digest in the installer proves it. The portal serves both; it never imports this.
"""

import gzip
import hashlib
import io
import re
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("agents/hostagent", "agents/vsphere", "agents/domain")
REQUIRED = ("blake3", "cryptography", "httpx", "msgspec", "pyvmomi", "qemu.qmp", "zstandard")
ARCHIVE = "landfall-agent.tar.gz"
INSTALLER = "install.sh"
TEMPLATE = Path(__file__).with_name("install.sh")
_PIN = re.compile(r"^([\w.-]+)(\[[\w,]+\])?==")


def archive_build(root: Path = ROOT) -> bytes:
    """The archive, as a gzipped tar."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name, content in sorted(_contents(root)):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def installer_build(archive: bytes) -> str:
    """The installer that trusts exactly this archive."""
    return TEMPLATE.read_text().replace("@SHA256@", hashlib.sha256(archive).hexdigest())


def requirements(root: Path = ROOT) -> str:
    """The agent's part of the repository's pins. Raises LookupError when one is missing."""
    pinned = {
        match.group(1).lower(): line
        for line in (root / "requirements.txt").read_text().splitlines()
        if (match := _PIN.match(line))
    }
    return "".join(f"{pinned[name]}\n" for name in REQUIRED)


def main(arguments: list[str]) -> int:
    """Write both files into a folder."""
    [folder] = arguments
    into = Path(folder)
    into.mkdir(parents=True, exist_ok=True)
    archive = archive_build()
    (into / ARCHIVE).write_bytes(archive)
    (into / INSTALLER).write_text(installer_build(archive))
    print(f"{into / ARCHIVE} ({len(archive)} bytes), {into / INSTALLER}")
    return 0


def _contents(root: Path) -> Iterator[tuple[str, bytes]]:
    yield "requirements.txt", requirements(root).encode()
    yield "agents/__init__.py", b""
    for package in PACKAGES:
        for path in (root / package).rglob("*.py"):
            yield str(path.relative_to(root)), path.read_bytes()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
