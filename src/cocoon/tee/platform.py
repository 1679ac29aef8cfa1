"""Which TEE the machine is a guest of, as its kernel shows it.

This only finds out which interfaces to use; it proves nothing to anybody. Proof is the evidence.
"""

from enum import Enum
from pathlib import Path

from cocoon.tee.files import Files, KernelFiles

TDX_DEVICE = Path("dev/tdx_guest")
TDX_MEASUREMENTS = Path("sys/class/misc/tdx_guest/measurements")
SNP_DEVICE = Path("dev/sev-guest")


class Tee(Enum):
    """A kind of confidential virtual machine."""

    NONE = "none"
    TDX = "tdx"
    SNP = "snp"


def detect(root: Path = Path("/"), *, files: Files | None = None) -> Tee:
    """Which TEE this machine is.

    A machine that shows the marks of both is no TEE that we know, and counts as none.

    Args:
        root: of the file system; tests put a stand-in there.
        files: how files are reached.
    """
    kernel = files or KernelFiles()
    is_tdx = kernel.exists(root / TDX_DEVICE) or kernel.exists(root / TDX_MEASUREMENTS)
    is_snp = kernel.exists(root / SNP_DEVICE)
    if is_tdx and not is_snp:
        return Tee.TDX
    if is_snp and not is_tdx:
        return Tee.SNP
    return Tee.NONE
