"""Attestation evidence: its kinds, where it comes from and what verifying it yields."""

import hashlib
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from cocoon.attestation.claims import Claim
from cocoon.attestation.measurements import Attestation


class EvidenceKind(Enum):
    """What stands behind a peer's identity."""

    NONE = "none"
    FAKE_TDX = "fake_tdx"
    """The official test form: 64 bytes that anybody can make; proves nothing."""
    TDX = "tdx"
    """A quote signed by Intel TDX hardware under Intel's root."""
    TDX_SIMULATED = "tdx-simulated"
    """A quote of TDX form under another root that the policy names: devnet only."""


class EvidenceSource(Protocol):
    """Makes evidence for this machine; implemented by real and simulated hardware."""

    def quote(self, report_data: bytes) -> bytes:
        """Evidence over 64 bytes of report data.

        May block for up to a few hundred milliseconds on hardware.

        Raises:
            EvidenceError: the platform did not produce a quote.
        """
        ...


@dataclass(frozen=True, slots=True)
class VerifiedEvidence:
    """What a piece of evidence proves, before any policy about *which* image is allowed.

    Attributes:
        kind: the kind that was verified.
        attestation: measurements and collateral root.
        claims: what the evidence decides by itself.
        tcb_status: the vendor's word for the platform's patch level; None without a vendor.
        expires_at: unix seconds after which the evidence must be verified again with newer
            collateral; None when nothing in it expires.
    """

    kind: EvidenceKind
    attestation: Attestation
    claims: tuple[Claim, ...]
    tcb_status: str | None
    expires_at: int | None


def report_data(public_key: bytes) -> bytes:
    """What binds evidence to a key: SHA-512 of the raw key, 64 bytes (``attestation.md`` §1.2)."""
    return hashlib.sha512(public_key).digest()
