"""TDX v4 quotes of real form from simulated hardware (``attestation.md`` §4)."""

import hashlib
import struct

from cryptography.hazmat.primitives.asymmetric import ec

from cocoon.attestation.measurements import TdxMeasurements
from cocoon.devnet.tee_pki import CPU_SVN, NAME, QE_MRSIGNER, SimulatedPki, raw_point, sign_raw

PRODUCTION_ATTRIBUTES = bytes.fromhex("0000001000000000")
"""SEPT_VE_DISABLE, not DEBUG."""

_INTEL_VENDOR = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
_TEE_TCB_SVN = bytes([7, 1, 3] + [0] * 13)
_MR_SEAM = hashlib.sha384(NAME.encode()).digest()
_XFAM = bytes.fromhex("e702060000000000")
_HEADER = struct.pack("<HHIHH", 4, 2, 0x81, 0, 0) + _INTEL_VENDOR + bytes(20)
_AUTH_DATA = bytes(range(32))


def build_quote(
    pki: SimulatedPki,
    measurements: TdxMeasurements,
    *,
    attributes: bytes = PRODUCTION_ATTRIBUTES,
) -> bytes:
    """Sign measurements with a fresh attestation key.

    Args:
        pki: the simulated platform.
        measurements: registers and report data.
        attributes: TD attributes, 8 bytes; tests make DEBUG domains.
    """
    signed = _HEADER + _td_body(measurements, attributes)
    attestation_key = ec.generate_private_key(ec.SECP256R1())
    point = raw_point(attestation_key)
    qe_report = _qe_report(hashlib.sha256(point + _AUTH_DATA).digest())
    chain = (pki.pck.pem + pki.platform_ca.pem + pki.root.pem).encode() + b"\0"
    certification = (
        qe_report
        + sign_raw(pki.pck.key, qe_report)
        + struct.pack("<H", len(_AUTH_DATA))
        + _AUTH_DATA
        + struct.pack("<HI", 5, len(chain))
        + chain
    )
    signature = sign_raw(attestation_key, signed) + point
    signature += struct.pack("<HI", 6, len(certification)) + certification
    return signed + struct.pack("<I", len(signature)) + signature


def _td_body(measurements: TdxMeasurements, attributes: bytes) -> bytes:
    return (
        _TEE_TCB_SVN
        + _MR_SEAM
        + bytes(48)  # MRSIGNERSEAM: zero is Intel's module
        + bytes(8)
        + attributes
        + _XFAM
        + measurements.to_bytes()
    )


def _qe_report(bound: bytes) -> bytes:
    """The simulated quoting enclave vouches for the attestation key (§4.3, §4.4)."""
    attributes = b"\x11" + bytes(15)
    identity = hashlib.sha256(f"{NAME} quoting enclave".encode()).digest()
    head = CPU_SVN + bytes(32) + attributes + identity + bytes(32) + QE_MRSIGNER + bytes(96)
    return head + struct.pack("<HH", 2, 6) + bytes(60) + bound + bytes(32)
