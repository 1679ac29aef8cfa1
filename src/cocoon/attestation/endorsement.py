"""An operator's endorsement: "this machine is mine and stands where I say".

Hardware proves what runs, not where or under whose hands. An operator signs the identity of one
machine, once and offline; the hardware proves that identity with each piece of evidence. So a
policy can ask for machines of operators that somebody answers for, which is what helps against
attacks on memory by whoever stands beside the machine.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cocoon.errors import EvidenceError

_LABEL = b"cocoon-operator-endorsement-v1\0"
_BODY = struct.Struct("<32s32sII")
_SIGNATURE_BYTES = 64
SIZE = _BODY.size + _SIGNATURE_BYTES


@dataclass(frozen=True, slots=True)
class Endorsement:
    """One operator's word for one machine, signed. 136 bytes: body, then the signature.

    Attributes:
        operator: raw Ed25519 public key, 32 bytes.
        platform_id: :attr:`VerifiedEvidence.platform_id`, 32 bytes.
        not_before: unix seconds.
        not_after: unix seconds.
        signature: 64 bytes, over a label and the body.
    """

    operator: bytes
    platform_id: bytes
    not_before: int
    not_after: int
    signature: bytes

    @classmethod
    def sign(
        cls,
        operator: bytes,
        sign: Callable[[bytes], bytes],
        platform_id: bytes,
        not_before: int,
        not_after: int,
    ) -> "Endorsement":
        """Endorse a machine.

        Args:
            operator: raw Ed25519 public key, 32 bytes.
            sign: signs with its private half.
            platform_id: the machine, 32 bytes.
            not_before: unix seconds.
            not_after: unix seconds.
        """
        body = _BODY.pack(operator, platform_id, not_before, not_after)
        return cls(operator, platform_id, not_before, not_after, sign(_LABEL + body))

    def to_bytes(self) -> bytes:
        """The 136-byte form."""
        body = _BODY.pack(self.operator, self.platform_id, self.not_before, self.not_after)
        return body + self.signature

    @classmethod
    def from_bytes(cls, data: bytes) -> "Endorsement":
        """Read and check the signature.

        Raises:
            EvidenceError: of another length, or the signature is wrong.
        """
        if len(data) != SIZE:
            raise EvidenceError(f"an operator's endorsement has {SIZE} bytes, not {len(data)}")
        operator, platform_id, not_before, not_after = _BODY.unpack_from(data)
        signature = bytes(data[_BODY.size :])
        try:
            public_key = Ed25519PublicKey.from_public_bytes(operator)
            public_key.verify(signature, _LABEL + data[: _BODY.size])
        except (InvalidSignature, ValueError) as error:
            raise EvidenceError("an operator's endorsement is not signed by its key") from error
        return cls(operator, platform_id, not_before, not_after, signature)

    def is_valid_at(self, now: int) -> bool:
        """Whether it counts at ``now`` (unix seconds)."""
        return self.not_before <= now <= self.not_after
