"""Verifying SEV-SNP evidence, and the bare operations that it cannot do without."""

from collections.abc import Callable

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from cocoon.attestation.evidence.snp import SnpProduct, verify_snp
from cocoon.attestation.evidence.snp_collateral import SnpChain, SnpCollateralBook
from cocoon.attestation.evidence.snp_evidence import SnpEvidence
from cocoon.attestation.evidence.snp_report import REPORT_BYTES, SigningKey
from cocoon.attestation.evidence.snp_x509 import load_certificate
from cocoon.testing.real_evidence import amd
from cocoon.testing.snp import NOW, snp_lab

_PSS = padding.PSS(padding.MGF1(hashes.SHA384()), 48)


Case = tuple[str, Callable[[], object], Callable[[], object]]


def simulated_case() -> Case:
    """Everything that :func:`verify_snp` does, on simulated hardware (RSA-2048)."""
    lab = snp_lab()
    book = SnpCollateralBook(lab.collateral)
    root, evidence = lab.pki.root_der, lab.evidence()
    return (
        "SNP report, simulated",
        lambda: verify_snp(evidence, book, NOW, simulated_root=root),
        _bare(SnpEvidence.from_bytes(evidence), evidence[REPORT_BYTES:], lab.collateral.chain),
    )


def real_case() -> Case:
    """A real report (RSA-4096) up to AMD's root; without revocations, of which none are here."""
    real = amd()
    ark, ask = real.authorities["milan_ark"], real.authorities["milan_ask"]
    chain, evidence = SnpChain(SnpProduct.MILAN, SigningKey.VCEK, ark, ask), real.evidence
    return (
        "SNP report, real: signatures, chain",
        lambda: SnpEvidence.from_bytes(evidence).require_chain(chain, NOW),
        _bare(SnpEvidence.from_bytes(evidence), evidence[REPORT_BYTES:], chain),
    )


def _bare(found: SnpEvidence, leaf_der: bytes, chain: SnpChain) -> Callable[[], None]:
    """One certificate parsed, one P-384 and one RSA signature verified."""
    authority = chain.authority.public_key()
    if not isinstance(authority, rsa.RSAPublicKey):
        raise TypeError("AMD's authorities have RSA keys")
    signature = encode_dss_signature(*found.report.signature)
    signed, leaf = found.report.signed, found.leaf.certificate
    tbs, leaf_signature = leaf.tbs_certificate_bytes, leaf.signature

    def run() -> None:
        key = load_certificate(leaf_der, "leaf").public_key()
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise TypeError("leaves have elliptic-curve keys")
        key.verify(signature, signed, ec.ECDSA(hashes.SHA384()))
        authority.verify(leaf_signature, tbs, _PSS, hashes.SHA384())

    return run
