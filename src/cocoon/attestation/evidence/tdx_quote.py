"""Intel's quotes, read field by field (``attestation.md`` §4.1 to §4.4).

Our own parser, stricter than what verifies the signatures: every byte of a quote is either in a
field here or zero padding behind the signature section. It proves nothing; it says what a quote
claims, to people and to the checks that the verifier adds.
"""

from dataclasses import dataclass, field

from cocoon.attestation.evidence.binary import Reader
from cocoon.attestation.evidence.quote_body import (
    ENCLAVE_BYTES,
    TD_15_BYTES,
    TD_15_EX_BYTES,
    TD_BYTES,
    EnclaveBody,
    TdBody,
    TdExtension,
    parse_enclave_body,
    parse_td_body,
)
from cocoon.errors import EvidenceError

__all__ = [
    "CERTIFICATION_PCK_CHAIN",
    "CERTIFICATION_QE_REPORT",
    "ECDSA_P256",
    "ENCLAVE_BYTES",
    "HEADER_BYTES",
    "INTEL_VENDOR",
    "MAX_QUOTE_BYTES",
    "TD_15_BYTES",
    "TD_15_EX_BYTES",
    "TD_BYTES",
    "TEE_SGX",
    "TEE_TDX",
    "EnclaveBody",
    "Quote",
    "QuoteHeader",
    "QuoteSignature",
    "TdBody",
    "TdExtension",
    "parse_enclave_body",
    "parse_quote",
    "parse_td_body",
]

MAX_QUOTE_BYTES = 32_768
"""A longer quote is not read (``attestation.md`` §1.3)."""
TEE_SGX = 0
TEE_TDX = 0x81
ECDSA_P256 = 2
INTEL_VENDOR = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")

HEADER_BYTES = 48

CERTIFICATION_PCK_CHAIN = 5
CERTIFICATION_QE_REPORT = 6

_VERSION_SGX = 3
_VERSION_TD_10 = 4
_VERSION_TYPED = 5
_BODY_SGX, _BODY_TD_10, _BODY_TD_15, _BODY_TD_15_EX = 1, 2, 3, 4
_BODY_BYTES = {
    _BODY_SGX: ENCLAVE_BYTES,
    _BODY_TD_10: TD_BYTES,
    _BODY_TD_15: TD_15_BYTES,
    _BODY_TD_15_EX: TD_15_EX_BYTES,
}


@dataclass(frozen=True, slots=True)
class QuoteHeader:
    """The first 48 bytes.

    Attributes:
        version: 3, 4 or 5.
        key_type: of the attestation key; 2 is ECDSA on P-256, the only one.
        tee_type: :data:`TEE_SGX` or :data:`TEE_TDX`.
        qe_svn: security version of the quoting enclave; zero since version 4.
        pce_svn: of the certification enclave; zero since version 4.
        vendor: of the quoting enclave, 16 bytes; always Intel's.
        user_data: the platform's own label, 20 bytes.
    """

    version: int
    key_type: int
    tee_type: int
    qe_svn: int
    pce_svn: int
    vendor: bytes
    user_data: bytes


@dataclass(frozen=True, slots=True)
class QuoteSignature:
    """Who vouches for the quote (``attestation.md`` §4.3).

    Attributes:
        signature: over header and body by the attestation key: r || s, 64 bytes.
        attestation_key: X || Y, 64 bytes.
        qe_report: report of the quoting enclave, which holds that key.
        qe_report_bytes: the same as it is signed, 384 bytes.
        qe_signature: over it by the platform's (PCK) key: r || s, 64 bytes.
        auth_data: what the quoting enclave hashed with the key.
        certification_type: form of the certification data; 5 is the PCK chain as PEM.
        certification_data: as it stands.
    """

    signature: bytes = field(repr=False)
    attestation_key: bytes = field(repr=False)
    qe_report: EnclaveBody
    qe_report_bytes: bytes = field(repr=False)
    qe_signature: bytes = field(repr=False)
    auth_data: bytes = field(repr=False)
    certification_type: int
    certification_data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Quote:
    """A whole quote.

    Attributes:
        header: version and kind.
        body: what is vouched for.
        signed: header and body as they are signed.
        signature: by whom.
        padding: zero bytes behind the signature section, which nobody signs.
    """

    header: QuoteHeader
    body: TdBody | EnclaveBody
    signed: bytes = field(repr=False)
    signature: QuoteSignature
    padding: int


def parse_quote(data: bytes) -> Quote:
    """Read a quote of version 3, 4 or 5.

    Raises:
        EvidenceError: malformed, of another version, cut short, or followed by bytes that are
            not zero.
    """
    if len(data) > MAX_QUOTE_BYTES:
        raise EvidenceError(f"quote: {len(data)} bytes, at most {MAX_QUOTE_BYTES} are read")
    reader = Reader(data, "quote")
    header = _header(reader)
    body = _body(reader, header)
    signed = data[: reader.position]
    section = Reader(reader.sized(4, MAX_QUOTE_BYTES), "quote, signature section")
    signature = _signature(section, header.version)
    padding = reader.take(reader.remaining)
    if any(padding):
        # Unsigned bytes could carry anything; the kernel pads with zeros only (§4.6).
        raise EvidenceError("quote: bytes other than zero follow it")
    return Quote(header, body, signed, signature, len(padding))


def _header(reader: Reader) -> QuoteHeader:
    header = QuoteHeader(
        version=reader.uint(2),
        key_type=reader.uint(2),
        tee_type=reader.uint(4),
        qe_svn=reader.uint(2),
        pce_svn=reader.uint(2),
        vendor=reader.take(16),
        user_data=reader.take(20),
    )
    if header.version not in (_VERSION_SGX, _VERSION_TD_10, _VERSION_TYPED):
        raise EvidenceError(f"quote: of version {header.version}, not 3, 4 or 5")
    if header.tee_type not in (TEE_SGX, TEE_TDX):
        raise EvidenceError(f"quote: of TEE type {header.tee_type:#x}, neither SGX nor TDX")
    if header.key_type != ECDSA_P256:
        raise EvidenceError(f"quote: attestation key of type {header.key_type}, not P-256")
    if header.vendor != INTEL_VENDOR:
        raise EvidenceError("quote: of a quoting enclave that is not Intel's")
    return header


def _body(reader: Reader, header: QuoteHeader) -> TdBody | EnclaveBody:
    kind = _body_type(reader, header)
    if (kind == _BODY_SGX) != (header.tee_type == TEE_SGX):
        raise EvidenceError("quote: header and body name different TEEs")
    if kind == _BODY_SGX:
        return parse_enclave_body(reader.take(ENCLAVE_BYTES))
    return parse_td_body(reader.take(_BODY_BYTES[kind]))


def _body_type(reader: Reader, header: QuoteHeader) -> int:
    if header.version == _VERSION_SGX:
        return _BODY_SGX
    if header.version == _VERSION_TD_10:
        return _BODY_SGX if header.tee_type == TEE_SGX else _BODY_TD_10
    kind, size = reader.uint(2), reader.uint(4)
    if kind not in _BODY_BYTES:
        raise EvidenceError(f"quote: body of type {kind}, which is not 1 to 4")
    if size != _BODY_BYTES[kind]:
        raise EvidenceError(f"quote: body of {size} bytes, not {_BODY_BYTES[kind]}")
    return kind


def _signature(section: Reader, version: int) -> QuoteSignature:
    signature, attestation_key = section.take(64), section.take(64)
    inner = section
    if version != _VERSION_SGX:
        kind = section.uint(2)
        if kind != CERTIFICATION_QE_REPORT:
            raise EvidenceError(f"quote: certification data of type {kind}, not a QE report")
        inner = Reader(section.sized(4, MAX_QUOTE_BYTES), "quote, QE certification")
    qe_report_bytes = inner.take(ENCLAVE_BYTES)
    found = QuoteSignature(
        signature=signature,
        attestation_key=attestation_key,
        qe_report=parse_enclave_body(qe_report_bytes),
        qe_report_bytes=qe_report_bytes,
        qe_signature=inner.take(64),
        auth_data=inner.sized(2, MAX_QUOTE_BYTES),
        certification_type=inner.uint(2),
        certification_data=inner.sized(4, MAX_QUOTE_BYTES),
    )
    inner.finish()
    section.finish()
    return found
