"""Two agents' data ends and the line between them, under a portal's keys: for tests and benches."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from agents.domain.protocol import Ticket, canonical
from agents.hostagent.channel import Identity
from agents.hostagent.engine import Disk, Engine, Exports
from agents.hostagent.mover import CONNECTIONS_MAX, Mover, Peer
from agents.hostagent.receiver import Receiver
from agents.hostagent.throttle import TokenBucket
from lab.link import Link
from portal.lib.keys import PortalKeys, keys_create, keys_read

MACHINE = "vm-1"
PATIENCE_S = 4.0


@dataclass(slots=True)
class Passage:
    """A receiver, the line to it, and the movers that use it."""

    folder: Path
    keys: PortalKeys = field(init=False)
    source: Identity = field(init=False)
    destination: Identity = field(init=False)
    receiver: Receiver = field(init=False)
    link: Link = field(init=False)
    port: int = field(init=False)
    bucket: TokenBucket = field(default_factory=TokenBucket)
    unit: UUID = field(default_factory=uuid4)
    expires: float = field(default_factory=lambda: time.time() + 3600)

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path) -> AsyncIterator["Passage"]:
        """Both ends up, nothing landing yet."""
        passage = cls(folder)
        keys_create(folder / "keys")
        passage.keys = keys_read(folder / "keys")
        passage.source = identity_issue(passage.keys, folder, "source")
        passage.destination = identity_issue(passage.keys, folder, "destination")
        passage.receiver_start()
        passage.link = Link(passage.receiver.port)
        passage.port = await passage.link.start()
        try:
            yield passage
        finally:
            await passage.link.stop()
            passage.receiver.close()

    def receiver_start(self, port: int = 0) -> None:
        """A receiver that knows of no landing, as after the agent's restart."""
        self.receiver = Receiver(
            identity=self.destination,
            authority=self.keys.authority_pem,
            portal_key=self.keys.signing.public_key(),
            port=port,
        )

    async def movers(self, engine: Engine, landing: Exports) -> dict[str, Mover]:
        """For each disk of the engine a mover to the landing export of the same name."""
        disks = await engine.disks()
        for disk in disks:
            self.landing_open(disk, landing)
        return {disk.name: self.mover(disk) for disk in disks}

    def landing_open(self, disk: Disk, landing: Exports, *, generation: int = 1) -> None:
        """Let the source's agent write that disk."""
        self.receiver.landing_open(
            unit=self.unit,
            generation=generation,
            machine=MACHINE,
            disk=disk.name,
            export=landing[disk.name],
            size=disk.size,
            applied_path=self.folder / f"applied-{disk.name}",
            digests_path=self.folder / f"digests-{disk.name}",
        )

    def mover(self, disk: Disk, *, connections_max: int = CONNECTIONS_MAX) -> Mover:
        """A mover for one disk."""
        return Mover(
            identity=self.source,
            peer=Peer("127.0.0.1", self.port, self.keys.authority_pem, self.destination.fingerprint),
            ticket=lambda: self.ticket(disk.name, disk.size),
            bucket=self.bucket,
            digests=self.folder / f"sent-{disk.name}",
            connections_max=connections_max,
            patience_s=PATIENCE_S,
        )

    def ticket(self, disk: str, size: int, *, generation: int = 1, source: str = "") -> bytes:
        """What the portal signs."""
        ticket = Ticket(
            unit=self.unit,
            generation=generation,
            machine=MACHINE,
            disk=disk,
            size=size,
            direction="push",
            source=source or self.source.fingerprint,
            destination=self.destination.fingerprint,
            expires=int(self.expires),
        )
        return self.keys.ticket(canonical(ticket)).encode()


def identity_issue(keys: PortalKeys, folder: Path, name: str) -> Identity:
    """A fresh key with the portal's certificate, as files in `folder`."""
    key = Ed25519PrivateKey.generate()
    raw, public = serialization.Encoding.Raw, serialization.PublicFormat.Raw
    issued = keys.certify(
        agent=name, public=key.public_key().public_bytes(raw, public), now=datetime.now(UTC)
    )
    identity = Identity(certificate=folder / f"{name}.crt", key=folder / f"{name}.key")
    identity.certificate.write_text(issued.pem)
    identity.key.touch(mode=0o600)
    identity.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return identity
