"""Intel's quotes, read field by field (``attestation.md`` §4.1 to §4.4).

Our own parser, stricter than what verifies the signatures: every byte of a quote is either in a
field here or zero padding behind the signature section. It proves nothing; it says what a quote
claims, to people and to the checks that the verifier adds.
"""

from dataclasses import dataclass, field

from cocoon.attestation.evidence.binary import Reader
from cocoon.errors import EvidenceError

MAX_QUOTE_BYTES = 32_768
"""A longer quote is not read (``attestation.md`` §1.3)."""
TEE_SGX = 0
TEE_TDX = 0x81
ECDSA_P256 = 2
INTEL_VENDOR = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")

HEADER_BYTES = 48
ENCLAVE_BYTES = 384
TD_BYTES = 584
TD_15_BYTES = 648
TD_15_EX_BYTES = 885

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
_REGISTER = 48
_ENCLAVE_DEBUG = 1 << 1


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
class EnclaveBody:
    """Report of an SGX enclave, 384 bytes (``attestation.md`` §4.4).

    Attributes:
        cpu_svn: security versions of the processor, 16 bytes.
        misc_select: extended features.
        attributes: flags, 8 bytes, and XFRM, 8 bytes.
        mr_enclave: measurement, 32 bytes.
        mr_signer: hash of the signer's key, 32 bytes.
        product_id: the signer's number of the product.
        svn: the signer's security version.
        report_data: what the enclave asked to be signed, 64 bytes.
        extended_product_id: of enclaves with key separation (KSS), 16 bytes; zero elsewhere.
        config_id: the same, 64 bytes.
        config_svn: the same.
        family_id: the same, 16 bytes.
    """

    cpu_svn: bytes
    misc_select: int
    attributes: bytes
    mr_enclave: bytes
    mr_signer: bytes
    product_id: int
    svn: int
    report_data: bytes
    extended_product_id: bytes
    config_id: bytes
    config_svn: int
    family_id: bytes

    @property
    def is_debug(self) -> bool:
        """Whether the host can read the enclave's memory."""
        return bool(self.attributes[0] & _ENCLAVE_DEBUG)


@dataclass(frozen=True, slots=True)
class TdExtension:
    """What form 1.5ex adds (237 bytes; Intel's ``sgx_report2_body_v1_5_ex_t``).

    Attributes:
        vm_index: 0 for a domain that is not partitioned.
        td_id: name of this one launch, 32 bytes.
        device_info: hash of the attached devices' description, 48 bytes.
        first_service_td: hash of the service domains bound at the start, 48 bytes.
        first_service_attributes: theirs.
        first_cpu_svn: of the platform it started on, 16 bytes.
        first_tee_tcb_svn: of the module it started under, 16 bytes.
        first_fmspc: of the platform it started on, 12 bytes.
        service_td: hash of the service domains bound now, 48 bytes.
        service_attributes: theirs.
    """

    vm_index: int
    td_id: bytes
    device_info: bytes
    first_service_td: bytes
    first_service_attributes: int
    first_cpu_svn: bytes
    first_tee_tcb_svn: bytes
    first_fmspc: bytes
    service_td: bytes
    service_attributes: int


@dataclass(frozen=True, slots=True)
class TdBody:
    """Report of a trust domain: 584 bytes, more in later forms (``attestation.md`` §4.2).

    Attributes:
        tee_tcb_svn: security versions of the TDX module when the domain was made, 16 bytes.
        mr_seam: measurement of the module, 48 bytes.
        mr_signer_seam: its signer, 48 bytes; zero is Intel.
        seam_attributes: of the module.
        attributes: of the domain (TDATTRIBUTES).
        xfam: processor features that the domain may use.
        mr_td: measurement of the initial memory, 48 bytes.
        mr_config_id: host-chosen, 48 bytes.
        mr_owner: host-chosen, 48 bytes.
        mr_owner_config: host-chosen, 48 bytes.
        rtmrs: the four run-time registers, 48 bytes each.
        report_data: what the guest asked to be signed, 64 bytes.
        tee_tcb_svn_2: security versions of the module now, 16 bytes; None in form 1.0.
        mr_service_td: hash of the service domains bound to it, 48 bytes; None in form 1.0.
        extension: what form 1.5ex adds; None in the others.
    """

    tee_tcb_svn: bytes
    mr_seam: bytes
    mr_signer_seam: bytes
    seam_attributes: int
    attributes: int
    xfam: int
    mr_td: bytes
    mr_config_id: bytes
    mr_owner: bytes
    mr_owner_config: bytes
    rtmrs: tuple[bytes, bytes, bytes, bytes]
    report_data: bytes
    tee_tcb_svn_2: bytes | None = None
    mr_service_td: bytes | None = None
    extension: TdExtension | None = None


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
    return _td_body(Reader(reader.take(_BODY_BYTES[kind]), "quote, the domain's report"), kind)


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


def _td_body(reader: Reader, kind: int) -> TdBody:
    later = kind in (_BODY_TD_15, _BODY_TD_15_EX)
    body = TdBody(
        tee_tcb_svn=reader.take(16),
        mr_seam=reader.take(_REGISTER),
        mr_signer_seam=reader.take(_REGISTER),
        seam_attributes=reader.uint(8),
        attributes=reader.uint(8),
        xfam=reader.uint(8),
        mr_td=reader.take(_REGISTER),
        mr_config_id=reader.take(_REGISTER),
        mr_owner=reader.take(_REGISTER),
        mr_owner_config=reader.take(_REGISTER),
        rtmrs=(
            reader.take(_REGISTER),
            reader.take(_REGISTER),
            reader.take(_REGISTER),
            reader.take(_REGISTER),
        ),
        report_data=reader.take(64),
        tee_tcb_svn_2=reader.take(16) if later else None,
        mr_service_td=reader.take(_REGISTER) if later else None,
        extension=_extension(reader) if kind == _BODY_TD_15_EX else None,
    )
    reader.finish()
    return body


def _extension(reader: Reader) -> TdExtension:
    return TdExtension(
        vm_index=reader.uint(1),
        td_id=reader.take(32),
        device_info=reader.take(48),
        first_service_td=reader.take(_REGISTER),
        first_service_attributes=reader.uint(8),
        first_cpu_svn=reader.take(16),
        first_tee_tcb_svn=reader.take(16),
        first_fmspc=reader.take(12),
        service_td=reader.take(_REGISTER),
        service_attributes=reader.uint(8),
    )


def parse_enclave_body(data: bytes) -> EnclaveBody:
    """Read the 384 bytes of an enclave's report.

    The fields of key separation, which ``attestation.md`` §4.4 counts as reserved, are named as
    in Intel's SDK (``sgx_report_body_t``).

    Raises:
        EvidenceError: another length, or a reserved byte is not zero.
    """
    reader = Reader(data, "quote, an enclave's report")
    cpu_svn, misc_select = reader.take(16), reader.uint(4)
    reader.zeros(12)
    extended_product_id = reader.take(16)
    attributes = reader.take(16)
    mr_enclave = reader.take(32)
    reader.zeros(32)
    mr_signer = reader.take(32)
    reader.zeros(32)
    config_id = reader.take(64)
    product_id, svn, config_svn = reader.uint(2), reader.uint(2), reader.uint(2)
    reader.zeros(42)
    family_id = reader.take(16)
    report_data = reader.take(64)
    reader.finish()
    return EnclaveBody(
        cpu_svn=cpu_svn,
        misc_select=misc_select,
        attributes=attributes,
        mr_enclave=mr_enclave,
        mr_signer=mr_signer,
        product_id=product_id,
        svn=svn,
        report_data=report_data,
        extended_product_id=extended_product_id,
        config_id=config_id,
        config_svn=config_svn,
        family_id=family_id,
    )


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
