"""How long verifying SEV-SNP evidence takes, against the bare operations that it cannot do without.

Part of ``bench_attestation.py``; also runs alone.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from cocoon.attestation.evidence.snp import SnpProduct, verify_snp
from cocoon.attestation.evidence.snp_collateral import SnpChain, SnpCollateralBook
from cocoon.attestation.evidence.snp_evidence import SnpEvidence
from cocoon.attestation.evidence.snp_report import SigningKey
from cocoon.attestation.evidence.snp_x509 import load_certificate
from cocoon.testing.snp import NOW, snp_lab

REAL = Path(__file__).parents[1] / "vectors" / "attestation" / "real" / "amd"
ROUNDS, CALLS = 7, 60
_PSS = padding.PSS(padding.MGF1(hashes.SHA384()), 48)


def measure() -> list[tuple[str, float, float]]:
    """Rows of what is verified, milliseconds, milliseconds of the bare operations.

    The medians of rounds that alternate between the two.
    """
    lab = snp_lab()
    book = SnpCollateralBook(lab.collateral)
    root, evidence = lab.pki.root_der, lab.evidence()
    simulated = SnpEvidence.from_bytes(evidence)
    chain = SnpChain(SnpProduct.MILAN, SigningKey.VCEK, _read("milan_ark"), _read("milan_ask"))
    real_evidence = _read("milan_report", "bin") + _read("milan_vcek")
    real = SnpEvidence.from_bytes(real_evidence)
    return [
        (
            "simulated Genoa (RSA-2048), everything",
            *_pair(
                lambda: verify_snp(evidence, book, NOW, simulated_root=root),
                _bare(simulated, evidence[1184:], lab.collateral.chain),
            ),
        ),
        (
            "real Milan (RSA-4096), signatures and chain",
            *_pair(
                lambda: SnpEvidence.from_bytes(real_evidence).require_chain(chain, NOW),
                _bare(real, real_evidence[1184:], chain),
            ),
        ),
    ]


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


def _pair(ours: Callable[[], object], bare: Callable[[], object]) -> tuple[float, float]:
    rounds = [(_milliseconds(ours), _milliseconds(bare)) for _ in range(ROUNDS)]
    return statistics.median(a for a, _ in rounds), statistics.median(b for _, b in rounds)


def _milliseconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    for _ in range(CALLS):
        call()
    return (time.perf_counter() - start) / CALLS * 1000


def _read(name: str, suffix: str = "der") -> bytes:
    return (REAL / f"{name}.{suffix}").read_bytes()


def main() -> None:
    """Print the rows."""
    print("| SEV-SNP evidence | ms | bare operations ms | ratio |")
    print("|---|---|---|---|")
    for name, ours, bare in measure():
        print(f"| {name} | {ours:.2f} | {bare:.2f} | {ours / bare:.2f} |")


if __name__ == "__main__":
    main()
