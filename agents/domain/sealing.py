"""A sealed box: what only the owner of an X25519 key can read, such as a password on its way to a connector.

An ephemeral X25519 key and the recipient's make a secret; HKDF-SHA256 makes of it, bound to both public keys,
a ChaCha20-Poly1305 key that is used once, so that a fixed nonce is safe.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_LENGTH = 32
_LABEL = b"landfall-sealed-1\0"
_NONCE = bytes(12)


class SealBroken(Exception):
    """The box is not for this key, or is not as it was sealed."""


def seal(public: bytes, plaintext: bytes) -> bytes:
    """Return `plaintext` sealed to a raw X25519 public key: ephemeral public key, ciphertext, tag."""
    ephemeral = X25519PrivateKey.generate()
    shared = ephemeral.exchange(X25519PublicKey.from_public_bytes(public))
    sender = ephemeral.public_key().public_bytes_raw()
    return sender + _cipher(shared, sender, public).encrypt(_NONCE, plaintext, None)


def unseal(private: bytes, sealed: bytes) -> bytes:
    """Return what was sealed to the public half of a raw X25519 private key. Raises SealBroken."""
    own = X25519PrivateKey.from_private_bytes(private)
    sender, ciphertext = sealed[:KEY_LENGTH], sealed[KEY_LENGTH:]
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(sender))
        return _cipher(shared, sender, own.public_key().public_bytes_raw()).decrypt(_NONCE, ciphertext, None)
    except (InvalidTag, ValueError) as error:
        raise SealBroken("the sealed text does not open with this agent's key") from error


def _cipher(shared: bytes, sender: bytes, recipient: bytes) -> ChaCha20Poly1305:
    info = _LABEL + sender + recipient
    return ChaCha20Poly1305(HKDF(SHA256(), KEY_LENGTH, salt=None, info=info).derive(shared))
