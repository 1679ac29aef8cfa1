"""Measurements of a GPU against the golden ones of its driver's and its VBIOS's manifest."""

import hashlib

from cocoon.attestation.evidence.nvidia_chain import Chain, public_key_der
from cocoon.attestation.evidence.nvidia_rim import RimDocument
from cocoon.errors import EvidenceError

DRIVER, VBIOS = "driver", "VBIOS"
_DEVICE_LABEL = b"cocoon-gpu-device-v1\0"
_SHOWN = 8


def compare(measured: dict[int, bytes], driver: RimDocument, vbios: RimDocument) -> None:
    """Every active measurement of both manifests has one of its golden values.

    Measurements that neither manifest calls active say nothing that could be judged.

    Raises:
        EvidenceError: both manifests speak about one measurement, or one does not match.
    """
    conflict = driver.golden.keys() & vbios.golden.keys()
    if conflict:
        raise EvidenceError(
            f"GPU RIM: driver and VBIOS both speak about measurement {min(conflict)}"
        )
    wrong = [(index, DRIVER) for index in mismatches(measured, driver)]
    wrong += [(index, VBIOS) for index in mismatches(measured, vbios)]
    if wrong:
        shown = ", ".join(f"{index} ({source})" for index, source in sorted(wrong)[:_SHOWN])
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise EvidenceError(
            f"GPU measurements: {shown}{more} differ from what NVIDIA published for driver "
            f"{driver.version} and VBIOS {vbios.version}",
            fix="restart the GPU with NVIDIA's unchanged driver and VBIOS",
        )


def mismatches(measured: dict[int, bytes], rim: RimDocument) -> list[int]:
    """Active indices whose measurement is missing or has none of the golden values."""
    return [index for index, values in rim.golden.items() if measured.get(index) not in values]


def require_version(rim: RimDocument, version: str) -> None:
    """The manifest speaks for the version that the report names.

    Raises:
        EvidenceError: it speaks for another.
    """
    if rim.version != version.upper():
        raise EvidenceError(f"GPU RIM: it is for version {rim.version}, the report for {version}")


def device_id(chain: Chain) -> bytes:
    """Names one GPU, 32 bytes: its identity key, under which each firmware gets its own."""
    return hashlib.sha256(_DEVICE_LABEL + public_key_der(chain.certificates[1])).digest()
