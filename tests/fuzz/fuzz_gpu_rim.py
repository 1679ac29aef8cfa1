"""NVIDIA's manifests from strangers: XML that only ever says what was signed."""

from cocoon.attestation.evidence.nvidia_rim import RimDocument
from cocoon.devnet.gpu_pki import GpuPki
from cocoon.devnet.gpu_report import GpuSoftware, driver_rim
from cocoon.errors import EvidenceError

NOW = 1_795_000_000
XML = driver_rim(GpuPki.from_seed(bytes(range(32)), NOW - 86_400).rim_signer, GpuSoftware())
HONEST = RimDocument.from_xml(XML)


def fuzz_one(data: bytes) -> None:
    at = int.from_bytes(data[:2], "big") % len(XML)
    patch = data[2:]
    insert = XML[:at] + patch + XML[at:]
    replace = XML[:at] + patch + XML[at + len(patch) :]
    for xml in (data, insert, replace):
        try:
            found = RimDocument.from_xml(xml)
        except EvidenceError:
            continue
        if found != HONEST:
            raise AssertionError("a changed manifest says something else")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
