"""The seal protocol's arithmetic, both halves (``attestation.md`` §10.1, §10.2). Pure.

P-256 coordinates and the shared value are little-endian on the wire, which is unusual: the official
enclave uses the SGX SDK's own curve functions.
"""

import hashlib
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cocoon.errors import EvidenceError, LocalProtocolError
from cocoon.sealing.messages import (
    ENCRYPTED_SECRET_BYTES,
    PUBLIC_KEY_BYTES,
    SECRET_BYTES,
)

SEALING_KEY_BYTES: Final = 16
HASH_BYTES: Final = 48
DEBUG_KEY: Final = b"cococoon" * 4
"""What official debug builds use instead of a sealed key; everybody knows it, so it is refused."""

_COORDINATE = 32


class PersistentKey:
    """A key of 32 bytes that does not print itself.

    Args:
        raw: the secret.
        name: what it was asked for as.

    Raises:
        EvidenceError: not 32 bytes, or the public constant of debug builds.
    """

    __slots__ = ("_raw", "name")

    def __init__(self, raw: bytes, name: str) -> None:
        if len(raw) != SECRET_BYTES:
            raise EvidenceError(f"a persistent key has {SECRET_BYTES} bytes, not {len(raw)}")
        if raw == DEBUG_KEY:
            raise EvidenceError("the seal service gave the constant of debug builds: no secret")
        self._raw = bytes(raw)
        self.name = name

    def derive(self, purpose: bytes) -> bytes:
        """A key of 32 bytes for one purpose (HKDF-SHA-256); purposes do not reveal one another."""
        info = b"cocoon-persistent-key-v1\0" + purpose
        return HKDF(hashes.SHA256(), SECRET_BYTES, salt=None, info=info).derive(self._raw)

    def reveal(self) -> bytes:
        """The 32 secret bytes themselves, as the official tool writes them to its file."""
        return self._raw

    def __repr__(self) -> str:
        return f"PersistentKey(name={self.name!r})"

    def __reduce__(self) -> str:
        raise TypeError("a persistent key is not pickled")


def persistent_key(
    sealing_key: bytes, tee_info_hash: bytes, tee_tcb_info_hash: bytes, key_name: bytes
) -> bytes:
    """The 32 bytes that an enclave derives for a guest and a name.

    Args:
        sealing_key: the enclave's own, 16 bytes, bound to processor and MRENCLAVE.
        tee_info_hash: the guest's measurements, 48 bytes.
        tee_tcb_info_hash: the TDX module's patch level, 48 bytes.
        key_name: 1 to 256 bytes.

    Raises:
        LocalProtocolError: a size is wrong.
    """
    sizes = (len(sealing_key), len(tee_info_hash), len(tee_tcb_info_hash))
    if sizes != (SEALING_KEY_BYTES, HASH_BYTES, HASH_BYTES):
        raise LocalProtocolError("wrong sizes for a persistent key")
    name_hash = hashlib.sha256(key_name).digest()
    return hashlib.sha256(sealing_key + tee_info_hash + tee_tcb_info_hash + name_hash).digest()


def public_bytes(key: ec.EllipticCurvePublicKey) -> bytes:
    """A P-256 key as the protocol writes it: X then Y, little-endian, 64 bytes."""
    numbers = key.public_numbers()
    return numbers.x.to_bytes(_COORDINATE, "little") + numbers.y.to_bytes(_COORDINATE, "little")


def parse_public(data: bytes) -> ec.EllipticCurvePublicKey:
    """Read such a key.

    Raises:
        EvidenceError: not 64 bytes, or no point of the curve.
    """
    if len(data) != PUBLIC_KEY_BYTES:
        raise EvidenceError(f"a seal public key has {PUBLIC_KEY_BYTES} bytes, not {len(data)}")
    x = int.from_bytes(data[:_COORDINATE], "little")
    y = int.from_bytes(data[_COORDINATE:], "little")
    try:
        return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError:
        raise EvidenceError("a seal public key is no point of P-256") from None


def request_report_data(public_key: bytes) -> bytes:
    """What a guest's TDREPORT binds: SHA-256 of its public key and 32 zero bytes."""
    return hashlib.sha256(public_key).digest() + bytes(32)


def answer_report_data(public_key: bytes, encrypted_secret: bytes) -> bytes:
    """What the enclave's quote binds: the guest's public key and the encrypted answer, 64 bytes."""
    return hashlib.sha256(public_key).digest() + hashlib.sha256(encrypted_secret).digest()


def encrypt_secret(secret: bytes, recipient: bytes, ephemeral: ec.EllipticCurvePrivateKey) -> bytes:
    """The enclave's half: a secret of 32 bytes for the holder of ``recipient``; 96 bytes.

    Args:
        secret: what to send.
        recipient: the guest's public key, 64 bytes.
        ephemeral: a fresh P-256 key; used once.

    Raises:
        EvidenceError: ``recipient`` is no point of the curve.
        LocalProtocolError: the secret has another size.
    """
    if len(secret) != SECRET_BYTES:
        raise LocalProtocolError(f"a sealed secret has {SECRET_BYTES} bytes")
    pad = _key_stream(ephemeral, parse_public(recipient))
    return public_bytes(ephemeral.public_key()) + _xor_ctr(pad, secret)


def decrypt_secret(encrypted_secret: bytes, private_key: ec.EllipticCurvePrivateKey) -> bytes:
    """The guest's half: the secret, 32 bytes. Not authenticated: check the quote first.

    Raises:
        EvidenceError: another size, or the enclave's key is no point of the curve.
    """
    if len(encrypted_secret) != ENCRYPTED_SECRET_BYTES:
        raise EvidenceError(f"an encrypted key has {ENCRYPTED_SECRET_BYTES} bytes")
    sender = parse_public(encrypted_secret[:PUBLIC_KEY_BYTES])
    return _xor_ctr(_key_stream(private_key, sender), encrypted_secret[PUBLIC_KEY_BYTES:])


def _key_stream(
    private_key: ec.EllipticCurvePrivateKey, public_key: ec.EllipticCurvePublicKey
) -> bytes:
    shared = private_key.exchange(ec.ECDH(), public_key)[::-1]  # little-endian
    return hashlib.sha256(shared).digest()


def _xor_ctr(key_and_counter: bytes, data: bytes) -> bytes:
    cipher = Cipher(algorithms.AES(key_and_counter[:16]), modes.CTR(key_and_counter[16:]))
    encryptor = cipher.encryptor()
    return encryptor.update(data) + encryptor.finalize()
