"""SEV-SNP evidence: a report and the certificate of the key that signs it.

Source: AMD 56860 (report), AMD 57230 (certificates). Every check says in its message which part
failed: the report, the leaf (VCEK or VLEK), the authorities above or the guest itself.
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from cocoon.attestation.evidence.snp_collateral import SnpChain
from cocoon.attestation.evidence.snp_leaf import SnpLeaf
from cocoon.attestation.evidence.snp_report import (
    CHIP_ID_BYTES,
    HOST_VMPL,
    REPORT_BYTES,
    GuestPolicy,
    SigningKey,
    SnpReport,
)
from cocoon.attestation.evidence.snp_tcb import SnpTcb
from cocoon.attestation.evidence.snp_x509 import (
    MAX_CERTIFICATE_BYTES,
    require_issued,
    require_valid_at,
)
from cocoon.errors import EvidenceError

MAX_EVIDENCE_BYTES = REPORT_BYTES + MAX_CERTIFICATE_BYTES

_ECDSA = ec.ECDSA(hashes.SHA384())


@dataclass(frozen=True, slots=True)
class SnpEvidence:
    """A report with its leaf; well-formed and fitting each other once read.

    Attributes:
        report: the report.
        leaf: the certificate of the key that signed it.
        tcbs: the report's patch levels by name: reported, committed, current, launch.
    """

    report: SnpReport
    leaf: SnpLeaf
    tcbs: dict[str, SnpTcb]

    @classmethod
    def from_bytes(cls, data: bytes) -> "SnpEvidence":
        """Read evidence and check the report's signature by its leaf.

        What is left to check is who vouches for the leaf (:meth:`require_chain`), and what the
        report says about the guest.

        Raises:
            EvidenceError: it is malformed, the report is not signed by the leaf, or the leaf is
                for another chip, product or patch level.
        """
        if not REPORT_BYTES < len(data) <= MAX_EVIDENCE_BYTES:
            raise EvidenceError(
                f"SEV-SNP evidence: {len(data)} bytes; it is a report of {REPORT_BYTES} and a"
                f" certificate of up to {MAX_CERTIFICATE_BYTES}"
            )
        report = SnpReport.from_bytes(data[:REPORT_BYTES])
        _require_signer(report)
        leaf = SnpLeaf.from_der(data[REPORT_BYTES:])
        _require_same_product(report, leaf)
        tcbs = report.tcbs(leaf.product)
        _require_same_tcb(leaf, tcbs["reported"])
        _require_same_chip(report, leaf)
        _require_signature(report, leaf)
        return cls(report, leaf, tcbs)

    def require_chain(self, chain: SnpChain, now: int) -> None:
        """Check who vouches for the leaf: the chain's signing key, at this time.

        Whether the chain's root is to be trusted is the caller's question.

        Raises:
            EvidenceError: the leaf is not signed by the chain, or one of the three certificates
                is out of date.
        """
        if (chain.product, chain.signer) != (self.leaf.product, self.leaf.kind):
            raise EvidenceError(f"{self.leaf.name} certificate: the chain is for another product")
        require_issued(self.leaf.certificate, chain.authority, self.leaf.name)
        chain.require_valid_at(now)
        require_valid_at(self.leaf.certificate, now, self.leaf.name)


def guest_refusals(report: SnpReport) -> tuple[str, ...]:
    """Why this guest is never accepted, whatever a policy says; empty for a guest that may be.

    Args:
        report: its signature has been checked.
    """
    refusals = []
    if report.allows(GuestPolicy.DEBUG):
        refusals.append("the guest policy allows DEBUG: the host can read the guest's memory")
    if report.vmpl == HOST_VMPL:
        refusals.append("the host asked for the report, not the guest")
    return tuple(refusals)


def _require_signer(report: SnpReport) -> None:
    # MASK_CHIP_KEY keeps the firmware from using the VCEK; a VLEK may still sign.
    if report.signing_key is SigningKey.NONE or (
        report.mask_chip_key and report.signing_key is SigningKey.VCEK
    ):
        raise EvidenceError(
            "SEV-SNP report: the host keeps the firmware from signing (MASK_CHIP_KEY)",
            fix="the host must switch off MaskChipKey in its SEV configuration",
        )
    if report.author_key_en != any(report.author_key_digest):
        raise EvidenceError("SEV-SNP report: the author key's digest and its bit disagree")
    if report.author_key_en and not any(report.id_key_digest):
        raise EvidenceError("SEV-SNP report: an author key vouches for no ID key")


def _require_same_product(report: SnpReport, leaf: SnpLeaf) -> None:
    if report.signing_key is not leaf.kind:
        raise EvidenceError(
            f"{leaf.name} certificate: the report is signed by a {report.signing_key.name}"
        )
    if report.product not in (None, leaf.product):
        raise EvidenceError(
            f"{leaf.name} certificate: for {leaf.product.value}, but another processor reports"
        )


def _require_same_tcb(leaf: SnpLeaf, reported: SnpTcb) -> None:
    if leaf.tcb != reported:
        raise EvidenceError(
            f"{leaf.name} certificate: for another patch level ({leaf.tcb.describe()}) than the"
            f" report's ({reported.describe()})",
            fix="the machine must fetch the certificate for its present firmware",
        )


def _require_same_chip(report: SnpReport, leaf: SnpLeaf) -> None:
    """The report's chip id is the leaf's; a masked one leaves it to the signature."""
    meaningful = leaf.product.chip_id_bytes
    if any(report.chip_id[meaningful:]):
        raise EvidenceError("SEV-SNP report: reserved bytes of the chip id are set")
    if leaf.hwid is None or report.is_chip_masked:
        return
    if report.chip_id != leaf.hwid.ljust(CHIP_ID_BYTES, b"\0"):
        raise EvidenceError(f"{leaf.name} certificate: for another chip than the report's")


def _require_signature(report: SnpReport, leaf: SnpLeaf) -> None:
    try:
        leaf.key.verify(encode_dss_signature(*report.signature), report.signed, _ECDSA)
    except InvalidSignature as error:
        raise EvidenceError(
            f"SEV-SNP report: the signature is not by the key of the {leaf.name} certificate"
        ) from error
