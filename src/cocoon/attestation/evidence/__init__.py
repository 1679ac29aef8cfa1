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
    SNP = "snp"
    """A report signed by AMD SEV-SNP hardware under AMD's root."""
    SNP_SIMULATED = "snp-simulated"
    """A report of SEV-SNP form under another root that the policy names: devnet only."""
    SGX = "sgx"
    """A quote of an SGX enclave under Intel's root; of the seal service, never of a TLS peer."""
    SGX_SIMULATED = "sgx-simulated"
    """A quote of SGX form under another root: devnet only."""

    @property
    def is_simulated(self) -> bool:
        """Whether it comes from simulated hardware under a root of a devnet."""
        return self in _SIMULATED

    @property
    def is_real(self) -> bool:
        """Whether it is signed by hardware under a vendor's root."""
        return self in _REAL


_SIMULATED = (EvidenceKind.TDX_SIMULATED, EvidenceKind.SNP_SIMULATED, EvidenceKind.SGX_SIMULATED)
_REAL = (EvidenceKind.TDX, EvidenceKind.SNP, EvidenceKind.SGX)


class EvidenceSource(Protocol):
    """Makes evidence for this machine; implemented by real and simulated hardware."""

    @property
    def kind(self) -> EvidenceKind:
        """What it makes."""
        ...

    def quote(self, report_data: bytes) -> bytes:
        """Evidence over 64 bytes of report data.

        TDX: the quote. SEV-SNP: the report of 1184 bytes and, right behind it, the DER of the
        certificate that signs it (VCEK or VLEK). May block for up to a few hundred milliseconds
        on hardware.

        Raises:
            EvidenceError: the platform did not produce a quote.
        """
        ...


class GpuEvidenceSource(Protocol):
    """Makes evidence for the GPUs of this machine."""

    def evidence(self, nonce: bytes) -> tuple[bytes, ...]:
        """One self-contained item for every GPU, each made over this nonce of 32 bytes.

        May block for seconds on hardware.

        Raises:
            EvidenceError: a GPU did not produce a report.
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
        platform_id: names the one machine: 32 bytes, SHA-256 over a label and the silicon's own
            id; None where the evidence does not show it.
        advisories: the vendor's security advisories that still apply to this platform.
    """

    kind: EvidenceKind
    attestation: Attestation
    claims: tuple[Claim, ...]
    tcb_status: str | None
    expires_at: int | None
    platform_id: bytes | None = None
    advisories: tuple[str, ...] = ()


def report_data(public_key: bytes) -> bytes:
    """What binds evidence to a key: SHA-512 of the raw key, 64 bytes (``attestation.md`` §1.2)."""
    return hashlib.sha512(public_key).digest()
