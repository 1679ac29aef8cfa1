"""GPU evidence for ``bench_attestation.py``: what is measured, without the measuring.

Simulated evidence has NVIDIA's formats and curves, so the work is that of real evidence. NVIDIA's
sample comes without OCSP answers, so of it only signature, chain and firmware are measured.
"""

from collections.abc import Callable

from cocoon.attestation.evidence import nvidia_chain, nvidia_ocsp
from cocoon.attestation.evidence.nvidia import needed, verify_gpu
from cocoon.attestation.evidence.nvidia_collateral import GpuCollateralBook
from cocoon.attestation.evidence.nvidia_item import GpuItem
from cocoon.attestation.evidence.nvidia_report import GpuReport
from cocoon.attestation.evidence.nvidia_rim import RimDocument
from cocoon.attestation.evidence.nvidia_subject import require_report_signature
from cocoon.devnet.gpu import SimulatedGpus
from cocoon.devnet.gpu_pki import GpuPki
from cocoon.testing.real_evidence import nvidia

NOW = 1_795_000_000
REAL_NOW = 1_735_689_600
NONCE = bytes(range(32))

Comparison = tuple[str, Callable[[], object], Callable[[], object]]
"""Name, our work, and the bare signature of one report."""


def again() -> Comparison:
    """The next report of a GPU that was verified before."""
    machine = SimulatedGpus(GpuPki.from_seed(bytes(32), NOW - 86_400), 1)
    book, root, item = machine.book(NOW), machine.root_certificate, machine.evidence(NONCE)[0]

    def ours() -> object:
        return verify_gpu(item, NONCE, book, NOW, simulated_root=root)

    return "GPU, simulated, seen before", ours, _signature(item)


def first() -> Comparison:
    """A GPU seen first: nothing is remembered of its chain, nor of OCSP answers."""
    _, verify, baseline = again()

    def ours() -> object:
        _forget()
        return verify()

    return "GPU, simulated, seen first", ours, baseline


def real() -> Comparison:
    """A real H100 seen first: everything that needs no OCSP answer."""
    sample = nvidia()
    item, empty = GpuItem(sample.report, sample.chain).to_bytes(), GpuCollateralBook()

    def ours() -> object:
        _forget()
        return needed(item, empty, REAL_NOW)

    return "GPU, real, up to its signature", ours, _signature(item)


def manifest() -> Comparison:
    """Loading a real manifest of 20 KiB, once in its life."""
    xml = nvidia().manifests["Driver_RIM_test_no_gpu.swidtag"]
    _, _, baseline = again()

    def ours() -> object:
        _forget()
        return RimDocument.from_xml(xml)

    return "GPU manifest, real, loaded", ours, baseline


def _forget() -> None:
    nvidia_chain.verify_chain.cache_clear()
    nvidia_ocsp.verify_response.cache_clear()


def _signature(evidence: bytes) -> Callable[[], object]:
    item = GpuItem.from_bytes(evidence)
    report = GpuReport.from_bytes(item.report)
    chain = nvidia_chain.verify_chain(item.certificates, "GPU certificate")
    return lambda: require_report_signature(report, chain)
