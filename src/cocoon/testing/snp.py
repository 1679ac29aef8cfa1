"""Simulated SEV-SNP evidence for tests, tools and benchmarks: keys are made once a process."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from cocoon.attestation.evidence.snp import VerifiedSnp, verify_snp
from cocoon.attestation.evidence.snp_collateral import SnpCollateral, SnpCollateralBook
from cocoon.attestation.evidence.snp_report import SigningKey
from cocoon.attestation.evidence.snp_tcb import SnpProduct, SnpTcb
from cocoon.devnet.snp_pki import TCB, TURIN_TCB, SimulatedSnpPki
from cocoon.devnet.snp_quote import SimulatedReport

NOW = 1_800_000_000
"""2027-01-15, unix seconds."""
REPORT_DATA = bytes(range(64))
MEASUREMENT = bytes(range(48))


@dataclass(frozen=True)
class SnpLab:
    """One simulated machine with everything that it takes to verify its reports."""

    pki: SimulatedSnpPki
    product: SnpProduct
    signer: SigningKey

    @property
    def tcb(self) -> SnpTcb:
        """The patch levels that the leaf is for."""
        return TURIN_TCB if self.product is SnpProduct.TURIN else TCB

    @property
    def collateral(self) -> SnpCollateral:
        """Current at :data:`NOW`."""
        return self.pki.collateral(NOW, self.product, self.signer)

    def report(self, **changes: Any) -> SimulatedReport:
        """What a guest that policies accept reports, with changes."""
        honest = SimulatedReport(
            product=self.product,
            tcb=self.tcb,
            chip_id=chip_id(self.product),
            measurement=MEASUREMENT,
            report_data=REPORT_DATA,
            signing_key=self.signer,
            version=5 if self.product is SnpProduct.TURIN else 3,
        )
        return honest.but(**changes)

    def evidence(self, **changes: Any) -> bytes:
        """The signed report with its leaf."""
        return self.report(**changes).sign(self.pki.leaf.key) + self.pki.leaf_der

    def verify(self, evidence: bytes, *, now: int = NOW) -> VerifiedSnp:
        """Verify under this machine's root, with its collateral."""
        book = SnpCollateralBook(self.collateral)
        return verify_snp(evidence, book, now, simulated_root=self.pki.root_der)


@cache
def snp_lab(product: SnpProduct = SnpProduct.GENOA, signer: SigningKey = SigningKey.VCEK) -> SnpLab:
    """A machine; the same object for the same arguments."""
    pki = SimulatedSnpPki.create(NOW, chip_id(product), product=product, signer=signer)
    return SnpLab(pki, product, signer)


def chip_id(product: SnpProduct) -> bytes:
    """The chip of a lab: 64 bytes, on Turin 8."""
    return bytes(range(1, product.chip_id_bytes + 1))
