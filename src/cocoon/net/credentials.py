"""One key with its certificate, and where new ones come from."""

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from cocoon.attestation.certificate import (
    LIFETIME,
    build_certificate,
    parse_certificate,
    raw_public_key,
)
from cocoon.attestation.evidence import EvidenceSource, report_data
from cocoon.errors import CertificateError, ConfigError

BACKDATE = 60
"""Seconds by which our certificates start early: verifiers allow no skew between clocks."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """One key with its certificate.

    Attributes:
        certificate_der: the certificate.
        private_key: its key; never shown.
        public_key: raw, 32 bytes.
        not_before: unix seconds.
        not_after: unix seconds.
        version: grows with every renewal; TLS contexts are kept per version.
    """

    certificate_der: bytes = field(repr=False)
    private_key: Ed25519PrivateKey = field(repr=False)
    public_key: bytes
    not_before: int
    not_after: int
    version: int


class CredentialSource(Protocol):
    """Makes or finds credentials; may block, so it runs in a thread where it can."""

    def newer(self, current: Credentials | None, now: int) -> Credentials | None:
        """Credentials that should replace ``current`` at ``now`` (unix seconds), or None.

        Raises:
            CocoonError: there are none to be had; ``current`` stays in use.
        """
        ...


class GeneratedCredentials:
    """Fresh keys with self-made certificates, renewed at half their life.

    Args:
        evidence: vouches for each key; None makes certificates without a quote (clients).
        lifetime: seconds.
    """

    def __init__(self, evidence: EvidenceSource | None, *, lifetime: int = LIFETIME) -> None:
        self._evidence = evidence
        self._lifetime = lifetime

    def newer(self, current: Credentials | None, now: int) -> Credentials | None:
        """New credentials when less than half the lifetime is left."""
        if current is not None and now + self._lifetime // 2 < current.not_after:
            return None
        key = Ed25519PrivateKey.generate()
        public_key = raw_public_key(key)
        quote = self._evidence.quote(report_data(public_key)) if self._evidence else None
        not_before = now - BACKDATE
        certificate = build_certificate(
            key,
            quote=quote,
            not_before=not_before,
            serial=1 + secrets.randbelow((1 << 128) - 1),
            lifetime=self._lifetime + BACKDATE,
        )
        return Credentials(
            certificate_der=certificate,
            private_key=key,
            public_key=public_key,
            not_before=not_before,
            not_after=now + self._lifetime,
            version=current.version + 1 if current else 1,
        )


class FileCredentials:
    """Official ``<base>_cert.pem`` and ``<base>_key.pem``, read again when they change.

    Somebody else (official ``gen-cert``) renews the files (``attestation.md`` §1.4, §7.6).
    """

    def __init__(self, base: Path) -> None:
        self._certificate_path = base.with_name(base.name + "_cert.pem")
        self._key_path = base.with_name(base.name + "_key.pem")
        self._read_at: float = -1.0

    def newer(self, current: Credentials | None, now: int) -> Credentials | None:
        """What the files hold, when they changed since they were last read.

        Raises:
            ConfigError: the files cannot be read, or do not belong together.
            CertificateError: the certificate is not an RA-TLS certificate.
        """
        try:
            changed_at = max(self._certificate_path.stat().st_mtime, self._key_path.stat().st_mtime)
            if current is not None and changed_at == self._read_at:
                return None
            certificate_pem = self._certificate_path.read_bytes()
            key = load_pem_private_key(self._key_path.read_bytes(), password=None)
            der = x509.load_pem_x509_certificate(certificate_pem).public_bytes(Encoding.DER)
        except (OSError, ValueError, TypeError) as error:
            raise ConfigError(
                f"cannot load {self._certificate_path} with its key: {type(error).__name__}"
            ) from error
        if not isinstance(key, Ed25519PrivateKey):
            raise ConfigError(f"{self._key_path} does not hold an Ed25519 key")
        certificate = parse_certificate(der)
        if certificate.public_key != raw_public_key(key):
            raise ConfigError(f"{self._key_path} is not the key of {self._certificate_path}")
        if now > certificate.not_after:
            raise CertificateError(f"{self._certificate_path} has expired")
        self._read_at = changed_at
        return Credentials(
            certificate_der=der,
            private_key=key,
            public_key=certificate.public_key,
            not_before=certificate.not_before,
            not_after=certificate.not_after,
            version=current.version + 1 if current else 1,
        )
