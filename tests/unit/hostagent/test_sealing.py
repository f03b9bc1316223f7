"""Sealed boxes: only the recipient's key opens one."""

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agents.domain.sealing import SealBroken, seal, unseal

OWN = X25519PrivateKey.generate()
PRIVATE = OWN.private_bytes_raw()
PUBLIC = OWN.public_key().public_bytes_raw()


def test_what_is_sealed_to_a_key_opens_with_it() -> None:
    assert unseal(PRIVATE, seal(PUBLIC, b"s3cret")) == b"s3cret"


def test_it_does_not_show_what_it_holds() -> None:
    assert b"s3cret" not in seal(PUBLIC, b"s3cret")


def test_the_same_text_is_never_sealed_alike() -> None:
    assert seal(PUBLIC, b"s3cret") != seal(PUBLIC, b"s3cret")


def test_another_key_does_not_open_it() -> None:
    other = X25519PrivateKey.generate().private_bytes_raw()
    with pytest.raises(SealBroken):
        unseal(other, seal(PUBLIC, b"s3cret"))


@pytest.mark.parametrize("place", [0, 31, 32, -1])
def test_a_changed_byte_anywhere_is_noticed(place: int) -> None:
    box = bytearray(seal(PUBLIC, b"s3cret"))
    box[place] ^= 1
    with pytest.raises(SealBroken):
        unseal(PRIVATE, bytes(box))


def test_a_text_too_short_to_hold_a_key_is_broken() -> None:
    with pytest.raises(SealBroken):
        unseal(PRIVATE, b"short")
