"""One key with its certificate, and where new ones come from."""

import secrets
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from cocoon.attestation.bundle import EvidenceBundle
from cocoon.attestation.certificate import (
    LIFETIME,
    build_certificate,
    parse_certificate,
    raw_public_key,
)
from cocoon.attestation.evidence import (
    EvidenceKind,
    EvidenceSource,
    GpuEvidenceSource,
    report_data,
)
from cocoon.attestation.statement import Statement, gpu_hash, gpu_nonce, statement_report_data
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


_SNP_KINDS = (EvidenceKind.SNP, EvidenceKind.SNP_SIMULATED)


class CredentialSource(Protocol):
    """Makes or finds credentials; may block, so it runs in a thread where it can."""

    def newer(self, current: Credentials | None, now: int) -> Credentials | None:
        """Credentials that should replace ``current`` at ``now`` (unix seconds), or None.

        Raises:
            CocoonError: there are none to be had; ``current`` stays in use.
        """
        ...


@dataclass(slots=True)
class EvidenceExtras:
    """What our dated evidence says and shows besides the CPU's measurements.

    May be filled in until the first certificate is made; renewals show later changes.

    Attributes:
        gpus: makes evidence for the GPUs, or None.
        endorsement: an operator's signed word for this machine, or None.
        model_hash: SHA-256 of the model string whose files this process has proven, or None.
    """

    gpus: GpuEvidenceSource | None = None
    endorsement: bytes | None = None
    model_hash: bytes | None = None


class GeneratedCredentials:
    """Fresh keys with self-made certificates, renewed at half their life.

    Besides the official quote over the key, a certificate carries dated evidence in an extension
    that official peers skip (:mod:`cocoon.attestation.bundle`).

    Args:
        evidence: vouches for each key; None makes certificates without a quote (clients).
        extras: what the dated evidence adds.
        lifetime: seconds.
    """

    def __init__(
        self,
        evidence: EvidenceSource | None,
        *,
        extras: EvidenceExtras | None = None,
        lifetime: int = LIFETIME,
    ) -> None:
        self._evidence = evidence
        self._extras = extras or EvidenceExtras()
        self._lifetime = lifetime

    def newer(self, current: Credentials | None, now: int) -> Credentials | None:
        """New credentials when less than half the lifetime is left."""
        if current is not None and now + self._lifetime // 2 < current.not_after:
            return None
        key = Ed25519PrivateKey.generate()
        public_key = raw_public_key(key)
        not_before, not_after = now - BACKDATE, now + self._lifetime
        quote, bundle = None, None
        if self._evidence is not None:
            statement = Statement(public_key, not_before, not_after, now)
            quote = self._official_quote(self._evidence, public_key)
            bundle = self._bundle(self._evidence, statement, quote)
        certificate = build_certificate(
            key,
            quote=quote,
            not_before=not_before,
            serial=1 + secrets.randbelow((1 << 128) - 1),
            lifetime=not_after - not_before,
            bundle=bundle,
        )
        return Credentials(
            certificate_der=certificate,
            private_key=key,
            public_key=public_key,
            not_before=not_before,
            not_after=not_after,
            version=current.version + 1 if current else 1,
        )

    def _official_quote(self, evidence: EvidenceSource, public_key: bytes) -> bytes | None:
        """The quote that official peers read; they know no hardware but TDX."""
        if evidence.kind in _SNP_KINDS:
            return None
        return evidence.quote(report_data(public_key))

    def _bundle(
        self, evidence: EvidenceSource, statement: Statement, quote: bytes | None
    ) -> bytes | None:
        if evidence.kind is EvidenceKind.FAKE_TDX:
            return None
        extras = self._extras
        gpus: tuple[bytes, ...] = ()
        if extras.gpus is not None:
            gpus = extras.gpus.evidence(gpu_nonce(statement.public_key, statement.issued_at))
        statement = replace(
            statement,
            gpu_hash=gpu_hash(gpus) if gpus else None,
            model_hash=extras.model_hash,
        )
        signed = statement.to_bytes()
        bundle = EvidenceBundle(
            statement=signed,
            form=evidence.kind,
            evidence=evidence.quote(statement_report_data(signed)),
            gpus=gpus,
            endorsement=extras.endorsement,
        )
        return bundle.to_bytes(beside=quote)


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
