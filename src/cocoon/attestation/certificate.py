"""RA-TLS certificates: building ours, reading theirs (``attestation.md`` §1.1)."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LIFETIME = 86_400
MAX_QUOTE_BYTES = 32_768
MAX_CERTIFICATE_BYTES = 40_960
HOST_NAME = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class RatlsCertificate:
    """What a verifier needs from a peer's certificate.

    Attributes:
        der: the certificate.
        public_key: raw Ed25519 key, 32 bytes.
        quote: content of the quote extension, or None.
        not_before: unix seconds.
        not_after: unix seconds.
        dns_names: dNSName entries of the subject alternative name.
        server_auth: whether it may be used by a TLS server.
        client_auth: whether it may be used by a TLS client.
    """

    der: bytes
    public_key: bytes
    quote: bytes | None
    not_before: int
    not_after: int
    dns_names: tuple[str, ...]
    server_auth: bool
    client_auth: bool


def build_certificate(
    key: Ed25519PrivateKey,
    *,
    quote: bytes | None,
    not_before: int,
    serial: int,
    lifetime: int = LIFETIME,
) -> bytes:
    """A self-signed certificate in DER, byte-compatible with the official generator."""
    raise NotImplementedError


def parse_certificate(der: bytes) -> RatlsCertificate:
    """Read a peer's certificate; X.509 v1 with extensions is accepted.

    Raises:
        CertificateError: anything about its form is wrong.
    """
    raise NotImplementedError
