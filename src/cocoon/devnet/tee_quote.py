"""TDX quotes of real form from simulated hardware (``attestation.md`` §4)."""

import hashlib
import struct

from cryptography.hazmat.primitives.asymmetric import ec

from cocoon.attestation.measurements import TdxMeasurements
from cocoon.devnet.tee_pki import CPU_SVN, NAME, QE_MRSIGNER, SimulatedPki, raw_point, sign_raw

PRODUCTION_ATTRIBUTES = bytes.fromhex("0000001000000000")
"""SEPT_VE_DISABLE, not DEBUG."""
XFAM = bytes.fromhex("e702060000000000")
"""Processor features of an ordinary domain, AMX among them."""
TEE_SGX = 0
TEE_TDX = 0x81
SGX_QUOTE_VERSION = 3
TEE_TCB_SVN = bytes([7, 1, 3] + [0] * 13)

_INTEL_VENDOR = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
_MR_SEAM = hashlib.sha384(NAME.encode()).digest()
_AUTH_DATA = bytes(range(32))


def build_quote(
    pki: SimulatedPki,
    measurements: TdxMeasurements,
    *,
    attributes: bytes = PRODUCTION_ATTRIBUTES,
    enclave: "QuotingEnclave | None" = None,
) -> bytes:
    """Sign measurements: a quote of version 4.

    Args:
        pki: the simulated platform.
        measurements: registers and report data.
        attributes: TD attributes, 8 bytes; tests make DEBUG domains.
        enclave: signs it; None takes one with a fresh attestation key.
    """
    signer = enclave or QuotingEnclave(pki)
    return signer.sign(header(4, TEE_TDX) + td_body(measurements, attributes))


def header(version: int, tee_type: int) -> bytes:
    """The 48 bytes that start a quote: its version, 3 to 5, and TEE type (§4.1)."""
    return struct.pack("<HHIHH", version, 2, tee_type, 0, 0) + _INTEL_VENDOR + bytes(20)


class QuotingEnclave:
    """A simulated quoting enclave: an attestation key that the platform vouches for.

    A real one keeps its key as well, so all quotes of a machine share their certification.

    Args:
        pki: the simulated platform.
        product: which enclave: 2 for domains, 1 for enclaves.
    """

    def __init__(self, pki: SimulatedPki, product: int = 2) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._point = raw_point(self._key)
        report = _qe_report(hashlib.sha256(self._point + _AUTH_DATA).digest(), product)
        chain = (pki.pck.pem + pki.platform_ca.pem + pki.root.pem).encode() + b"\0"
        self._certification = (
            report
            + sign_raw(pki.pck.key, report)
            + struct.pack("<H", len(_AUTH_DATA))
            + _AUTH_DATA
            + struct.pack("<HI", 5, len(chain))
            + chain
        )

    def sign(self, signed: bytes) -> bytes:
        """The quote whose header and body are ``signed``."""
        signature = sign_raw(self._key, signed) + self._point
        if signed[0] != SGX_QUOTE_VERSION:
            signature += struct.pack("<HI", 6, len(self._certification))
        signature += self._certification
        return signed + struct.pack("<I", len(signature)) + signature


def sign_quote(pki: SimulatedPki, signed: bytes, *, qe_product: int = 2) -> bytes:
    """Sign header and body with a fresh attestation key, and that with the platform's.

    Args:
        pki: the simulated platform.
        signed: everything before the signature section.
        qe_product: which quoting enclave: 2 for domains, 1 for enclaves.
    """
    return QuotingEnclave(pki, qe_product).sign(signed)


def td_body(
    measurements: TdxMeasurements, attributes: bytes = PRODUCTION_ATTRIBUTES, xfam: bytes = XFAM
) -> bytes:
    """The 584 bytes of a domain's report, form 1.0 (§4.2); 1.5 appends to it."""
    return (
        TEE_TCB_SVN
        + _MR_SEAM
        + bytes(48)  # MRSIGNERSEAM: zero is Intel's module
        + bytes(8)
        + attributes
        + xfam
        + measurements.to_bytes()
    )


def _qe_report(bound: bytes, product: int) -> bytes:
    """The simulated quoting enclave vouches for the attestation key (§4.3, §4.4)."""
    attributes = b"\x11" + bytes(15)
    identity = hashlib.sha256(f"{NAME} quoting enclave".encode()).digest()
    head = CPU_SVN + bytes(32) + attributes + identity + bytes(32) + QE_MRSIGNER + bytes(96)
    return head + struct.pack("<HH", product, 6) + bytes(60) + bound + bytes(32)
