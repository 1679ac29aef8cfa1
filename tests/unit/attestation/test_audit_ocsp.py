"""Answers about certificates (OCSP) that somebody else made, for something else, or for ever."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose

from cocoon.attestation.evidence.nvidia_ocsp import (
    DEFAULT_AGE,
    MAX_AGE,
    MAX_OCSP_RESPONSE_BYTES,
    OcspStatus,
    response_expiry,
    verify_response,
)
from cocoon.devnet.gpu_pki import Authority, GpuPki
from cocoon.errors import EvidenceError

NOW = 1_795_000_000
MOMENT = datetime.fromtimestamp(NOW, UTC)
DAY = 86_400
PKI = GpuPki.from_seed(bytes(32), NOW - 10 * DAY)
OTHER = GpuPki.from_seed(bytes([1]) * 32, NOW - 10 * DAY)
IDENTITY, LEAF = PKI.gpu(0, bytes(48))
DIRECT = Purpose.OCSP_SIGNING


def issued(
    subject: Authority, issuer: Authority, *extra: x509.ExtensionType, end: int | None = None
) -> Authority:
    """The subject's name, number and key, certified by this issuer with these extensions."""
    old = subject.certificate
    builder = x509.CertificateBuilder(
        issuer.certificate.subject,
        old.subject,
        old.public_key(),
        old.serial_number,
        old.not_valid_before_utc,
        old.not_valid_after_utc if end is None else datetime.fromtimestamp(end, UTC),
    )
    for value in extra:
        builder = builder.add_extension(value, critical=False)
    return Authority(builder.sign(issuer.key, hashes.SHA384()), subject.key, issuer)


def answer(
    subject: Authority = IDENTITY,
    *,
    issuer: Authority | None = None,
    by: Authority = PKI.responder,
    carried: tuple[Authority, ...] | None = None,
    named: Authority | None = None,
    encoding: ocsp.OCSPResponderEncoding = ocsp.OCSPResponderEncoding.HASH,
    until: timedelta | None = timedelta(days=3),
    algorithm: Any = hashes.SHA384,
) -> bytes:
    above = issuer or subject.issuer
    assert above is not None
    builder = ocsp.OCSPResponseBuilder().add_response(
        subject.certificate,
        above.certificate,
        hashes.SHA384(),
        ocsp.OCSPCertStatus.GOOD,
        MOMENT,
        None if until is None else MOMENT + until,
        None,
        None,
    )
    builder = builder.responder_id(encoding, (named or by).certificate)
    certificates = [item.certificate for item in ((by,) if carried is None else carried)]
    if certificates:
        builder = builder.certificates(certificates)
    return builder.sign(by.key, algorithm()).public_bytes(Encoding.DER)


def verified(response: bytes, subject: Authority = IDENTITY) -> OcspStatus:
    chain = tuple(item.public_bytes(Encoding.DER) for item in subject.chain)
    return verify_response(response, chain[0], chain[1:])


def test_a_good_answer() -> None:
    for encoding in ocsp.OCSPResponderEncoding:
        found = verified(answer(encoding=encoding))
        assert (found.good, found.this_update, found.expires_at) == (True, NOW, NOW + 3 * DAY)


def test_how_long_an_answer_counts() -> None:
    for until, seconds in (
        (None, DEFAULT_AGE),
        (timedelta(hours=1), 3600),
        (timedelta(seconds=MAX_AGE), MAX_AGE),
        (timedelta(days=365), MAX_AGE),
    ):
        response = answer(until=until)
        assert verified(response).expires_at == response_expiry(response) == NOW + seconds
    purpose = x509.ExtendedKeyUsage([DIRECT])
    short = issued(PKI.responder, PKI.root, purpose, end=NOW + 60)
    assert verified(answer(by=short)).expires_at == NOW + 60
    assert verified(answer(by=issued(PKI.responder, PKI.root, purpose, end=NOW))).good
    with pytest.raises(EvidenceError, match="not valid then"):
        verified(answer(by=issued(PKI.responder, PKI.root, purpose, end=NOW - 1)))


def flipped(response: bytes, at: int) -> bytes:
    return response[:at] + bytes([response[at] ^ 1]) + response[at + 1 :]


def altered_signature() -> bytes:
    response = answer()
    signature = ocsp.load_der_ocsp_response(response).signature
    return flipped(response, response.index(signature) + len(signature) - 1)


def same_number_of_another_issuer() -> bytes:
    return answer(issued(IDENTITY, OTHER.device_ca))


def same_number_of_another_name() -> bytes:
    renamed = Authority(PKI.rim_ca.certificate, PKI.device_ca.key)
    subject = issued(IDENTITY, renamed)
    return answer(subject, issuer=issued(PKI.rim_ca, PKI.root))


def renamed_responder() -> Authority:
    """The responder's key under the name of its root."""
    return Authority(
        x509.CertificateBuilder(
            PKI.root.certificate.subject,
            PKI.root.certificate.subject,
            PKI.responder.key.public_key(),
            1,
            MOMENT,
            MOMENT,
        ).sign(PKI.root.key, hashes.SHA384()),
        PKI.responder.key,
    )


def purposes(*found: x509.ObjectIdentifier) -> Authority:
    return issued(PKI.responder, PKI.root, x509.ExtendedKeyUsage(found))


FORGED: dict[str, tuple[Callable[[], bytes], str]] = {
    "altered signature": (altered_signature, "wrong signature"),
    "another certificate": (lambda: answer(PKI.device_ca), "another certificate"),
    "the leaf": (lambda: answer(LEAF), "another certificate"),
    "another issuer": (same_number_of_another_issuer, "another certificate"),
    "another name": (same_number_of_another_name, "another certificate"),
    "a responder of another root": (lambda: answer(by=OTHER.responder), "delegated"),
    "no certificate": (lambda: answer(carried=()), "delegated"),
    "SHA-256": (lambda: answer(algorithm=hashes.SHA256), "delegated"),
    "other purposes": (
        lambda: answer(by=purposes(Purpose.CLIENT_AUTH, Purpose.CODE_SIGNING)),
        "no OCSP responder",
    ),
    "any purpose": (
        lambda: answer(by=purposes(Purpose.ANY_EXTENDED_KEY_USAGE)),
        "no OCSP responder",
    ),
    "an authority itself": (lambda: answer(by=PKI.device_ca), "no OCSP responder"),
    "the certificate itself": (lambda: answer(by=IDENTITY), "no OCSP responder"),
    "the leaf below": (lambda: answer(by=LEAF), "delegated"),
    "another key's certificate": (
        lambda: answer(by=LEAF, carried=(PKI.responder,)),
        "wrong signature",
    ),
    "another name of the responder": (
        lambda: answer(named=renamed_responder(), encoding=ocsp.OCSPResponderEncoding.NAME),
        "another responder",
    ),
    "the wrong one first": (
        lambda: answer(carried=(PKI.root, PKI.responder)),
        r"no OCSP responder|wrong signature",
    ),
}


@pytest.mark.parametrize(("make", "reason"), FORGED.values(), ids=FORGED.keys())
def test_what_is_refused(make: Callable[[], bytes], reason: str) -> None:
    with pytest.raises(EvidenceError, match=reason):
        verified(make())


def test_an_answer_needs_authorities_above_the_certificate() -> None:
    with pytest.raises(EvidenceError, match="another certificate"):
        verify_response(answer(), IDENTITY.der, ())
    with pytest.raises(EvidenceError, match="another certificate"):
        verify_response(answer(), IDENTITY.der, (PKI.root.der, PKI.device_ca.der))


def test_a_service_that_does_not_answer() -> None:
    for status in ocsp.OCSPResponseStatus:
        if status is ocsp.OCSPResponseStatus.SUCCESSFUL:
            continue
        response = ocsp.OCSPResponseBuilder.build_unsuccessful(status).public_bytes(Encoding.DER)
        for read in (verified, response_expiry):
            with pytest.raises(EvidenceError, match="the responder answered"):
                read(response)
    for junk in (b"", b"\x30", b"\x30\0", bytes(MAX_OCSP_RESPONSE_BYTES + 1)):
        with pytest.raises(EvidenceError):
            response_expiry(junk)
