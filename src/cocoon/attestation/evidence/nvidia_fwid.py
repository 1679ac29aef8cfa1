"""Which firmware a GPU's certificate was issued for: the DICE extension, read by hand."""

from collections.abc import Sequence

from cryptography import x509

from cocoon.errors import EvidenceError

FWID_OIDS = frozenset({"2.23.133.5.4.1", "2.23.133.5.4.1.1"})
"""TCG DICE: DiceTcbInfo, and the older form that Hopper uses under the same number."""
_SHA384_OID = bytes.fromhex("0609608648016503040202")
_SEQUENCE, _OCTETS, _FWIDS = 0x30, 0x04, 0xA6


def firmware_id(certificate: x509.Certificate) -> bytes:
    """The FWID that a leaf certificate was issued for: SHA-384 of the firmware, 48 bytes.

    Two forms of the DICE extension are known. Hopper: SEQUENCE { INTEGER, SubjectPublicKeyInfo,
    SEQUENCE { OID, OCTET STRING } }. DiceTcbInfo: SEQUENCE with a member [6] that is a list of
    such pairs, of which the first counts. Only Hopper's was seen in real evidence.

    Raises:
        EvidenceError: there is no such extension, or it has neither form.
    """
    extensions = [e for e in certificate.extensions if e.oid.dotted_string in FWID_OIDS]
    if len(extensions) != 1 or not isinstance(extensions[0].value, x509.UnrecognizedExtension):
        raise EvidenceError("GPU certificate: it does not name one firmware (FWID)")
    members = _members(_only(extensions[0].value.value, _SEQUENCE))
    lists = [body for tag, body in members if tag == _FWIDS]
    pairs = _members(lists[0])[:1] if len(lists) == 1 else members[2:]
    if len(pairs) != 1 or pairs[0][0] != _SEQUENCE:
        raise EvidenceError("GPU certificate: malformed FWID")
    return _digest(pairs[0][1])


def _digest(pair: bytes) -> bytes:
    if not pair.startswith(_SHA384_OID):
        raise EvidenceError("GPU certificate: its FWID is not a SHA-384")
    digest = _only(pair[len(_SHA384_OID) :], _OCTETS)
    if len(digest) != 48:
        raise EvidenceError("GPU certificate: malformed FWID")
    return digest


def _only(data: bytes, tag: int) -> bytes:
    members = _members(data)
    if len(members) != 1 or members[0][0] != tag:
        raise EvidenceError("GPU certificate: malformed FWID")
    return members[0][1]


def _members(data: bytes) -> Sequence[tuple[int, bytes]]:
    """DER elements with lengths below 65536: pairs of tag and content."""
    members = []
    at = 0
    while at < len(data):
        head = data[at : at + 4]
        if len(head) < 2 or head[1] in (0x80, *range(0x83, 0x100)):
            raise EvidenceError("GPU certificate: malformed FWID")
        extra = head[1] & 0x7F if head[1] & 0x80 else 0
        size = int.from_bytes(head[2 : 2 + extra], "big") if extra else head[1]
        start = at + 2 + extra
        if start + size > len(data):
            raise EvidenceError("GPU certificate: malformed FWID")
        members.append((head[0], data[start : start + size]))
        at = start + size
    return members
