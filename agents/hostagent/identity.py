"""Who this agent is: its keys, its certificate and what the portal told it, as files for it alone."""

import base64
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agents.hostagent.channel import Identity

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class NotEnrolled(Exception):
    """This state folder belongs to no enrolled agent."""


class AlreadyRunning(Exception):
    """Another process works in this state folder."""


class PlainHttpRefused(Exception):
    """Signatures protect commands, but a bearer in the clear could be used by anybody who reads it."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What enrolment fixed; `machines` is the host's folder of machines, `listen` where the receiver is."""

    agent_id: UUID
    site_id: UUID
    portal: str
    gateway: str
    portal_key: str
    host_name: str
    duties: tuple[str, ...]
    machines: str
    listen: str = "127.0.0.1:0"
    advertise: str = ""
    ca: str = ""
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class Keys:
    """The agent's own key pairs: one signs, the other opens what is sealed to it."""

    signing: Ed25519PrivateKey
    sealing: X25519PrivateKey

    def sign(self, digest: bytes) -> str:
        """A signature as it travels."""
        return base64.b64encode(self.signing.sign(digest)).decode()


@dataclass(frozen=True, slots=True)
class StateFolder:
    """The folder given as --state."""

    path: Path

    @property
    def identity(self) -> Identity:
        """Key and certificate of the data plane; the certificate is the portal's, over the signing key."""
        return Identity(certificate=self.path / "agent.crt", key=self.path / "signing.pem")

    @property
    def authority(self) -> str:
        """The certificate (PEM) of the authority that the portal's agents have theirs from."""
        return (self.path / "authority.crt").read_text()

    def enrolled(self) -> bool:
        """Whether an enrolment has been completed here."""
        return (self.path / "agent.json").exists()

    def settings(self) -> Settings:
        """What enrolment fixed. Raises NotEnrolled."""
        try:
            return msgspec.json.decode((self.path / "agent.json").read_bytes(), type=Settings)
        except FileNotFoundError as error:
            raise NotEnrolled(f"{self.path} holds no enrolled agent: run `enrol` first") from error

    def keys(self) -> Keys:
        """The key pairs, made at the first call."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return Keys(signing=self._signing(), sealing=self._sealing())

    def enrolment_save(self, settings: Settings, *, certificate: str, authority: str) -> None:
        """Keep what the portal answered; the settings last, as they make the enrolment complete."""
        private_write(self.path / "agent.crt", certificate.encode())
        private_write(self.path / "authority.crt", authority.encode())
        private_write(self.path / "agent.json", msgspec.json.format(msgspec.json.encode(settings)))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the one process that works here. Raises AlreadyRunning."""
        with (self.path / "running").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise AlreadyRunning(f"another agent runs on {self.path}") from error
            yield

    def _signing(self) -> Ed25519PrivateKey:
        path = self.path / "signing.pem"
        if not path.exists():
            private_write(path, _pem(Ed25519PrivateKey.generate()))
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise NotEnrolled(f"{path} holds no Ed25519 key")
        return key

    def _sealing(self) -> X25519PrivateKey:
        path = self.path / "sealing.pem"
        if not path.exists():
            private_write(path, _pem(X25519PrivateKey.generate()))
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, X25519PrivateKey):
            raise NotEnrolled(f"{path} holds no X25519 key")
        return key


def portal_key_load(encoded: str) -> Ed25519PublicKey:
    """The portal's key, with which it signs commands and tickets."""
    return Ed25519PublicKey.from_public_bytes(base64.b64decode(encoded))


def url_checked(url: str) -> str:
    """The URL without its trailing slash. Raises PlainHttpRefused for http to anything but loopback."""
    parts = urlsplit(url)
    if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in LOOPBACK):
        raise PlainHttpRefused(f"{url} is not https: give the portal a certificate, or reach it by loopback")
    return url.rstrip("/")


def private_write(path: Path, content: bytes) -> None:
    """Replace a file as a whole; nobody else may read it, at any moment."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _pem(key: Ed25519PrivateKey | X25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
