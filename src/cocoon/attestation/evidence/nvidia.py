"""Evidence of NVIDIA GPUs in confidential mode, verified against NVIDIA's roots."""

from collections.abc import Sequence
from dataclasses import dataclass

from cocoon.attestation.claims import Claim
from cocoon.attestation.evidence.nvidia_collateral import GpuCollateralBook, OcspNeed, RimNeed
from cocoon.errors import EvidenceError

MAX_GPUS = 16


@dataclass(frozen=True, slots=True)
class VerifiedGpu:
    """What the evidence of one GPU proves.

    Attributes:
        simulated: it chains to a devnet's root.
        architecture: ``hopper`` or ``blackwell``.
        driver_version: such as ``550.90.07``.
        vbios_version: such as ``96.00.9F.00.01``.
        device_id: names the one GPU: 32 bytes, SHA-256 over a label and its identity key.
        claims: what the evidence decides.
        expires_at: unix seconds after which newer collateral must judge it again.
    """

    simulated: bool
    architecture: str
    driver_version: str
    vbios_version: str
    device_id: bytes
    claims: tuple[Claim, ...]
    expires_at: int


@dataclass(frozen=True, eq=False, slots=True)
class GpuRequirement:
    """What a policy asks of the GPUs of one machine.

    Attributes:
        count: exactly so many, all different, 1 to 16.
        collateral: where the verifier finds collateral.
        simulated_root: DER of the pinned devnet root; None pins NVIDIA's.
        architectures: allowed, such as ``{"hopper"}``; None does not restrict.
        min_driver: lowest driver version, such as ``550.90``; None does not restrict.
    """

    count: int
    collateral: GpuCollateralBook
    simulated_root: bytes | None = None
    architectures: frozenset[str] | None = None
    min_driver: str | None = None

    def check(self, items: Sequence[bytes], nonce: bytes, now: int) -> tuple[VerifiedGpu, ...]:
        """Verify all GPUs of a machine and judge them.

        Args:
            items: evidence, one item a GPU.
            nonce: that they must answer, 32 bytes.
            now: unix seconds.

        Raises:
            EvidenceError: an item does not verify (MissingCollateralError: for want of data).
            PolicyError: too few, too many, the same twice, or not what is asked for.
        """
        raise EvidenceError("GPU evidence: no verifier")


def verify_gpu(
    evidence: bytes,
    nonce: bytes,
    collateral: GpuCollateralBook,
    now: int,
    *,
    simulated_root: bytes | None = None,
) -> VerifiedGpu:
    """Verify the evidence of one GPU.

    Args:
        evidence: the item.
        nonce: that it must answer, 32 bytes.
        collateral: NVIDIA's signed data.
        now: unix seconds.
        simulated_root: DER of the devnet's root; None pins NVIDIA's two.

    Raises:
        EvidenceError: it does not verify; the message names the layer.
        MissingCollateralError: it is NVIDIA's, but there is nothing to judge it with.
    """
    raise EvidenceError("GPU evidence: no verifier")


def needed(
    evidence: bytes, collateral: GpuCollateralBook, now: int, *, simulated_root: bytes | None = None
) -> tuple[RimNeed | OcspNeed, ...]:
    """What must be fetched before this evidence can be judged; call it again after fetching.

    The signers' certificates of a RIM are only known with the RIM, so it takes two rounds.

    Raises:
        EvidenceError: the evidence is not NVIDIA's: nothing is fetched for it.
    """
    raise EvidenceError("GPU evidence: no verifier")
