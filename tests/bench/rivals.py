"""What replication is measured beside: nbdcopy, plain and over TLS, and qemu-img convert; same disks."""

import asyncio
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.ground import Ground

START_TIMEOUT_S = 10.0


@dataclass(slots=True)
class Rivals:
    """The other ways to copy a disk; each gives the seconds that it took, the flush included."""

    ground: Ground
    tls_uri: str

    async def nbdcopy(self) -> float:
        """`nbdcopy --flush` between the two daemons."""
        return await self._timed("nbdcopy", "--flush", to=self.ground.landing["0"].uri)

    async def nbdcopy_tls(self) -> float:
        """The same with the destination behind TLS."""
        return await self._timed("nbdcopy", "--flush", to=self.tls_uri)

    async def qemu_img(self) -> float:
        """`qemu-img convert`, with as much at once as it can."""
        options = ("convert", "-n", "-W", "-m", "16", "-t", "writeback", "-f", "raw", "-O", "raw")
        return await self._timed("qemu-img", *options, to=self.ground.landing["0"].uri)

    async def _timed(self, *argv: str, to: str) -> float:
        self.ground.blank()
        async with self.ground.near.delta(None) as exports:
            started = time.monotonic()
            copying = await asyncio.create_subprocess_exec(*argv, exports["0"].uri, to)
            if await copying.wait() != 0:
                raise RuntimeError(f"{argv[0]} failed")
            return time.monotonic() - started


@contextmanager
def tls_server(folder: Path, disk: Path) -> Iterator[str]:
    """A storage daemon that serves `disk` by NBD over TLS to those with a certificate; its URI."""
    pki = folder / "pki"
    _pki_make(pki)
    port = _free_port()
    daemon = subprocess.Popen(
        [
            "qemu-storage-daemon",
            *("--object", f"tls-creds-x509,id=tls,dir={pki},endpoint=server,verify-peer=on"),
            *("--blockdev", f"file,node-name=file,filename={disk},locking=off,discard=unmap"),
            *("--blockdev", "raw,node-name=disk,file=file,discard=unmap"),
            *("--nbd-server", f"addr.type=inet,addr.host=127.0.0.1,addr.port={port},tls-creds=tls"),
            *("--export", "nbd,id=disk,node-name=disk,name=disk,writable=on"),
        ]
    )
    try:
        until = time.monotonic() + START_TIMEOUT_S
        while not _listens(port):
            if daemon.poll() is not None or time.monotonic() > until:
                raise RuntimeError("no storage daemon with TLS")
            time.sleep(0.05)
        yield f"nbds://localhost:{port}/disk?tls-certificates={pki}&tls-hostname=localhost"
    finally:
        daemon.terminate()
        daemon.wait()


def _pki_make(folder: Path) -> None:
    """What QEMU and libnbd want: ca-cert, server and client certificates and keys, as PEM."""
    folder.mkdir()
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    _openssl(
        *("req", "-x509", *key, "-subj", "/CN=bench"),
        *("-addext", "keyUsage=critical,keyCertSign"),
        *("-keyout", str(folder / "ca-key.pem"), "-out", str(folder / "ca-cert.pem")),
    )
    for role in ("server", "client"):
        _openssl(
            *("req", "-x509", *key, "-subj", f"/CN={role}"),
            *("-CA", str(folder / "ca-cert.pem"), "-CAkey", str(folder / "ca-key.pem")),
            *("-addext", "basicConstraints=critical,CA:FALSE", "-addext", "keyUsage=digitalSignature"),
            *("-addext", f"extendedKeyUsage={role}Auth"),
            *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(folder / f"{role}-key.pem"), "-out", str(folder / f"{role}-cert.pem")),
        )


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
