"""What our own evidence says besides the key: since when, until when, with which GPUs and model.

An official quote signs SHA-512 of the public key and nothing else, so nothing dates it, and whoever
holds the key can put any validity around it (``attestation.md`` §12.3). Our certificates carry a
second quote, in an extension that official peers skip, over the hash of a statement.

The statement is made by the measured image, so it is worth as much as the image: a reader must
allow the image first.
"""

import hashlib
from dataclasses import dataclass
from typing import Annotated

import msgspec

from cocoon.errors import EvidenceError, LocalProtocolError

VERSION = 1
MAX_STATEMENT_BYTES = 2048
KEY_BYTES = 32
HASH_BYTES = 32
NONCE_BYTES = 32

_STATEMENT_LABEL = b"cocoon-statement-v1\0"
_NONCE_LABEL = b"cocoon-gpu-nonce-v1\0"
_GPU_LABEL = b"cocoon-gpu-evidence-v1\0"

_Hex32 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Time = Annotated[int, msgspec.Meta(ge=0, lt=1 << 32)]


class _Wire(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The JSON form; a new member means a new version."""

    version: int
    public_key: _Hex32
    not_before: _Time
    not_after: _Time
    issued_at: _Time
    gpu_hash: _Hex32 | None = None
    model_hash: _Hex32 | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What an image says about the certificate that it made.

    Attributes:
        public_key: the certificate's raw Ed25519 key, 32 bytes.
        not_before: of the certificate, unix seconds.
        not_after: of the certificate, unix seconds.
        issued_at: when the image made it, unix seconds by its own clock.
        gpu_hash: :func:`gpu_hash` of the GPUs' evidence, 32 bytes; None without GPUs.
        model_hash: SHA-256 of the full model string whose files the image proved, 32 bytes.
    """

    public_key: bytes
    not_before: int
    not_after: int
    issued_at: int
    gpu_hash: bytes | None = None
    model_hash: bytes | None = None

    def to_bytes(self) -> bytes:
        """The JSON form, as it is hashed.

        Raises:
            LocalProtocolError: a value has the wrong length or range.
        """
        wire = _Wire(
            version=VERSION,
            public_key=self.public_key.hex(),
            not_before=self.not_before,
            not_after=self.not_after,
            issued_at=self.issued_at,
            gpu_hash=_hex(self.gpu_hash),
            model_hash=_hex(self.model_hash),
        )
        data = msgspec.json.encode(wire)
        try:
            self.from_bytes(data)
        except EvidenceError as error:
            raise LocalProtocolError(str(error)) from error
        return data

    @classmethod
    def from_bytes(cls, data: bytes) -> "Statement":
        """Read the JSON form.

        Raises:
            EvidenceError: malformed, of another version, or too long.
        """
        if len(data) > MAX_STATEMENT_BYTES:
            raise EvidenceError(f"statement of {len(data)} bytes, at most {MAX_STATEMENT_BYTES}")
        try:
            wire = msgspec.json.decode(data, type=_Wire)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise EvidenceError("malformed statement in the evidence bundle") from error
        if wire.version != VERSION:
            raise EvidenceError(f"statement of version {wire.version}; update to read it")
        return cls(
            public_key=bytes.fromhex(wire.public_key),
            not_before=wire.not_before,
            not_after=wire.not_after,
            issued_at=wire.issued_at,
            gpu_hash=_bytes(wire.gpu_hash),
            model_hash=_bytes(wire.model_hash),
        )


def statement_report_data(statement: bytes) -> bytes:
    """What the hardware signs for a statement's bytes: 64 bytes.

    It cannot equal the official ``SHA-512(public key)``: the label makes the input longer than a
    key.
    """
    return hashlib.sha512(_STATEMENT_LABEL + statement).digest()


def gpu_nonce(public_key: bytes, issued_at: int) -> bytes:
    """The nonce that GPUs answer, 32 bytes: their evidence is made for this key at this time.

    Args:
        public_key: the certificate's raw key, 32 bytes.
        issued_at: :attr:`Statement.issued_at`.
    """
    return hashlib.sha256(_NONCE_LABEL + public_key + issued_at.to_bytes(8, "little")).digest()


def gpu_hash(items: tuple[bytes, ...]) -> bytes:
    """Names the evidence of all GPUs in their order, 32 bytes."""
    digest = hashlib.sha256(_GPU_LABEL + len(items).to_bytes(4, "little"))
    for item in items:
        digest.update(hashlib.sha256(item).digest())
    return digest.digest()


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _bytes(value: str | None) -> bytes | None:
    return None if value is None else bytes.fromhex(value)
