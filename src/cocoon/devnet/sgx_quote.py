"""SGX quotes of real form from simulated hardware (``attestation.md`` §4.4).

Of the same simulated platform as the TDX quotes, so one pinned root covers both; the collateral
is another: :meth:`~cocoon.devnet.tee_pki.SimulatedPki.collateral_json` with ``tee="SGX"``.
"""

import hashlib
import struct

from cocoon.attestation.measurements import REPORT_DATA_BYTES
from cocoon.devnet.tee_pki import CPU_SVN, NAME, SimulatedPki
from cocoon.devnet.tee_quote import SGX_QUOTE_VERSION, TEE_SGX, header, sign_quote
from cocoon.errors import EvidenceError

MR_ENCLAVE_BYTES = 32
_INITIALISED = 1
_DEBUG = 1 << 1
_64_BIT = 1 << 2
_XFRM = bytes([0xE7]) + bytes(7)
_MR_SIGNER = hashlib.sha256(f"{NAME} enclave signer".encode()).digest()
_QE_PRODUCT = 1


def build_sgx_quote(
    pki: SimulatedPki, mr_enclave: bytes, report_data: bytes, *, debug: bool = False
) -> bytes:
    """Sign an enclave's report with a fresh attestation key: a quote of version 3.

    Args:
        pki: the simulated platform.
        mr_enclave: measurement of the enclave, 32 bytes.
        report_data: what the enclave asks to be signed, 64 bytes.
        debug: whether the enclave runs in DEBUG mode, which a verifier refuses.

    Raises:
        EvidenceError: a value has the wrong length.
    """
    if len(mr_enclave) != MR_ENCLAVE_BYTES or len(report_data) != REPORT_DATA_BYTES:
        raise EvidenceError("an enclave has 32 bytes of measurement and 64 of report data")
    return sign_quote(
        pki,
        header(SGX_QUOTE_VERSION, TEE_SGX) + enclave_body(mr_enclave, report_data, debug=debug),
        qe_product=_QE_PRODUCT,
    )


def enclave_body(mr_enclave: bytes, report_data: bytes, *, debug: bool = False) -> bytes:
    """The 384 bytes of an enclave's report (§4.4)."""
    flags = _INITIALISED | _64_BIT | (_DEBUG if debug else 0)
    return (
        CPU_SVN
        + bytes(32)
        + flags.to_bytes(8, "little")
        + _XFRM
        + mr_enclave
        + bytes(32)
        + _MR_SIGNER
        + bytes(96)
        + struct.pack("<HH", 1, 1)
        + bytes(60)
        + report_data
    )
