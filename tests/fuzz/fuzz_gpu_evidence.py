"""GPU evidence from strangers: only expected errors come out, and no patch proves anything else."""

from contextlib import suppress

from cocoon.attestation.evidence.nvidia import verify_gpu
from cocoon.attestation.evidence.nvidia_item import GpuItem
from cocoon.attestation.evidence.nvidia_report import GpuReport, opaque_fields
from cocoon.devnet.gpu import SimulatedGpus
from cocoon.devnet.gpu_pki import GpuPki
from cocoon.errors import AttestationError, EvidenceError

NOW = 1_795_000_000
NONCE = bytes(range(32))
MACHINE = SimulatedGpus(GpuPki.from_seed(bytes(range(32)), NOW - 86_400), 1)
BOOK = MACHINE.book(NOW)
ITEM = MACHINE.evidence(NONCE)[0]
REPORT = GpuItem.from_bytes(ITEM).report


def patched(data: bytes, patch: bytes) -> bytes:
    at = int.from_bytes(patch[:2], "big") % len(data)
    return data[:at] + patch[2:] + data[at + len(patch) - 2 :] if len(patch) > 2 else data


def fuzz_one(data: bytes) -> None:
    try:
        item = GpuItem.from_bytes(data)
        if item.to_bytes() != data:
            raise AssertionError("an item has two forms")
    except EvidenceError:
        pass
    with suppress(EvidenceError):
        opaque_fields(data)
    for report in (data, patched(REPORT, data)):
        try:
            found = GpuReport.from_bytes(report)
            str((found.driver_version, found.vbios_version, found.board, found.chip))
            str((found.protected_pcie, found.passthrough, found.fwid))
        except EvidenceError:
            pass
    changed = patched(ITEM, data)
    try:
        verify_gpu(changed, NONCE, BOOK, NOW, simulated_root=MACHINE.root_certificate)
    except AttestationError:
        return
    if changed != ITEM:
        raise AssertionError("changed GPU evidence verifies")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
