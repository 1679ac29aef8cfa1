"""The state of NVIDIA's certificates: OCSP (RFC 6960) requests and answers, without a network.

An answer is signed by a responder that an authority above the certificate has delegated, with the
purpose "OCSP signing"; it counts for a limited time. Requests have no nonce: answers are kept and
handed on, and their own times date them.
"""

from dataclasses import dataclass
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from cocoon.attestation.evidence.nvidia_chain import (
    load_certificate,
    require_one_form,
    require_signed_by,
    verify_signature,
)
from cocoon.errors import EvidenceError

MAX_OCSP_REQUEST_BYTES = 512
MAX_OCSP_RESPONSE_BYTES = 8192
MAX_AGE = 7 * 86_400
"""Seconds for which an answer counts at most, whatever it says itself."""
DEFAULT_AGE = 86_400
"""Seconds for which an answer counts that does not say when the next one comes."""
CLOCK_SKEW = 300
LAYER = "GPU OCSP"

_MAX_CACHED = 1024
_UNREADABLE = (UserWarning, ValueError, TypeError, OverflowError, UnsupportedAlgorithm)


@dataclass(frozen=True, slots=True)
class OcspStatus:
    """A verified answer.

    Attributes:
        good: the certificate is not revoked.
        state: ``good``, or how it is not.
        this_update: unix seconds of the state.
        expires_at: unix seconds until which the answer counts.
    """

    good: bool
    state: str
    this_update: int
    expires_at: int


def ocsp_request(certificate: bytes, issuer: bytes) -> bytes:
    """DER of the request for the state of a certificate; always the same for the same input.

    Args:
        certificate: DER.
        issuer: DER of the certificate that signed it.

    Raises:
        EvidenceError: one of them is not a certificate.
    """
    asked = load_certificate(certificate, LAYER)
    authority = load_certificate(issuer, LAYER)
    builder = ocsp.OCSPRequestBuilder().add_certificate(asked, authority, hashes.SHA384())
    return builder.build().public_bytes(Encoding.DER)


@lru_cache(maxsize=_MAX_CACHED)
def response_expiry(response: bytes) -> int:
    """Unix seconds until which an OCSP answer counts; its signature is not looked at.

    Raises:
        EvidenceError: it is not an OCSP answer with one status.
    """
    _, single = _parse(response)
    return _times(single)[1]


@lru_cache(maxsize=_MAX_CACHED)
def verify_response(response: bytes, certificate: bytes, issuers: tuple[bytes, ...]) -> OcspStatus:
    """Verify an answer about a certificate; its age is for the caller to judge.

    Args:
        response: DER of the answer, with the responder's certificate inside.
        certificate: DER of the certificate that it must be about.
        issuers: DER of the verified authorities above it, the direct one first, the root last.

    Raises:
        EvidenceError: malformed, about another certificate, or not by a delegated responder.
    """
    answer, single = _parse(response)
    authorities = [load_certificate(der, LAYER) for der in issuers]
    asked = load_certificate(certificate, LAYER)
    if not authorities or not _is_about(single, asked, authorities[0]):
        raise EvidenceError(f"{LAYER}: an answer about another certificate")
    responder = _responder(answer, authorities)
    require_one_form(response, answer.signature, LAYER)
    this_update, expires_at = _times(single)
    start = int(responder.not_valid_before_utc.timestamp())
    end = int(responder.not_valid_after_utc.timestamp())
    if not start <= this_update <= end:
        raise EvidenceError(f"{LAYER}: the responder's certificate was not valid then")
    state = _state(single)
    return OcspStatus(state == "good", state, this_update, min(expires_at, end))


def _parse(response: bytes) -> tuple[ocsp.OCSPResponse, ocsp.OCSPSingleResponse]:
    if len(response) > MAX_OCSP_RESPONSE_BYTES:
        raise EvidenceError(f"{LAYER}: an answer of {len(response)} bytes")
    try:
        answer = ocsp.load_der_ocsp_response(response)
        if answer.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
            raise EvidenceError(f"{LAYER}: the responder answered {answer.response_status.name}")
        singles = list(answer.responses)
    except _UNREADABLE as error:
        raise EvidenceError(f"{LAYER}: malformed answer") from error
    if len(singles) != 1:
        raise EvidenceError(f"{LAYER}: an answer about {len(singles)} certificates")
    return answer, singles[0]


def _is_about(
    single: ocsp.OCSPSingleResponse, certificate: x509.Certificate, issuer: x509.Certificate
) -> bool:
    """Whether the names match: a hash of any kind only names, it secures nothing."""
    try:
        algorithm = single.hash_algorithm
        builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, algorithm)
        asked = builder.build()
        return (
            single.serial_number == certificate.serial_number
            and single.issuer_key_hash == asked.issuer_key_hash
            and single.issuer_name_hash == asked.issuer_name_hash
        )
    except _UNREADABLE:
        return False


def _responder(answer: ocsp.OCSPResponse, authorities: list[x509.Certificate]) -> x509.Certificate:
    """The responder's certificate, made by one of the authorities for this purpose."""
    try:
        carried = [c.public_bytes(Encoding.DER) for c in answer.certificates][:1]
        fits = isinstance(answer.signature_hash_algorithm, hashes.SHA384)
        signature, signed = answer.signature, answer.tbs_response_bytes
    except _UNREADABLE as error:
        raise EvidenceError(f"{LAYER}: unreadable signature") from error
    if not carried or not fits:
        raise EvidenceError(f"{LAYER}: the answer is not by a delegated responder")
    responder = load_certificate(carried[0], LAYER)
    _require_delegated(responder, authorities)
    if not verify_signature(responder, signature, signed):
        raise EvidenceError(f"{LAYER}: the answer has a wrong signature")
    try:
        named, key_hash = answer.responder_name, answer.responder_key_hash
    except _UNREADABLE as error:
        raise EvidenceError(f"{LAYER}: unreadable name of the responder") from error
    if (named is not None and responder.subject != named) or (
        key_hash is not None and key_hash != _key_hash(responder)
    ):
        raise EvidenceError(f"{LAYER}: the answer names another responder")
    return responder


def _require_delegated(responder: x509.Certificate, authorities: list[x509.Certificate]) -> None:
    for authority in authorities:
        try:
            require_signed_by(responder, authority, LAYER)
        except EvidenceError:
            continue
        break
    else:
        raise EvidenceError(f"{LAYER}: the answer is not by a delegated responder")
    try:
        extensions = list(responder.extensions)
    except _UNREADABLE as error:
        raise EvidenceError(f"{LAYER}: unreadable certificate of the responder") from error
    for extension in extensions:
        value = extension.value
        if isinstance(value, x509.ExtendedKeyUsage) and ExtendedKeyUsageOID.OCSP_SIGNING in value:
            return
    raise EvidenceError(f"{LAYER}: the signer of the answer is no OCSP responder")


def _key_hash(certificate: x509.Certificate) -> bytes:
    return x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest


def _times(single: ocsp.OCSPSingleResponse) -> tuple[int, int]:
    try:
        this_update = int(single.this_update_utc.timestamp())
        following = single.next_update_utc
    except _UNREADABLE as error:
        raise EvidenceError(f"{LAYER}: unreadable times") from error
    if following is None:
        return this_update, this_update + DEFAULT_AGE
    return this_update, min(int(following.timestamp()), this_update + MAX_AGE)


def _state(single: ocsp.OCSPSingleResponse) -> str:
    if single.certificate_status is ocsp.OCSPCertStatus.GOOD:
        return "good"
    if single.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        reason = single.revocation_reason
        return "revoked" if reason is None else f"revoked ({reason.value})"
    return "unknown to the responder"


def response_serial(response: bytes) -> int:
    """Serial number of the certificate that an answer is about; nothing is verified.

    Raises:
        EvidenceError: it is not an OCSP answer with one status.
    """
    return _parse(response)[1].serial_number
