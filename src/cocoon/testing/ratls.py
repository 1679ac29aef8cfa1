"""Applications and identities for tests of RA-TLS connections."""

import asyncio

from cocoon.net.credentials import Credentials
from cocoon.net.identity import Identity
from cocoon.net.ratls import RatlsTransport
from cocoon.testing.certificates import CertificateRecipe


class Recorder(asyncio.Protocol):
    """An application that keeps everything it is told.

    Attributes:
        transport: set while connected and after.
        received: all data.
        deliveries: number of ``data_received`` calls.
        pauses: number of ``pause_writing`` calls.
        lost_because: argument of ``connection_lost``.
        writable: set unless writing is paused.
        lost: set after ``connection_lost``.
    """

    def __init__(self) -> None:
        self.transport: RatlsTransport | None = None
        self.received = bytearray()
        self.deliveries = 0
        self.pauses = 0
        self.lost_because: Exception | None = None
        self.writable = asyncio.Event()
        self.writable.set()
        self.lost = asyncio.Event()
        self._arrived = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        if not isinstance(transport, RatlsTransport):
            raise TypeError("not an RA-TLS connection")
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Keep the data."""
        self.received += data
        self.deliveries += 1
        self._arrived.set()

    def pause_writing(self) -> None:
        """Count and remember."""
        self.pauses += 1
        self.writable.clear()

    def resume_writing(self) -> None:
        """Remember."""
        self.writable.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Keep the reason and wake whoever waits."""
        self.lost_because = exc
        self.writable.set()
        self.lost.set()
        self._arrived.set()

    async def wait_for(self, size: int) -> bytes:
        """Wait until ``size`` bytes have been received, or the connection is lost."""
        while len(self.received) < size and not self.lost.is_set():
            self._arrived.clear()
            await self._arrived.wait()
        return bytes(self.received)


class Echo(Recorder):
    """Sends back what it receives."""

    def data_received(self, data: bytes) -> None:
        """Send it back."""
        super().data_received(data)
        if self.transport is not None:
            self.transport.write(data)


class _Fixed:
    def __init__(self, credentials: Credentials) -> None:
        self._credentials = credentials

    def newer(self, current: Credentials | None, now: int) -> Credentials | None:
        return self._credentials if current is None else None


def identity_of(recipe: CertificateRecipe, der: bytes | None = None) -> Identity:
    """An identity that presents one certificate, right or wrong; its clock stands in 1970."""
    return Identity(_Fixed(recipe.credentials(der)), clock=lambda: 0.0)
