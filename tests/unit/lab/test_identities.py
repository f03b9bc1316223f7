"""Keys and certificates of the lab's agents and vCenters."""

import ssl
import stat
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from lab.identities import identity_make


def test_a_certificate_is_valid_now_and_named(tmp_path: Path) -> None:
    made = identity_make(tmp_path, "vcenter")
    read = x509.load_pem_x509_certificate(made.certificate.read_bytes())
    assert read.not_valid_before_utc < datetime.now(UTC) < read.not_valid_after_utc
    assert "vcenter" in read.subject.rfc4514_string()


def test_openssl_takes_key_and_certificate_together(tmp_path: Path) -> None:
    made = identity_make(tmp_path, "vcenter")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)


def test_nobody_else_reads_the_key(tmp_path: Path) -> None:
    made = identity_make(tmp_path, "vcenter")
    assert stat.S_IMODE(made.key.stat().st_mode) == 0o600


def test_two_are_never_the_same(tmp_path: Path) -> None:
    first, second = identity_make(tmp_path, "a"), identity_make(tmp_path, "b")
    assert first.fingerprint != second.fingerprint
