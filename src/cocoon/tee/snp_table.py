"""The certificate table that a host hands to a SEV-SNP guest with a report.

Source: AMD 56421 "Guest-Hypervisor Communication Block", extended guest request: entries of GUID,
offset and length, the last one all zero, then the certificates. Nothing in it is trusted.
"""

import struct
from uuid import UUID

from cocoon.attestation.evidence.snp_report import SigningKey
from cocoon.attestation.evidence.snp_x509 import MAX_CERTIFICATE_BYTES
from cocoon.errors import EvidenceError

MAX_ENTRIES = 16
GUIDS = {
    SigningKey.VCEK: UUID("63da758d-e664-4564-adc5-f4b93be8accd"),
    SigningKey.VLEK: UUID("a8074bc2-a25a-483e-aae6-39c045a0b8a1"),
}

_ENTRY = struct.Struct("<16sII")
_LAST = bytes(16)


def leaf_from_table(table: bytes, signer: SigningKey) -> bytes | None:
    """The certificate of a key that signs reports; None when the host supplies none.

    Args:
        table: as the host gave it; may be empty.
        signer: the key.

    Raises:
        EvidenceError: the table is malformed.
    """
    for index in range(MAX_ENTRIES):
        if len(table) < (index + 1) * _ENTRY.size:
            if not any(table[index * _ENTRY.size :]):
                return None
            raise EvidenceError("the host's certificate table is cut short")
        guid, at, length = _ENTRY.unpack_from(table, index * _ENTRY.size)
        if guid == _LAST:
            return None
        # AMD writes GUIDs as UEFI does; some hosts write them straight.
        if guid in (GUIDS[signer].bytes_le, GUIDS[signer].bytes):
            return _certificate(table, at, length)
    raise EvidenceError(f"the host's certificate table has more than {MAX_ENTRIES} entries")


def _certificate(table: bytes, at: int, length: int) -> bytes:
    if not 0 < length <= MAX_CERTIFICATE_BYTES or at + length > len(table):
        raise EvidenceError("the host's certificate table points outside of itself")
    return table[at : at + length]
