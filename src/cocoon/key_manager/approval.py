"""Owners' signed permission that an image may take over a key manager's master secret. Pure.

An approval names one key manager, one image hash, a serial and a time span, and carries Ed25519
signatures of owners. It begins to hold only a time lock after the key manager first *saw* it: what
signers write cannot shorten that. A serial is used once, and no smaller one is accepted after it.
"""

import re
import struct
from dataclasses import dataclass, replace
from typing import Final, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from cocoon.errors import ConfigError, PolicyError

MAX_FILE_BYTES: Final = 8 << 10
MAX_SIGNATURES: Final = 16
MAX_NUMBER: Final = 2**53 - 1
"""Serials and times stay exact in every JSON reader."""

_DOMAIN = b"cocoon-key-manager-approval-v1\0"
_NUMBERS = struct.Struct("<QQQ")
_HEX = re.compile("[0-9a-f]*")


class _Signature(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    public_key: str
    signature: str


class _Document(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    format: Literal["cocoon-key-manager-approval"]
    version: Literal[1]
    manager_id: str
    image_hash: str
    serial: int
    not_before: int
    not_after: int
    signatures: list[_Signature]
    terms: str = ""


@dataclass(frozen=True, slots=True)
class Approval:
    """One permission.

    Attributes:
        manager_id: the key manager that it is for, 32 bytes.
        image_hash: who may take over, 32 bytes.
        serial: from 1; larger than that of every approval used before.
        not_before: unix seconds.
        not_after: unix seconds, exclusive.
        signatures: public key (32 bytes) and signature (64 bytes) of each owner who agreed.
        terms: new terms that the successor must be configured with (:mod:`.terms`), 32 bytes;
            empty for the present ones.
    """

    manager_id: bytes
    image_hash: bytes
    serial: int
    not_before: int
    not_after: int
    signatures: tuple[tuple[bytes, bytes], ...] = ()
    terms: bytes = b""

    def __post_init__(self) -> None:
        if len(self.terms) not in (0, 32):
            raise ConfigError("an approval's terms have 32 bytes, or none")
        if len(self.manager_id) != 32 or len(self.image_hash) != 32:
            raise ConfigError("an approval names a key manager and an image by 32 bytes each")
        if not 1 <= self.serial <= MAX_NUMBER:
            raise ConfigError("an approval's serial is out of range")
        if not 0 <= self.not_before < self.not_after <= MAX_NUMBER:
            raise ConfigError("an approval's times are out of order or out of range")
        if len(self.signatures) > MAX_SIGNATURES:
            raise ConfigError(f"an approval has at most {MAX_SIGNATURES} signatures")
        if any((len(key), len(signature)) != (32, 64) for key, signature in self.signatures):
            raise ConfigError("an approval's signatures are Ed25519: 32 and 64 bytes")

    def statement(self) -> bytes:
        """The bytes that owners sign."""
        numbers = _NUMBERS.pack(self.serial, self.not_before, self.not_after)
        terms = self.terms or bytes(32)
        return _DOMAIN + self.manager_id + self.image_hash + numbers + terms

    def signed_by(self, public_key: bytes, signature: bytes) -> "Approval":
        """The same with one more signature; a key's older one is replaced."""
        others = tuple(item for item in self.signatures if item[0] != public_key)
        return replace(self, signatures=(*others, (public_key, signature)))

    def signed(self, key: Ed25519PrivateKey) -> "Approval":
        """The same with the signature of this key."""
        public_key = key.public_key().public_bytes_raw()
        return self.signed_by(public_key, key.sign(self.statement()))

    def to_json(self) -> bytes:
        """The file's content."""
        document = _Document(
            format="cocoon-key-manager-approval",
            version=1,
            manager_id=self.manager_id.hex(),
            image_hash=self.image_hash.hex(),
            serial=self.serial,
            not_before=self.not_before,
            not_after=self.not_after,
            signatures=[_Signature(key.hex(), value.hex()) for key, value in self.signatures],
            terms=self.terms.hex(),
        )
        return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"

    @classmethod
    def from_json(cls, data: bytes) -> "Approval":
        """Read a file's content; the signatures are not checked here.

        Raises:
            ConfigError: it is no approval of version 1.
        """
        if len(data) > MAX_FILE_BYTES:
            raise ConfigError(f"an approval has at most {MAX_FILE_BYTES} bytes")
        try:
            document = msgspec.json.decode(data, type=_Document)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise ConfigError("not an approval of version 1") from None
        return cls(
            manager_id=_from_hex(document.manager_id),
            image_hash=_from_hex(document.image_hash),
            serial=document.serial,
            not_before=document.not_before,
            not_after=document.not_after,
            signatures=tuple(
                (_from_hex(item.public_key), _from_hex(item.signature))
                for item in document.signatures[: MAX_SIGNATURES + 1]
            ),
            terms=_from_hex(document.terms),
        )


@dataclass(frozen=True, slots=True)
class ApprovalRules:
    """Whose word lets an image take over.

    Attributes:
        owners: Ed25519 public keys, 32 bytes each.
        threshold: how many different owners must sign; 0 accepts no signatures.
        time_lock: seconds between the moment a permission is first seen and its effect.
        root_list: whether the root contract's list can permit too (:mod:`.grants`).
    """

    owners: frozenset[bytes] = frozenset()
    threshold: int = 0
    time_lock: int = 86_400
    root_list: bool = False

    def __post_init__(self) -> None:
        if any(len(owner) != 32 for owner in self.owners):
            raise ConfigError("an owner's public key has 32 bytes")
        if not 0 <= self.threshold <= len(self.owners):
            raise ConfigError("the threshold of owners is from 1 to their number, or 0 without any")
        if self.owners and not self.threshold:
            raise ConfigError("owners are named, but their threshold is 0: say how many must sign")
        if not 0 <= self.time_lock <= MAX_NUMBER:
            raise ConfigError("the time lock is out of range")


def check_signatures(approval: Approval, rules: ApprovalRules) -> None:
    """Require the signatures of enough different owners.

    Raises:
        PolicyError: too few, a signature is wrong, or owners decide nothing here.
    """
    if not rules.threshold:
        raise PolicyError("no owners are configured: signed approvals are not accepted here")
    agreed = set()
    for public_key, signature in approval.signatures:
        if public_key not in rules.owners:
            raise PolicyError(f"{public_key.hex()} is no owner of this key manager")
        try:
            Ed25519PublicKey.from_public_bytes(public_key).verify(signature, approval.statement())
        except (InvalidSignature, ValueError):
            raise PolicyError(f"the signature of owner {public_key.hex()} is wrong") from None
        agreed.add(public_key)
    if len(agreed) < rules.threshold:
        raise PolicyError(
            f"{len(agreed)} of {rules.threshold} owners' signatures: have another owner sign the "
            "same file"
        )


def _from_hex(text: str) -> bytes:
    if len(text) > 128 or len(text) % 2 or not _HEX.fullmatch(text):
        raise ConfigError("an approval's keys, hashes and signatures are lower-case hex digits")
    return bytes.fromhex(text)
