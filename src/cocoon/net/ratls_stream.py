"""The open state of an RA-TLS connection: bytes in, bytes out, nothing else.

This is the hot path of every request. What the application writes in one iteration of the event
loop is encrypted by one call into as few records as possible, and what has arrived is decrypted
and delivered in one piece. TLS records are counted as they arrive, so that OpenSSL is asked only
when it has something to give: each needless question costs an exception.
"""

import asyncio
import contextlib
from typing import Any, cast

from OpenSSL import SSL

from cocoon.attestation.peer import VerifiedPeer
from cocoon.errors import RemoteProtocolError
from cocoon.net.ratls_memory import release_buffers

RECORD_BYTES = 16_384
"""Most plaintext in one TLS record."""
SEND_NOW_BYTES = 65_536
"""Queued plaintext that is encrypted at once instead of at the end of the loop iteration."""
SEND_STEP_BYTES = 262_144
"""Most plaintext that is encrypted between two hand-overs to the socket."""
KEEP_BYTES = 65_536
"""Longest read or write after which the memory for it is kept."""
RELEASE_AFTER = 10.0
"""Seconds from a longer one until its memory is given back."""

_HEADER_BYTES = 5
_RECORD_OVERHEAD = 22  # header 5, content type 1, tag 16
_SLACK = 16_384  # for records of TLS itself: key updates, and the end of the handshake


class RecordCounter:
    """Counts the TLS records that are complete in a stream of bytes."""

    __slots__ = ("_missing", "_partial")

    def __init__(self) -> None:
        self._missing = 0
        self._partial = b""

    def feed(self, data: bytes) -> int:
        """How many records ``data``, the next part of the stream, completes."""
        if self._partial:
            data = self._partial + data
            self._partial = b""
        size, at, complete = len(data), self._missing, 0
        if at:
            if size < at:
                self._missing = at - size
                return 0
            self._missing = 0
            complete = 1
        while size - at >= _HEADER_BYTES:
            at += _HEADER_BYTES + (data[at + 3] << 8 | data[at + 4])
            if at > size:
                self._missing = at - size
                return complete
            complete += 1
        self._partial = data[at:]
        return complete


class RatlsTransport(asyncio.Transport):
    """What the application writes to."""

    @property
    def peer(self) -> VerifiedPeer:
        """The verified peer."""
        raise NotImplementedError

    def write_now(self, data: bytes | bytearray | memoryview) -> None:
        """Write without waiting for the loop iteration to end."""
        raise NotImplementedError


class RatlsStream(RatlsTransport, asyncio.Protocol):
    """Between the TCP transport, whose protocol it is, and the application, whose transport it is.

    Args:
        tcp: the TCP transport.
        tls: the TLS connection; its handshake is complete.
        records: has seen every byte received so far.
        peer: verified in that handshake.
    """

    __slots__ = (
        "_app",
        "_closing",
        "_failure",
        "_loop",
        "_lost",
        "_peer",
        "_queue",
        "_queued",
        "_receiving",
        "_records",
        "_release_timer",
        "_scheduled",
        "_sending",
        "_tcp",
        "_tls",
    )

    def __init__(
        self,
        tcp: asyncio.Transport,
        tls: SSL.Connection,
        records: RecordCounter,
        peer: VerifiedPeer,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__()
        self._tcp = tcp
        self._tls = tls
        self._records = records
        self._peer = peer
        self._loop = loop
        self._app: asyncio.Protocol | None = None
        self._queue: list[bytes] = []
        self._queued = 0
        self._scheduled = False
        self._sending = False
        self._receiving = False
        self._closing = False
        self._lost = False
        self._failure: Exception | None = None
        self._release_timer: asyncio.TimerHandle | None = None

    def start(self, app: asyncio.Protocol) -> None:
        """Hand the connection to the application, with what came right behind the handshake.

        The end of our handshake goes out together with what the application writes at once.
        """
        self._app = app
        self._receiving = True
        try:
            app.connection_made(self)
            self._deliver(None)
        finally:
            self._receiving = False
            self._send()
            self._flush()
            release_buffers(self._tls)

    # What the application calls.

    @property
    def peer(self) -> VerifiedPeer:
        """The verified peer."""
        return self._peer

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Queue plaintext; it is encrypted together with what else this loop iteration writes."""
        if self._closing or not data:
            return
        self._queue.append(data if type(data) is bytes else bytes(data))
        self._queued += len(data)
        if self._queued >= SEND_NOW_BYTES:
            self._send()
        elif not self._scheduled and not self._receiving:
            self._scheduled = True
            self._loop.call_soon(self._send_scheduled)

    def write_now(self, data: bytes | bytearray | memoryview) -> None:
        """Write without waiting for the loop iteration to end.

        For callers that have collected already: it saves one turn of the event loop.
        """
        self.write(data)
        if not self._receiving:
            self._send()

    def can_write_eof(self) -> bool:
        """False: official peers treat the end of either direction as the end of both."""
        return False

    def close(self) -> None:
        """Send what is queued, tell the peer, and close."""
        if self._closing:
            return
        if self._sending:
            self._loop.call_soon(self.close)
            return
        self._send()
        self._closing = True
        with contextlib.suppress(SSL.Error):  # The end of the TCP stream tells the peer as well.
            self._tls.shutdown()
        self._flush()
        self._tcp.close()

    def abort(self) -> None:
        """Drop everything and close at once; harmless when closed already."""
        if self._lost:
            return
        self._closing = True
        self._drop_queue()
        self._tcp.abort()

    def is_closing(self) -> bool:
        """Whether it is closed or closing."""
        return self._closing or self._tcp.is_closing()

    def pause_reading(self) -> None:
        """Stop reading from the network; the peer's TCP window fills up."""
        self._tcp.pause_reading()

    def resume_reading(self) -> None:
        """Read again."""
        self._tcp.resume_reading()

    def is_reading(self) -> bool:
        """Whether reading is on."""
        return self._tcp.is_reading()

    def get_write_buffer_size(self) -> int:
        """Bytes not yet handed to the kernel."""
        return self._queued + self._tcp.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        """Low and high water, bytes of ciphertext."""
        return self._tcp.get_write_buffer_limits()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set low and high water, bytes of ciphertext."""
        self._tcp.set_write_buffer_limits(high=high, low=low)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """``peername``, ``sockname`` and the like, of the TCP connection."""
        return self._tcp.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Replace the application."""
        self._app = cast(asyncio.Protocol, protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The application.

        Raises:
            RuntimeError: the connection is lost.
        """
        if self._app is None:
            raise RuntimeError("the connection is lost")
        return self._app

    # What the TCP transport calls.

    def data_received(self, data: bytes) -> None:
        """Ciphertext from the peer."""
        records = self._records.feed(data)
        self._tls.bio_write(data)
        if len(data) > KEEP_BYTES:
            self._release_later()
        if not records or self._closing:
            return
        self._receiving = True
        try:
            self._deliver(records)
        finally:
            self._receiving = False
            if self._queue:
                self._send()

    def eof_received(self) -> None:
        """The peer closed; official peers do so without telling TLS."""
        self._send()

    def pause_writing(self) -> None:
        """The socket takes no more for now."""
        if self._app is not None:
            self._app.pause_writing()

    def resume_writing(self) -> None:
        """The socket takes more."""
        if self._app is not None:
            self._app.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The TCP connection is gone."""
        self._closing = self._lost = True
        self._drop_queue()
        if self._release_timer is not None:
            self._release_timer.cancel()
        app, self._app = self._app, None
        if app is not None:
            app.connection_lost(self._failure or exc)

    def _deliver(self, records: int | None) -> None:
        """Decrypt ``records`` complete records (None: all there are) and deliver them at once."""
        end: SSL.Error | None = None
        try:
            if records == 1:
                data = self._tls.recv(RECORD_BYTES)
            else:
                data, end = self._receive_many(records)
        except SSL.WantReadError:
            return  # A record of TLS itself.
        except SSL.Error as error:
            self._end(error)
            return
        if data and self._app is not None:
            self._app.data_received(data)
        if end is not None:
            self._end(end)

    def _receive_many(self, records: int | None) -> tuple[bytes, SSL.Error | None]:
        """Plaintext, and the end of the stream if that came behind it."""
        parts: list[bytes] = []
        end: SSL.Error | None = None
        try:
            while records is None or len(parts) < records:
                parts.append(self._tls.recv(RECORD_BYTES))
        except SSL.WantReadError:
            pass  # Some records were of TLS itself.
        except SSL.Error as error:
            end = error
        return (parts[0] if len(parts) == 1 else b"".join(parts)), end

    def _end(self, end: SSL.Error) -> None:
        if isinstance(end, SSL.ZeroReturnError):
            self.close()
        else:
            self._fail(RemoteProtocolError(f"the peer ended TLS: {describe(end)}"))

    def _send_scheduled(self) -> None:
        self._scheduled = False
        if self._queue:
            self._send()

    def _send(self) -> None:
        """Encrypt what is queued and hand it to the socket."""
        if self._sending or not self._queue:
            return  # While sending: the loop below takes what pause_writing makes the app write.
        self._sending = True
        try:
            while self._queue and not self._tcp.is_closing():
                queue = self._queue
                data = queue[0] if len(queue) == 1 else b"".join(queue)
                self._drop_queue()
                if len(data) <= SEND_STEP_BYTES:
                    self._encrypt(data)
                else:
                    view = memoryview(data)
                    for at in range(0, len(view), SEND_STEP_BYTES):
                        self._encrypt(view[at : at + SEND_STEP_BYTES])
        except SSL.Error as error:
            self._fail(RemoteProtocolError(f"the peer ended TLS: {describe(error)}"))
        finally:
            self._sending = False

    def _encrypt(self, data: bytes | memoryview) -> None:
        size = len(data)
        if size > KEEP_BYTES:
            self._release_later()
        self._tls.send(data)
        room = size + (size // RECORD_BYTES + 1) * _RECORD_OVERHEAD + _SLACK
        encrypted = self._tls.bio_read(room)
        self._tcp.write(encrypted)
        while len(encrypted) == room:
            try:
                encrypted = self._tls.bio_read(room)
            except SSL.WantReadError:
                return
            self._tcp.write(encrypted)

    def _flush(self) -> None:
        """Send what TLS has to say without the application."""
        with contextlib.suppress(SSL.WantReadError):
            while True:
                self._tcp.write(self._tls.bio_read(_SLACK))

    def _release_later(self) -> None:
        """One timer for all long reads and writes until it fires: nothing is paid for each."""
        if self._release_timer is None and not self._lost:
            self._release_timer = self._loop.call_later(RELEASE_AFTER, self._release)

    def _release(self) -> None:
        self._release_timer = None
        release_buffers(self._tls)

    def _drop_queue(self) -> None:
        self._queue.clear()
        self._queued = 0

    def _fail(self, failure: Exception) -> None:
        self._failure = self._failure or failure
        self.abort()


def describe(error: SSL.Error) -> str:
    """OpenSSL's reasons, such as an alert's name, without its file and function names."""
    queue = error.args[0] if error.args else ()
    if isinstance(queue, list | tuple):
        reasons = [str(entry[-1]) for entry in queue if isinstance(entry, tuple) and entry]
        if reasons:
            return ", ".join(reasons)[:200]
    return type(error).__name__
