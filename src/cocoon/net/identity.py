"""Our own key and certificate, renewed before they expire."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cocoon.attestation.evidence import EvidenceSource


@dataclass(frozen=True, slots=True)
class Credentials:
    """One key with its certificate.

    Attributes:
        certificate_der: the certificate.
        private_key: its key; never shown.
        public_key: raw, 32 bytes.
        not_after: unix seconds.
        version: grows with every renewal; TLS contexts are kept per version.
    """

    certificate_der: bytes
    private_key: Ed25519PrivateKey = field(repr=False)
    public_key: bytes
    not_after: int
    version: int


class Identity:
    """Credentials that stay valid; connections made with older ones are not touched."""

    @classmethod
    def generate(
        cls, evidence: EvidenceSource | None = None, *, clock: Callable[[], float] | None = None
    ) -> "Identity":
        """A fresh key and certificate; ``evidence=None`` makes one without a quote (clients)."""
        raise NotImplementedError

    @classmethod
    def from_files(cls, base: Path) -> "Identity":
        """Official ``<base>_cert.pem`` and ``<base>_key.pem``, read again when they change."""
        raise NotImplementedError

    def current(self) -> Credentials:
        """The credentials to use for a new connection.

        Raises:
            CertificateError: they have expired and could not be renewed.
        """
        raise NotImplementedError

    async def maintain(self) -> None:
        """Renew before expiry until cancelled; run it as a task."""
        raise NotImplementedError
