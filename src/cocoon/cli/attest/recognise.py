"""What a piece of bytes is: told by its form alone, before anything about it is believed."""

import base64
import binascii
import json
import warnings
from dataclasses import dataclass
from enum import Enum

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cocoon.attestation.certificate import OID_BUNDLE, OID_QUOTE
from cocoon.attestation.document import AttestationDocument
from cocoon.attestation.endorsement import SIZE as ENDORSEMENT_BYTES
from cocoon.cli.attest.describe_x509 import CERTIFICATE_ERRORS, load_der, load_pems
from cocoon.cli.attest.gpu_form import looks_like_gpu_evidence
from cocoon.errors import EvidenceError

MAX_NESTING = 3
"""Hex of base64 of bytes is taken apart; deeper nesting is not what anybody means."""
TDREPORT_BYTES = 1024
SNP_REPORT_BYTES = 1184
FAKE_BYTES = 64

_CERTIFICATE = b"-----BEGIN CERTIFICATE-----"
_QUOTE_VERSIONS = (3, 4, 5)
_QUOTE_TEES = {0: "sgx", 0x81: "tdx"}
_SNP_VERSIONS = range(2, 8)
_SPEC_ID = b"Spec ID Event03\0"


class Kind(Enum):
    """What can be looked at."""

    TDX_QUOTE = "tdx-quote"
    SGX_QUOTE = "sgx-quote"
    TDREPORT = "tdreport"
    SNP_REPORT = "snp-report"
    GPU_EVIDENCE = "gpu-evidence"
    FAKE_EVIDENCE = "fake-evidence"
    CERTIFICATE = "ra-tls-certificate"
    CHAIN = "certificates"
    BUNDLE = "evidence-bundle"
    STATEMENT = "statement"
    ENDORSEMENT = "endorsement"
    PAGE = "attestation-page"
    EVENT_LOG = "event-log"
    COLLATERAL = "collateral"


@dataclass(frozen=True, slots=True)
class Item:
    """Something recognised.

    Attributes:
        kind: what it is.
        data: binary form: DER, a quote's bytes, or JSON as it stands.
    """

    kind: Kind
    data: bytes


def recognise(data: bytes) -> Item:
    """What this is, in its binary form.

    Args:
        data: raw, or as hex digits, base64 or PEM.

    Raises:
        EvidenceError: nothing that is known here.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # odd certificates are still looked at
        return _recognise(data, MAX_NESTING)


def _recognise(data: bytes, nesting: int) -> Item:
    item = _binary(data)
    if item is not None:
        return item
    text = data.strip()
    if text.startswith(_CERTIFICATE):
        return _pem(text)
    if text.startswith(b"{"):
        return _json(text)
    inner = _unwrapped(text) if nesting else None
    if inner is None:
        raise EvidenceError(
            f"{len(data)} bytes that are no quote, report, certificate, bundle, log, page or "
            "collateral known here"
        )
    return _recognise(inner, nesting - 1)


def _binary(data: bytes) -> Item | None:
    for kind, looks_like in _FORMS:
        if looks_like(data):
            return Item(kind, data)
    return _der(data) if data[:1] == b"\x30" else None


def _is_quote(data: bytes, tee: str) -> bool:
    if len(data) < 48 + 384:
        return False
    version = int.from_bytes(data[:2], "little")
    key_type = int.from_bytes(data[2:4], "little")
    kind = _QUOTE_TEES.get(int.from_bytes(data[4:8], "little") if version > 3 else 0)
    return version in _QUOTE_VERSIONS and key_type in (2, 3) and kind == tee


def _is_snp(data: bytes) -> bool:
    if len(data) < SNP_REPORT_BYTES or int.from_bytes(data[:4], "little") not in _SNP_VERSIONS:
        return False
    signature_algorithm = int.from_bytes(data[52:56], "little")
    return signature_algorithm == 1 and data[SNP_REPORT_BYTES:][:1] in (b"", b"\x30")


_FORMS = (
    (Kind.BUNDLE, lambda data: data.startswith(b"CCNE")),
    (Kind.TDREPORT, lambda data: len(data) == TDREPORT_BYTES and data[:2] == b"\x81\0"),
    (Kind.TDX_QUOTE, lambda data: _is_quote(data, "tdx")),
    (Kind.SGX_QUOTE, lambda data: _is_quote(data, "sgx")),
    (Kind.SNP_REPORT, _is_snp),
    (Kind.EVENT_LOG, lambda data: data[32:48] == _SPEC_ID or data.startswith(b"cocoon:")),
    (Kind.GPU_EVIDENCE, looks_like_gpu_evidence),
    (Kind.ENDORSEMENT, lambda data: len(data) == ENDORSEMENT_BYTES and not _is_text(data)),
    (Kind.FAKE_EVIDENCE, lambda data: len(data) == FAKE_BYTES and not _is_text(data)),
)


def _is_text(data: bytes) -> bool:
    return data.isascii() and data.decode().isprintable()


def _der(data: bytes) -> Item | None:
    try:
        return _certificate(load_der(data))
    except CERTIFICATE_ERRORS:
        return None


def _pem(text: bytes) -> Item:
    try:
        found = load_pems(text)
        if len(found) == 1:
            return _certificate(found[0])
    except CERTIFICATE_ERRORS as error:
        raise EvidenceError("malformed PEM certificate") from error
    return Item(Kind.CHAIN, b"".join(one.public_bytes(Encoding.DER) for one in found))


def _certificate(certificate: x509.Certificate) -> Item:
    der = certificate.public_bytes(Encoding.DER)
    oids = {extension.oid for extension in certificate.extensions}
    ed25519 = certificate.public_key_algorithm_oid == x509.PublicKeyAlgorithmOID.ED25519
    ratls = ed25519 or bool(oids & {OID_QUOTE, OID_BUNDLE})
    return Item(Kind.CERTIFICATE if ratls else Kind.CHAIN, der)


def _json(text: bytes) -> Item:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise EvidenceError("JSON that does not parse") from error
    if "cocoon_attestation" in document:
        AttestationDocument.from_bytes(text)
        return Item(Kind.PAGE, text)
    if {"version", "public_key", "issued_at"} <= document.keys():
        return Item(Kind.STATEMENT, text)
    return Item(Kind.COLLATERAL, text)


def _unwrapped(text: bytes) -> bytes | None:
    """What hex digits or base64 stand for."""
    compact = b"".join(text.split())
    try:
        return bytes.fromhex(compact.removeprefix(b"0x").decode("ascii"))
    except ValueError:
        pass
    try:
        return base64.b64decode(compact, validate=True) or None
    except (binascii.Error, ValueError):
        return None
