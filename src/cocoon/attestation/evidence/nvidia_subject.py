"""A GPU's evidence up to its signature: whose it is, before what it says is judged."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from cocoon.attestation.evidence.nvidia_chain import (
    NVIDIA_DEVICE_ROOT,
    NVIDIA_RIM_ROOT,
    Chain,
    require_root,
    verify_chain,
    verify_signature,
)
from cocoon.attestation.evidence.nvidia_collateral import RimNeed
from cocoon.attestation.evidence.nvidia_fwid import firmware_id
from cocoon.attestation.evidence.nvidia_item import GpuItem
from cocoon.attestation.evidence.nvidia_report import GpuReport, Passthrough, Switch
from cocoon.errors import EvidenceError

HOPPER, BLACKWELL = "hopper", "blackwell"
ARCHITECTURES = frozenset({HOPPER, BLACKWELL})
LAYER = "GPU certificate"

_FAMILIES = {"GH": HOPPER, "GB": BLACKWELL}
_SINGLE = "on the host, pass each GPU through by itself, with confidential computing on"
_UPDATE = "update driver and VBIOS to versions for which NVIDIA publishes measurements"


def rim_ids(report: GpuReport) -> tuple[str, str]:
    """Ids of the driver's and of the VBIOS's manifest in NVIDIA's RIM service.

    Raises:
        EvidenceError: the report does not say enough.
    """
    driver, vbios = rim_needs(report)
    return driver.rim_id, vbios.rim_id


def rim_needs(report: GpuReport) -> tuple[RimNeed, RimNeed]:
    """The same as needs: driver, VBIOS.

    Raises:
        EvidenceError: the report does not say enough.
    """
    chip = report.chip
    # Only reports from Blackwell on name their chip; Hopper's drivers have one manifest for all.
    kind = "NV_GPU_DRIVER_GH100" if chip is None else f"NV_GPU_CC_DRIVER_{chip.upper()}"
    board = "_".join(report.board)
    vbios = report.vbios_version.replace(".", "")
    return (
        RimNeed(f"{kind}_{report.driver_version}"),
        RimNeed(f"NV_GPU_VBIOS_{board}_{vbios}"),
    )


def architecture_of(chip: str) -> str:
    """The architecture of a chip such as ``GH100``.

    Raises:
        EvidenceError: none that can be verified here.
    """
    found = _FAMILIES.get(chip[:2])
    if found is None:
        raise EvidenceError(f"GPU: no chip {chip[:16]!r} with attestation is known")
    return found


@dataclass(frozen=True, slots=True)
class GpuSubject:
    """Evidence whose signature is the GPU's: what is left to judge is what it says.

    Attributes:
        item: its parts.
        report: parsed.
        chain: of the GPU; ends in the pinned root and is valid.
        architecture: ``hopper`` or ``blackwell``.
        rim_root: DER of the root under which manifests must be.
    """

    item: GpuItem
    report: GpuReport
    chain: Chain
    architecture: str
    rim_root: bytes

    @property
    def driver_version(self) -> str:
        """Of the report."""
        return self.report.driver_version

    @property
    def vbios_version(self) -> str:
        """Of the report."""
        return self.report.vbios_version

    @classmethod
    def read(cls, evidence: bytes, now: int, simulated_root: bytes | None) -> "GpuSubject":
        """Parse evidence and verify it up to the report's signature and firmware.

        Args:
            evidence: the item.
            now: unix seconds.
            simulated_root: DER of the devnet's root; None pins NVIDIA's two.

        Raises:
            EvidenceError: malformed, or not signed by a GPU under the root.
        """
        item = GpuItem.from_bytes(evidence)
        report = GpuReport.from_bytes(item.report)
        root = simulated_root or NVIDIA_DEVICE_ROOT
        # First of all, so that a stranger's chain costs nothing.
        require_root(item.certificates[-1], root, LAYER)
        chain = verify_chain(item.certificates, LAYER)
        chain.require(root, now, LAYER)
        require_report_signature(report, chain)
        if firmware_id(chain.leaf) != report.fwid:
            raise EvidenceError(
                "GPU certificate: it is for other firmware than the report's FWID", fix=_UPDATE
            )
        architecture = architecture_of(report.chip or "GH100")
        return cls(item, report, chain, architecture, simulated_root or NVIDIA_RIM_ROOT)


def require_report_signature(report: GpuReport, chain: Chain) -> None:
    """The report is signed by the leaf of the chain.

    Raises:
        EvidenceError: it is not.
    """
    half = len(report.signature) // 2
    r, s = (int.from_bytes(part, "big") for part in (report.signature[:half],
                                                      report.signature[half:]))  # fmt: skip
    if not verify_signature(chain.leaf, encode_dss_signature(r, s), report.signed):
        raise EvidenceError("GPU report: its signature is wrong")


def require_mode(report: GpuReport) -> None:
    """Only a GPU by itself: what several tell each other over NVLink is not attested here.

    Raises:
        EvidenceError: the report says otherwise, or something unknown.
    """
    if report.protected_pcie is Switch.ON:
        raise EvidenceError(
            "GPU mode: protected PCIe leaves the links between GPUs unencrypted", fix=_SINGLE
        )
    if report.passthrough not in (None, Passthrough.SINGLE):
        raise EvidenceError(
            "GPU mode: several GPUs passed through as one need switches' evidence", fix=_SINGLE
        )
