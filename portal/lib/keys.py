"""The portal's own keys: for its signatures, its agents' certificates, and what it stores encrypted.

Files of one folder, 0600, made once. Losing them means enrolling every agent anew; whoever has them can
command every agent, so they are not in the database and in no backup of it.
"""

import base64
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VARIABLE = "LANDFALL_KEYS"
SIGNING = "signing.pem"
AUTHORITY = "authority.pem"
AUTHORITY_CERTIFICATE = "authority.crt"
STORAGE = "storage.keys"
TICKET_LABEL = b"landfall-ticket\0"

AUTHORITY_LIFETIME = timedelta(days=3650)
AGENT_LIFETIME = timedelta(days=825)
BACKDATED = timedelta(minutes=10)
"""Certificates begin a little in the past, for agents whose clocks are behind."""


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """An agent's certificate as PEM, and the SHA-256 of its DER in hex."""

    pem: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class PortalKeys:
    """The keys, read."""

    signing: Ed25519PrivateKey
    authority: Ed25519PrivateKey
    authority_pem: str

    @property
    def public(self) -> str:
        """Return the raw public key with which agents check commands and tickets, base64."""
        return base64.b64encode(self.signing.public_key().public_bytes_raw()).decode()

    def sign(self, digest: bytes) -> bytes:
        """Return the portal's signature over a digest of the wire contract."""
        return self.signing.sign(digest)

    def ticket(self, content: bytes) -> str:
        """Return the ticket for the canonical JSON `content`: both parts base64url, a dot between."""
        signature = self.signing.sign(TICKET_LABEL + content)
        return f"{_url(content)}.{_url(signature)}"

    def certify(self, *, agent: str, public: bytes, now: datetime) -> IssuedCertificate:
        """Return a certificate for an agent's raw Ed25519 public key."""
        issuer = x509.load_pem_x509_certificate(self.authority_pem.encode())
        usage = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            _builder(agent, issuer.subject, now, AGENT_LIFETIME)
            .public_key(Ed25519PublicKey.from_public_bytes(public))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usage), critical=False)
            .sign(self.authority, None)
        )
        pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        return IssuedCertificate(pem, certificate.fingerprint(hashes.SHA256()).hex())


def keys_create(folder: Path) -> None:
    """Make the keys that are not there yet."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / SIGNING).exists():
        private_write(folder / SIGNING, _pem(Ed25519PrivateKey.generate()))
    if not (folder / STORAGE).exists():
        private_write(folder / STORAGE, Fernet.generate_key() + b"\n")
    if (folder / AUTHORITY_CERTIFICATE).exists():
        return
    key = Ed25519PrivateKey.generate()
    name = _name("Landfall agents")
    certificate = (
        _builder("Landfall agents", name, datetime.now(UTC), AUTHORITY_LIFETIME)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, None)
    )
    private_write(folder / AUTHORITY, _pem(key))
    private_write(folder / AUTHORITY_CERTIFICATE, certificate.public_bytes(serialization.Encoding.PEM))


def keys_read(folder: Path) -> PortalKeys:
    """Return the keys of a folder; raises FileNotFoundError where there are none."""
    return PortalKeys(
        signing=_load(folder / SIGNING),
        authority=_load(folder / AUTHORITY),
        authority_pem=(folder / AUTHORITY_CERTIFICATE).read_text(),
    )


@lru_cache(maxsize=4)
def _keys_cached(folder: str) -> PortalKeys:
    return keys_read(Path(folder))


def portal_keys() -> PortalKeys:
    """Return the keys of the folder that LANDFALL_KEYS names; raises KeyError without it."""
    return _keys_cached(os.environ[VARIABLE])


def signature_holds(public: bytes, signature: bytes, digest: bytes) -> bool:
    """Return whether the owner of the raw Ed25519 key `public` signed `digest`."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, digest)
    except Exception:
        return False
    return True


def _builder(subject: str, issuer: x509.Name, now: datetime, lifetime: timedelta) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + lifetime)
    )


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _load(path: Path) -> Ed25519PrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise TypeError(f"{path.name} holds no Ed25519 key")
    return key


def private_write(path: Path, content: bytes) -> None:
    """Write a new file that nobody else may read; raises FileExistsError."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
