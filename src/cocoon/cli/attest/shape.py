"""What kind of evidence a certificate or page carries, before anything is verified."""

from cocoon.attestation.certificate import HOST_NAME, RatlsCertificate, parse_certificate
from cocoon.attestation.document import AttestationDocument
from cocoon.attestation.evidence import EvidenceKind
from cocoon.attestation.verify import PeerRole
from cocoon.errors import AttestationError

FAKE_BYTES = 64


def shape_of(der: bytes) -> tuple[EvidenceKind, int, PeerRole]:
    """Form of a certificate's evidence, number of GPUs, and the TLS role that it is made for.

    What cannot be read is judged as TDX of a server, and fails there.
    """
    try:
        certificate = parse_certificate(der)
        bundle = certificate.evidence_bundle()
    except AttestationError:
        return EvidenceKind.TDX, 0, PeerRole.SERVER
    if bundle is not None:
        return bundle.form, len(bundle.gpus), _tls_role(certificate)
    fake = certificate.quote is not None and len(certificate.quote) == FAKE_BYTES
    return EvidenceKind.FAKE_TDX if fake else EvidenceKind.TDX, 0, _tls_role(certificate)


def _tls_role(certificate: RatlsCertificate) -> PeerRole:
    serves = certificate.server_auth and HOST_NAME in certificate.dns_names
    return PeerRole.SERVER if serves else PeerRole.CLIENT


def logs_of(document: AttestationDocument | None) -> tuple[bytes, ...]:
    """The event logs on a page, in order."""
    if document is None or document.event_log is None:
        return ()
    start_up = document.start_up_log
    return (document.event_log,) if start_up is None else (document.event_log, start_up.encode())
