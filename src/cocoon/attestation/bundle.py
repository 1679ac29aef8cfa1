"""The evidence bundle: our certificate extension with dated evidence of any kind.

Layout (integers little-endian): ``43 43 4e 45`` ("CCNE"), u8 version 1, u8 number of items, then
each item as u8 kind, u32 length, content. Kinds in this order, the first two exactly once:

1. the statement (:mod:`cocoon.attestation.statement`);
2. evidence of the CPU over the statement: TDX quote, or 3: SEV-SNP report with its certificate,
   or 6: a TDX quote without what it shares with the official quote of the same certificate;
4. evidence of one GPU, up to 16 times;
5. an operator's endorsement of the machine, at most once.

Kind 6 is the signed part of the quote and the 64 bytes of its signature. All that follows them in
a quote, the attestation key and its certificates, is the same in both quotes of a machine; it is
four fifths of a quote, and every open connection keeps the peer's certificate in memory.
"""

import struct
from dataclasses import dataclass

from cocoon.attestation.evidence import EvidenceKind
from cocoon.errors import EvidenceError, LocalProtocolError

MAX_BUNDLE_BYTES = 81_920
"""Eight GPUs with their chains; OpenSSL accepts certificates up to 100 KiB."""
MAX_ITEM_BYTES = 32_768
MAX_GPUS = 16

_MAGIC = b"CCNE"
_VERSION = 1
_HEAD = struct.Struct("<4sBB")
_ITEM = struct.Struct("<BI")
_STATEMENT, _TDX, _SNP, _GPU, _ENDORSEMENT, _TDX_SHORT = 1, 2, 3, 4, 5, 6
_CPU_KINDS = {_TDX: EvidenceKind.TDX, _SNP: EvidenceKind.SNP, _TDX_SHORT: EvidenceKind.TDX}
_SIGNATURE_BYTES = 64
_V4_SIGNED = 632
_V5_HEAD = struct.Struct("<HI")
_CPU_CODES = {
    EvidenceKind.TDX: _TDX,
    EvidenceKind.TDX_SIMULATED: _TDX,
    EvidenceKind.SNP: _SNP,
    EvidenceKind.SNP_SIMULATED: _SNP,
}


@dataclass(frozen=True, slots=True)
class EvidenceBundle:
    """Evidence as it travels.

    Attributes:
        statement: bytes of a :class:`~cocoon.attestation.statement.Statement`.
        form: TDX or SNP: how ``evidence`` is to be read. Whether it is real or simulated is for
            verification to say, never for the sender.
        evidence: the CPU's evidence over the statement.
        gpus: one item a GPU.
        endorsement: bytes of an :class:`~cocoon.attestation.endorsement.Endorsement`, or None.
    """

    statement: bytes
    form: EvidenceKind
    evidence: bytes
    gpus: tuple[bytes, ...] = ()
    endorsement: bytes | None = None

    def to_bytes(self, beside: bytes | None = None) -> bytes:
        """The content of the extension.

        Args:
            beside: the official quote in the same certificate; what the evidence shares with it
                is left out.

        Raises:
            LocalProtocolError: something is too long, or the kind of evidence has no place here.
        """
        code = _CPU_CODES.get(self.form)
        if code is None:
            raise LocalProtocolError(f"a bundle cannot hold {self.form.value} evidence")
        evidence = self.evidence
        short = _shortened(evidence, beside) if beside is not None and code == _TDX else None
        if short is not None:
            code, evidence = _TDX_SHORT, short
        items = [(_STATEMENT, self.statement), (code, evidence)]
        items += [(_GPU, gpu) for gpu in self.gpus]
        if self.endorsement is not None:
            items.append((_ENDORSEMENT, self.endorsement))
        data = _HEAD.pack(_MAGIC, _VERSION, len(items)) + b"".join(
            _ITEM.pack(kind, len(content)) + content for kind, content in items
        )
        try:
            self.from_bytes(data, beside)
        except EvidenceError as error:
            raise LocalProtocolError(str(error)) from error
        return data

    @classmethod
    def from_bytes(cls, data: bytes, beside: bytes | None = None) -> "EvidenceBundle":
        """Read the content of the extension.

        Args:
            data: the content.
            beside: the official quote in the same certificate, if there is one.

        Raises:
            EvidenceError: malformed, out of order, too long, or bytes are left over.
        """
        items = _items(data)
        if len(items) < 2 or items[0][0] != _STATEMENT or items[1][0] not in _CPU_KINDS:
            raise EvidenceError("an evidence bundle begins with a statement and CPU evidence")
        rest = items[2:]
        endorsement = rest.pop()[1] if rest and rest[-1][0] == _ENDORSEMENT else None
        if any(kind != _GPU for kind, _ in rest):
            raise EvidenceError("an evidence bundle holds an item that has no place there")
        if len(rest) > MAX_GPUS:
            raise EvidenceError(f"an evidence bundle with {len(rest)} GPUs, at most {MAX_GPUS}")
        code, evidence = items[1]
        if code == _TDX_SHORT:
            evidence = _lengthened(evidence, beside)
        return cls(
            statement=items[0][1],
            form=_CPU_KINDS[code],
            evidence=evidence,
            gpus=tuple(content for _, content in rest),
            endorsement=endorsement,
        )


def _items(data: bytes) -> list[tuple[int, bytes]]:
    if len(data) > MAX_BUNDLE_BYTES:
        raise EvidenceError(f"evidence bundle of {len(data)} bytes, at most {MAX_BUNDLE_BYTES}")
    if len(data) < _HEAD.size:
        raise EvidenceError("evidence bundle is cut short")
    magic, version, count = _HEAD.unpack_from(data)
    if magic != _MAGIC or version != _VERSION:
        raise EvidenceError("evidence bundle of an unknown version; update to read it")
    items, at = [], _HEAD.size
    for _ in range(count):
        if at + _ITEM.size > len(data):
            raise EvidenceError("evidence bundle is cut short")
        kind, length = _ITEM.unpack_from(data, at)
        at += _ITEM.size
        if length > MAX_ITEM_BYTES or at + length > len(data):
            raise EvidenceError("an item of the evidence bundle is too long")
        items.append((kind, bytes(data[at : at + length])))
        at += length
    if at != len(data):
        raise EvidenceError(f"{len(data) - at} bytes after the evidence bundle")
    return items


def _signed_length(quote: bytes) -> int | None:
    """Bytes of a TDX quote that its signature covers (``attestation.md`` §4.3), or None."""
    version = int.from_bytes(quote[:2], "little")
    if version == 4:
        return _V4_SIGNED
    if version == 5 and len(quote) >= 48 + _V5_HEAD.size:
        return 48 + _V5_HEAD.size + int(_V5_HEAD.unpack_from(quote, 48)[1])
    return None


def _shortened(quote: bytes, beside: bytes) -> bytes | None:
    """The part of a quote that another one of the machine does not hold; None if they differ."""
    signed = _signed_length(quote)
    if signed is None or len(quote) < signed + 4 + _SIGNATURE_BYTES:
        return None
    start = signed + 4
    short = quote[:signed] + quote[start : start + _SIGNATURE_BYTES]
    try:
        return short if _lengthened(short, beside) == quote else None
    except EvidenceError:
        return None


def _lengthened(short: bytes, beside: bytes | None) -> bytes:
    """The whole quote again.

    Nothing here is trusted: whatever comes out is verified like any quote.
    """
    signed = _signed_length(short)
    if beside is None:
        raise EvidenceError("a shortened quote can be read only with its certificate's quote")
    if signed is None or len(short) != signed + _SIGNATURE_BYTES:
        raise EvidenceError("a shortened quote has a wrong length")
    if _signed_length(beside) != signed or len(beside) < signed + 4 + _SIGNATURE_BYTES:
        raise EvidenceError("a shortened quote does not fit its certificate's quote")
    start = signed + 4
    return (
        short[:signed] + beside[signed:start] + short[signed:] + beside[start + _SIGNATURE_BYTES :]
    )
