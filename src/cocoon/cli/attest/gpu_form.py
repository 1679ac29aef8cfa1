"""Whether some bytes are GPU evidence: the form in which items travel, or a bare report."""

from cocoon.attestation.evidence.nvidia_item import GpuItem
from cocoon.attestation.evidence.nvidia_report import GpuReport
from cocoon.errors import EvidenceError


def looks_like_gpu_evidence(data: bytes) -> bool:
    """Whether it is an item or a report."""
    return gpu_item(data) is not None or gpu_report(data) is not None


def gpu_item(data: bytes) -> GpuItem | None:
    """The item, if it is one."""
    try:
        return GpuItem.from_bytes(data)
    except EvidenceError:
        return None


def gpu_report(data: bytes) -> GpuReport | None:
    """The report, if it is one."""
    try:
        return GpuReport.from_bytes(data)
    except EvidenceError:
        return None
