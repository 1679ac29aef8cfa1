"""What verifiers read, together; apart from what fetches it, which brings an HTTP library along."""

from dataclasses import dataclass, field

from cocoon.attestation.evidence.collateral import CollateralBook
from cocoon.attestation.evidence.nvidia_collateral import GpuCollateralBook
from cocoon.attestation.evidence.snp_collateral import SnpCollateralBook


@dataclass(frozen=True, slots=True)
class Books:
    """Everything that verification may need; shared by all policies of a process."""

    tdx: CollateralBook = field(default_factory=CollateralBook)
    sgx: CollateralBook = field(default_factory=CollateralBook)
    snp: SnpCollateralBook = field(default_factory=SnpCollateralBook)
    gpu: GpuCollateralBook = field(default_factory=GpuCollateralBook)
