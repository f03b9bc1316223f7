"""What the replication bench stands on: two storage daemons, two agents in two processes, one line."""

import asyncio
import json
import os
import random
import secrets
import shutil
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from agents.hostagent.channel import Identity
from agents.hostagent.engine import Exports
from agents.hostagent.engine_qsd import StorageDaemonEngine
from agents.hostagent.mover import CONNECTIONS_MAX, Mover, Peer
from agents.hostagent.rounds import Round, delta_run, full_run
from lab.daemon import StorageDaemon
from portal.lib.keys import PortalKeys, keys_create, keys_read
from tests.bench.lines import Line
from tests.integration.dataplane.passage import MACHINE, Passage, identity_issue

MIB = 1 << 20
STRIPE = 16
"""Of every 16 MiB of the mix, 7 do not compress, 7 do by half, one is zeros and one a hole."""


@dataclass(slots=True)
class Ground:
    """Two machines with one disk each; the destination's landing is opened anew for every copy."""

    folder: Path
    line: Line
    size: int
    source: StorageDaemon = field(init=False)
    destination: StorageDaemon = field(init=False)
    near: StorageDaemonEngine = field(init=False)
    far: StorageDaemonEngine = field(init=False)
    landing: Exports = field(init=False)
    _passage: Passage = field(init=False)
    _far_end: asyncio.subprocess.Process = field(init=False)
    _port: int = field(init=False)

    @property
    def target(self) -> Path:
        """The destination's disk."""
        return self.destination.disks["0"]

    async def copy(self, *, connections_max: int = CONNECTIONS_MAX) -> Round:
        """A full copy onto a blank disk."""
        mover = await self.begin(connections_max=connections_max)
        return await full_run(engine=self.near, carriers={"0": mover})

    async def begin(self, *, connections_max: int = CONNECTIONS_MAX) -> Mover:
        """Both ends as before a first round, and a mover for it."""
        await self.near.release()
        await self.near.attach(known=False)
        self.blank()
        for kept in self.folder.glob("sent-*"):
            kept.unlink()
        landing = self.landing["0"]
        file = landing.file and (str(landing.file.path), landing.file.device, landing.file.inode)
        await self._far_ask({"socket": str(landing.socket), "name": landing.name, "file": file})
        identity, keys = self._passage.source, self._passage.keys
        fingerprint = self._passage.destination.fingerprint
        return Mover(
            identity=identity,
            peer=Peer(self.line.host, self._port, keys.authority_pem, fingerprint),
            ticket=lambda: self._passage.ticket("0", self.size),
            bucket=self._passage.bucket,
            digests=self.folder / "sent-0",
            connections_max=connections_max,
        )

    async def delta(self, mover: Mover) -> Round:
        """One delta round."""
        return await delta_run(engine=self.near, carriers={"0": mover})

    def blank(self) -> None:
        """Empty the destination's disk, and have nothing of earlier copies in the way."""
        os.truncate(self.target, 0)
        os.truncate(self.target, self.size)
        os.sync()

    async def _far_ask(self, asked: dict[str, object]) -> None:
        assert self._far_end.stdin is not None
        assert self._far_end.stdout is not None
        self._far_end.stdin.write(json.dumps({**asked, "size": self.size}).encode() + b"\n")
        if await self._far_end.stdout.readline() != b"open\n":
            raise RuntimeError("the far end died")

    async def _far_start(self) -> None:
        passage = self._passage
        self._far_end = await asyncio.create_subprocess_exec(
            *self.line.prefix,
            sys.executable,
            "-m",
            "tests.bench.far_end",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        settings = {
            "folder": str(self.folder),
            "certificate": str(passage.destination.certificate),
            "key": str(passage.destination.key),
            "authority": passage.keys.authority_pem,
            "portal_key": passage.keys.signing.public_key().public_bytes_raw().hex(),
            "host": self.line.host,
            "unit": str(passage.unit),
            "machine": MACHINE,
        }
        assert self._far_end.stdin is not None
        assert self._far_end.stdout is not None
        self._far_end.stdin.write(json.dumps(settings).encode() + b"\n")
        self._port = int(await self._far_end.stdout.readline())

    async def _far_stop(self) -> None:
        assert self._far_end.stdin is not None
        self._far_end.stdin.close()
        try:
            async with asyncio.timeout(10):
                await self._far_end.wait()
        except TimeoutError:
            self._far_end.kill()
            await self._far_end.wait()


@asynccontextmanager
async def ground_up(folder: Path, line: Line, disk: Path) -> AsyncIterator[Ground]:
    """Both ends up, over a source disk that exists."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ground = Ground(folder, line, disk.stat().st_size)
    target = folder / "target.raw"
    target.touch()
    os.truncate(target, ground.size)
    async with AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        ground.source = await _daemon(stack, folder / "a", disk)
        ground.destination = await _daemon(stack, folder / "b", target)
        ground.near = await _engine(stack, ground.source)
        ground.far = await _engine(stack, ground.destination)
        await ground.far.attach(known=False)
        ground.landing = await stack.enter_async_context(ground.far.landing())
        ground._passage = _passage(folder)
        await ground._far_start()
        stack.push_async_callback(ground._far_stop)
        yield ground


def mix_write(path: Path, size: int, kinds: str = "nnnnnnncccccccz.") -> None:
    """Fill a disk, a MiB per letter: n noise, c what shrinks by half, z zeros, a point a hole."""
    if path.exists() and path.stat().st_size == size:
        return
    draw = random.Random(11)
    with path.with_suffix(".new").open("wb") as file:
        for number in range(size // MIB):
            kind = kinds[number % len(kinds)]
            if kind == ".":
                file.seek(MIB, os.SEEK_CUR)
            else:
                file.write(_CONTENTS[kind](draw))
        file.truncate(size)
    path.with_suffix(".new").rename(path)


def half(draw: random.Random) -> bytes:
    """A MiB of pages, half noise and half of the kind of tables and text."""
    pages = MIB // 4096
    return b"".join(draw.randbytes(2048) + b"%-16d%-16d" % (number, 7) * 64 for number in range(pages))


_CONTENTS: dict[str, Callable[[random.Random], bytes]] = {
    "n": lambda draw: draw.randbytes(MIB),
    "c": half,
    "z": lambda _draw: bytes(MIB),
}


def _passage(folder: Path) -> Passage:
    passage = Passage(folder)
    keys_create(folder / "keys")
    keys: PortalKeys = keys_read(folder / "keys")
    passage.keys = keys
    ends: list[Identity] = [identity_issue(keys, folder, name) for name in ("source", "destination")]
    passage.source, passage.destination = ends
    return passage


async def _daemon(stack: AsyncExitStack, folder: Path, disk: Path) -> StorageDaemon:
    folder.mkdir()
    daemon = StorageDaemon(folder, {"0": disk})
    await daemon.start()
    stack.push_async_callback(daemon.stop)
    return daemon


async def _engine(stack: AsyncExitStack, daemon: StorageDaemon) -> StorageDaemonEngine:
    connection = StorageDaemonEngine.connect(qmp_socket=daemon.agent_socket, nbd_socket=daemon.nbd_socket)
    return await stack.enter_async_context(connection)


def own_name() -> str:
    """A folder's name that nobody else has."""
    return f"replication-{os.getpid()}-{secrets.token_hex(3)}"
