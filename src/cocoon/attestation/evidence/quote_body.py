"""What quotes vouch for: reports of trust domains and enclaves (``attestation.md`` §4.2, §4.4)."""

from dataclasses import dataclass

from cocoon.attestation.evidence.binary import Reader
from cocoon.errors import EvidenceError

ENCLAVE_BYTES = 384
TD_BYTES = 584
TD_15_BYTES = 648
TD_15_EX_BYTES = 885

_REGISTER = 48
_ENCLAVE_DEBUG = 1 << 1


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


def parse_td_body(data: bytes) -> TdBody:
    """Read a domain's report; its length says which form it has.

    Raises:
        EvidenceError: of a length that no form has.
    """
    if len(data) not in (TD_BYTES, TD_15_BYTES, TD_15_EX_BYTES):
        raise EvidenceError(f"quote: a domain's report of {len(data)} bytes")
    reader = Reader(data, "quote, the domain's report")
    later = len(data) != TD_BYTES
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
        extension=_extension(reader) if len(data) == TD_15_EX_BYTES else None,
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
