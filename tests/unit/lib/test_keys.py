"""The portal's own keys: files, signatures, tickets, certificates."""

import base64
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from portal.lib import keys
from portal.lib.keys import PortalKeys, keys_create, keys_read, portal_keys, signature_holds

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    keys_create(tmp_path / "keys")
    return tmp_path / "keys"


@pytest.fixture
def own(folder: Path) -> PortalKeys:
    return keys_read(folder)


def raw(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def certificate(own: PortalKeys, key: Ed25519PrivateKey) -> x509.Certificate:
    return x509.load_pem_x509_certificate(own.certify(agent="a1", public=raw(key), now=NOW).pem.encode())


def test_nobody_else_may_read_them(folder: Path) -> None:
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


def test_making_them_twice_keeps_them(folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    keys_create(folder)

    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_one_that_is_missing_is_made_and_the_others_kept(folder: Path) -> None:
    authority = (folder / keys.AUTHORITY_CERTIFICATE).read_bytes()
    (folder / keys.SIGNING).unlink()

    keys_create(folder)

    assert keys_read(folder).authority_pem.encode() == authority


def test_where_there_are_none_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        keys_read(tmp_path)


def test_a_key_of_another_kind_is_refused(folder: Path) -> None:
    other = X25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / keys.SIGNING).write_bytes(other)

    with pytest.raises(TypeError, match=r"signing\.pem holds no Ed25519 key"):
        keys_read(folder)


def test_a_process_that_was_told_of_no_folder_cannot_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(keys.VARIABLE)

    with pytest.raises(KeyError, match="LANDFALL_KEYS"):
        portal_keys()


def test_what_it_signs_holds_by_its_public_key(own: PortalKeys) -> None:
    assert signature_holds(base64.b64decode(own.public), own.sign(b"digest"), b"digest")


@pytest.mark.parametrize(
    ("signature", "digest"), [(b"", b"digest"), (b"x" * 64, b"digest"), (None, b"another digest")]
)
def test_nothing_else_holds(own: PortalKeys, signature: bytes | None, digest: bytes) -> None:
    given = own.sign(b"digest") if signature is None else signature

    assert not signature_holds(base64.b64decode(own.public), given, digest)


@pytest.mark.parametrize("public", [b"", b"short", b"x" * 33])
def test_a_malformed_key_lets_nothing_hold(own: PortalKeys, public: bytes) -> None:
    assert not signature_holds(public, own.sign(b"digest"), b"digest")


def test_a_ticket_is_its_content_and_a_signature_over_its_label_too(own: PortalKeys) -> None:
    content, _, signature = own.ticket(b'{"disk":"0"}').partition(".")
    told, signed = (base64.urlsafe_b64decode(part + "==") for part in (content, signature))

    assert told == b'{"disk":"0"}'
    own.signing.public_key().verify(signed, b"landfall-ticket\0" + told)
    with pytest.raises(InvalidSignature):
        own.signing.public_key().verify(signed, told)


def test_an_agent_s_certificate_is_for_its_own_key(own: PortalKeys) -> None:
    key = Ed25519PrivateKey.generate()

    issued = certificate(own, key)

    assert issued.public_key().public_bytes_raw() == raw(key)  # type: ignore[union-attr]
    assert issued.subject.rfc4514_string() == "CN=a1"


def test_an_agent_s_certificate_is_by_the_authority(own: PortalKeys) -> None:
    authority = x509.load_pem_x509_certificate(own.authority_pem.encode())

    certificate(own, Ed25519PrivateKey.generate()).verify_directly_issued_by(authority)


def test_an_agent_certifies_nobody(own: PortalKeys) -> None:
    issued = certificate(own, Ed25519PrivateKey.generate())

    assert not issued.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_an_agent_s_certificate_begins_in_the_past_for_a_clock_that_is_behind(own: PortalKeys) -> None:
    issued = certificate(own, Ed25519PrivateKey.generate())

    assert issued.not_valid_before_utc == NOW - timedelta(minutes=10)
    assert issued.not_valid_after_utc == NOW + timedelta(days=825)


def test_the_fingerprint_is_of_the_certificate(own: PortalKeys) -> None:
    issued = own.certify(agent="a", public=raw(Ed25519PrivateKey.generate()), now=NOW)
    read = x509.load_pem_x509_certificate(issued.pem.encode())

    assert issued.fingerprint == read.fingerprint(hashes.SHA256()).hex()


def test_no_two_certificates_share_a_number(own: PortalKeys) -> None:
    key = Ed25519PrivateKey.generate()

    assert certificate(own, key).serial_number != certificate(own, key).serial_number
