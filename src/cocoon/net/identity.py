"""Who we are to TLS peers: a key and a certificate that are renewed before they expire.

Renewal touches new connections only; those that are open keep what they were made with.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from cocoon.attestation.certificate import LIFETIME
from cocoon.attestation.evidence import EvidenceSource
from cocoon.errors import CertificateError, CocoonError, where
from cocoon.net.credentials import (
    Credentials,
    CredentialSource,
    EvidenceExtras,
    FileCredentials,
    GeneratedCredentials,
)
from cocoon.net.ratls_context import TlsContexts

__all__ = ["CHECK_INTERVAL", "Credentials", "EvidenceExtras", "Identity"]

CHECK_INTERVAL = 60.0
"""Seconds between looks at whether a renewal is due (the official interval)."""

_log = structlog.get_logger(__name__)


class Identity:
    """Credentials that stay valid.

    Use :meth:`generate` or :meth:`from_files`, and run :meth:`maintain` as a task so that no
    connection ever waits for a renewal.

    Attributes:
        contexts: the TLS contexts made with these credentials.
        clock: unix seconds.
        extras: what our dated evidence adds.
    """

    def __init__(
        self,
        source: CredentialSource,
        *,
        extras: EvidenceExtras | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self.extras = extras or EvidenceExtras()
        self.contexts = TlsContexts(clock)
        self._source = source
        self._credentials: Credentials | None = None

    @classmethod
    def generate(
        cls,
        evidence: EvidenceSource | None,
        *,
        extras: EvidenceExtras | None = None,
        clock: Callable[[], float] = time.time,
        lifetime: int = LIFETIME,
    ) -> "Identity":
        """Keys made here; ``evidence=None`` makes certificates without a quote (clients)."""
        shared = extras or EvidenceExtras()
        source = GeneratedCredentials(evidence, extras=shared, lifetime=lifetime)
        return cls(source, extras=shared, clock=clock)

    @classmethod
    def from_files(cls, base: Path, *, clock: Callable[[], float] = time.time) -> "Identity":
        """Official ``<base>_cert.pem`` and ``<base>_key.pem``, read again when they change."""
        return cls(FileCredentials(base), clock=clock)

    def current(self) -> Credentials:
        """The credentials to use for a new connection.

        Makes them on first use, and again, on the spot, when :meth:`maintain` did not run in time.

        Raises:
            CocoonError: there are none, or they have expired and cannot be renewed.
        """
        credentials, now = self._credentials, int(self.clock())
        if credentials is None or now > credentials.not_after:
            credentials = self._source.newer(credentials, now)
            if credentials is None:
                raise CertificateError("our own certificate has expired")
            self._credentials = credentials
        return credentials

    def state_model(self, model_hash: bytes) -> None:
        """Say in our dated evidence, from the next connection on, which model we have proven.

        Args:
            model_hash: SHA-256 of the full model string, 32 bytes.
        """
        if self.extras.model_hash != model_hash:
            self.extras.model_hash = model_hash
            self._credentials = None
            self.contexts = TlsContexts(self.clock)  # versions of credentials begin anew

    async def renew_if_due(self) -> bool:
        """Renew in a thread when it is time; returns whether there are new credentials.

        Raises:
            CocoonError: the renewal failed; the current credentials stay in use.
        """
        current, now = self._credentials, int(self.clock())
        renewed = await asyncio.to_thread(self._source.newer, current, now)
        if renewed is None or self._credentials is not current:
            return False
        self._credentials = renewed
        return True

    async def maintain(self, interval: float = CHECK_INTERVAL) -> None:
        """Renew before expiry, until cancelled; a failure is logged and tried again."""
        while True:
            try:
                if await self.renew_if_due():
                    _log.info("certificate renewed", version=self.current().version)
            except CocoonError as error:
                _log.warning("certificate not renewed", reason=str(error))
            except Exception as error:
                # Boundary: an error of a driver's library must not end all later renewals.
                kind = type(error).__name__
                _log.error("certificate not renewed", error=kind, where=where(error))
            await asyncio.sleep(interval)
