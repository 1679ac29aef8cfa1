"""TDREPORT: what a TDX module tells the machine itself, 1024 bytes (``attestation.md`` §4.5).

It carries a MAC that only the same processor can check; the seal service's enclave does.
"""

from dataclasses import dataclass, field

from cocoon.attestation.evidence.binary import Reader
from cocoon.errors import EvidenceError

TD_REPORT_BYTES = 1024
MAX_VERSION = 1

_TYPE_TDX = 0x81
_SUBTYPE = 0
_REGISTER = 48


@dataclass(frozen=True, slots=True)
class TdReport:
    """Every field; all hashes are SHA-384, 48 bytes.

    Attributes:
        version: 0, or 1 when service domains are bound.
        type_reserved: the byte behind the version; the official enclave requires 0.
        cpu_svn: security versions of the processor, 16 bytes.
        tee_tcb_info_hash: of :attr:`tee_tcb_info`.
        tee_info_hash: of the domain's own 512 bytes.
        report_data: what the guest asked to be reported, 64 bytes.
        mac: over the first 224 bytes, 32 bytes.
        tee_tcb_info: description of the TDX module, 239 bytes.
        attributes: of the domain.
        xfam: processor features that the domain may use.
        mr_td: measurement of the initial memory.
        mr_config_id: host-chosen.
        mr_owner: host-chosen.
        mr_owner_config: host-chosen.
        rtmrs: the four run-time registers.
        service_td_hash: of the bound service domains; zero in version 0.
    """

    version: int
    type_reserved: int
    cpu_svn: bytes
    tee_tcb_info_hash: bytes
    tee_info_hash: bytes
    report_data: bytes
    mac: bytes = field(repr=False)
    tee_tcb_info: bytes = field(repr=False)
    attributes: int
    xfam: int
    mr_td: bytes
    mr_config_id: bytes
    mr_owner: bytes
    mr_owner_config: bytes
    rtmrs: tuple[bytes, bytes, bytes, bytes]
    service_td_hash: bytes


def parse_td_report(data: bytes) -> TdReport:
    """Read a TDREPORT.

    Raises:
        EvidenceError: another length, type or version.
    """
    if len(data) != TD_REPORT_BYTES:
        raise EvidenceError(f"a TDREPORT has {TD_REPORT_BYTES} bytes, not {len(data)}")
    reader = Reader(data, "TDREPORT")
    kind, subtype, version, type_reserved = (reader.uint(1) for _ in range(4))
    if (kind, subtype) != (_TYPE_TDX, _SUBTYPE):
        raise EvidenceError(f"a report of type {kind:#x}/{subtype}, not a TDREPORT")
    if version > MAX_VERSION:
        raise EvidenceError(f"a TDREPORT of version {version}")
    reader.take(12)
    cpu_svn = reader.take(16)
    tee_tcb_info_hash, tee_info_hash = reader.take(_REGISTER), reader.take(_REGISTER)
    report_data = reader.take(64)
    reader.take(32)
    mac = reader.take(32)
    tee_tcb_info = reader.take(239)
    reader.take(17)
    return TdReport(
        version=version,
        type_reserved=type_reserved,
        cpu_svn=cpu_svn,
        tee_tcb_info_hash=tee_tcb_info_hash,
        tee_info_hash=tee_info_hash,
        report_data=report_data,
        mac=mac,
        tee_tcb_info=tee_tcb_info,
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
        service_td_hash=reader.take(_REGISTER),
    )
