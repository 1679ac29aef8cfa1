"""A :class:`Link` carries TL objects over a byte stream: the pump around ``wire.Connection``.

It is an ``asyncio.Protocol`` and so the application of any stream of this package: RA-TLS
(:mod:`cocoon.net.ratls`), plain TCP behind a router (:mod:`cocoon.net.plain`) or memory
(:mod:`cocoon.testing.streams`).

Promises:

- everything sent in one turn of the event loop leaves in one ``transport.write``;
- when the link dies, every waiting :meth:`Link.query` fails at once, and ``on_closed`` is called
  exactly once;
- a peer that does not read fills at most ``max_unsent`` bytes here, then the link is closed;
- handlers are called synchronously, in the order of arrival, and never after ``on_closed``.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import Any, Final, Protocol, cast

import structlog

from cocoon.attestation.peer import VerifiedPeer
from cocoon.errors import (
    CocoonError,
    DeadlineError,
    LocalProtocolError,
    OverloadedError,
    RemoteProtocolError,
    RequestError,
    UnavailableError,
    request_error,
    where,
)
from cocoon.tl import TLObject
from cocoon.wire.connection import (
    AnswerReceived,
    Closed,
    Connection,
    Event,
    MessageReceived,
    Opened,
    QueryFailed,
    QueryReceived,
    Role,
    State,
    UnknownMessage,
    UnknownQuery,
)

MAX_UNSENT = 2**25
"""Bytes that may wait for a peer that does not read: two of the longest frames."""
FLUSH_AT = 2**16
"""Bytes at which sending does not wait for the end of the loop's turn."""
FLUSH_EVERY = 16
"""Messages at which sending does not wait either.

Many requests at once would otherwise move through client, proxy and worker as one convoy, with one
process at work and the others waiting for it: a smaller flush lets the next one begin. Measured
with 64 tiny requests at a time, four runs each: 2300 to 2750 requests/s without this limit, 3100 to
3800 with it.
"""
CLOSE_GRACE = 5.0
"""Seconds that a closing link gives the peer to read what is still under way."""

_log = structlog.get_logger(__name__)


class PeerTransport(Protocol):
    """What a link needs of a stream: an asyncio transport that knows who is at the other end."""

    @property
    def peer(self) -> VerifiedPeer:
        """The peer; never present before it has been verified."""
        ...

    def write(self, data: bytes) -> None:
        """As ``asyncio.WriteTransport.write``."""
        ...

    def close(self) -> None:
        """As ``asyncio.BaseTransport.close``: flush, then ``connection_lost``."""
        ...

    def abort(self) -> None:
        """As ``asyncio.WriteTransport.abort``; harmless when closed already."""
        ...

    def pause_reading(self) -> None:
        """As ``asyncio.ReadTransport.pause_reading``."""
        ...

    def resume_reading(self) -> None:
        """As ``asyncio.ReadTransport.resume_reading``."""
        ...


class LinkHandler(Protocol):
    """What a role does with the events of its links.

    A :class:`RequestError` from ``on_query`` becomes the error answer of that query. A
    :class:`RemoteProtocolError` from any method closes the link, as the peer's fault; any other
    exception is a bug of ours: it is logged and closes the link too.
    """

    def on_opened(self, link: "Link") -> None:
        """The handshake is done; sending is allowed from here on."""
        ...

    def on_message(self, link: "Link", obj: TLObject) -> None:
        """A one-way message came."""
        ...

    def on_query(self, link: "Link", query_id: int, obj: TLObject) -> None:
        """A query came; call :meth:`Link.answer` or :meth:`Link.answer_error`, now or later."""
        ...

    def on_closed(self, link: "Link", reason: CocoonError | None) -> None:
        """The link is gone; ``reason`` is None when we called :meth:`Link.close`."""
        ...


class Link(asyncio.Protocol):
    """One connection to a peer.

    Args:
        role: who opened it.
        handler: gets the events.
        max_unsent: bytes that may wait for a peer that does not read.
        unknown_query: code and text that answer a query of an unknown kind; the default is what
            official proxies and workers send (``wire-protocol.md`` §2.8).

    Attributes:
        context: free for the handler, for what it knows about this peer.
        reason: why the link closed; None while it is open, and after our own :meth:`close`.
    """

    def __init__(
        self,
        role: Role,
        handler: LinkHandler,
        *,
        max_unsent: int = MAX_UNSENT,
        unknown_query: tuple[int, str] = (0, "Lost promise"),
    ) -> None:
        self._role = role
        self._handler = handler
        self._max_unsent = max_unsent
        self._unknown_query = unknown_query
        self._loop = asyncio.get_running_loop()
        self._closed = False
        self._paused = False
        self._flush_due = False
        self._collected = 0
        self._noted_unknown = False
        self._queries: dict[int, tuple[asyncio.Future[TLObject], str]] = {}
        self._waiters: set[asyncio.Future[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._transport: PeerTransport | None = None
        self._write: Callable[[bytes], None]
        self._connection = self._new_connection()
        self.context: Any = None
        self.reason: CocoonError | None = None

    # --- state -------------------------------------------------------------------------------

    @property
    def peer(self) -> VerifiedPeer:
        """Who is at the other end.

        Raises:
            LocalProtocolError: there is no byte stream yet.
        """
        return self._require_transport().peer

    @property
    def is_open(self) -> bool:
        """Whether sending is allowed now."""
        return self._connection.state is State.OPEN

    @property
    def is_closed(self) -> bool:
        """Whether ``on_closed`` has been called."""
        return self._closed

    @property
    def unsent(self) -> int:
        """Bytes that wait for a peer that does not read."""
        return self._connection.unsent

    async def wait_open(self) -> None:
        """Wait for the handshake; the receive timeout of the connection bounds the wait.

        Raises:
            CocoonError: the link closed instead; the class says why.
        """
        while not self.is_open:
            await self._wait()

    async def drained(self) -> None:
        """Wait until the peer has read enough that sending more makes sense.

        Raises:
            CocoonError: the link closed; the class says why.
        """
        while self._closed or self._paused:
            await self._wait()

    # --- sending -----------------------------------------------------------------------------

    def send(self, obj: TLObject) -> None:
        """Send a one-way message.

        Raises:
            UnavailableError: the link is closed.
            LocalProtocolError: not open yet, or the message fits no frame.
        """
        self._require_alive()
        self._connection.send_message(obj)
        self._schedule_flush()

    async def query(self, obj: TLObject, timeout: float) -> TLObject:
        """Send a query and wait for its answer, whose type is checked against the schema.

        Raises:
            DeadlineError: no answer within ``timeout`` seconds.
            UnavailableError: the link is closed, or closed while waiting.
            RequestError: the peer answered with an error; the class follows from its code.
            LocalProtocolError: as :meth:`send`.
        """
        self._require_alive()
        query_id = random_id()
        self._connection.send_query(query_id, obj)
        self._schedule_flush()
        future: asyncio.Future[TLObject] = self._loop.create_future()
        self._queries[query_id] = (future, obj.RESULT)
        timer = self._loop.call_later(timeout, self._expire, future, obj.NAME, timeout)
        try:
            return await future
        finally:
            timer.cancel()
            self._queries.pop(query_id, None)
            self._connection.forget_query(query_id)

    def answer(self, query_id: int, obj: TLObject) -> None:
        """Answer a query of the peer; nothing happens when the link has closed since.

        Raises:
            LocalProtocolError: no such query is waiting, or the answer fits no frame.
        """
        if not self._is_ending:
            self._connection.send_answer(query_id, obj)
            self._schedule_flush()

    def answer_error(self, query_id: int, code: int, message: str) -> None:
        """Answer a query of the peer with an error; as :meth:`answer`."""
        if not self._is_ending:
            self._connection.send_error(query_id, code, message)
            self._schedule_flush()

    def close(self, reason: CocoonError | None = None) -> None:
        """Send what is queued, then close. ``on_closed`` is called before this returns."""
        if self._closed:
            return
        data = self._connection.data_to_send()
        self._finish(reason)
        transport = self._transport
        if transport is None:
            return
        if data:
            transport.write(data)
        transport.close()
        self._timer = self._loop.call_later(CLOSE_GRACE, transport.abort)

    def pause_reading(self) -> None:
        """Take no more bytes from the peer for now; its own sending then backs up."""
        self._require_transport().pause_reading()

    def resume_reading(self) -> None:
        """Undo :meth:`pause_reading`."""
        self._require_transport().resume_reading()

    # --- what the byte stream calls ----------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start: a connector's first packet goes out."""
        self._transport = cast(PeerTransport, transport)
        # What is flushed has been collected already: a stream that would collect too can skip that.
        self._write = getattr(transport, "write_now", self._transport.write)
        if self._closed:
            self._transport.abort()
            return
        # The time limits start now: the proof of work may have taken longer than they are.
        self._connection = self._new_connection()
        self._schedule_flush()
        self._arm_timer()

    def data_received(self, data: bytes) -> None:
        """Turn bytes into calls of the handler."""
        if self._closed:
            return
        events = self._connection.receive_data(data, self._loop.time())
        for event in events:
            if not self.is_closed:
                self._dispatch(event)
        if self._connection.unsent and not self.is_closed:
            self._schedule_flush()

    def eof_received(self) -> bool:
        """A peer that ends its half ends the connection."""
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """The byte stream is gone."""
        if not self._closed:
            text = "the peer closed the connection" if error is None else f"lost: {error}"
            self._finish(error if isinstance(error, CocoonError) else UnavailableError(text))
        self._stop_timer()

    def pause_writing(self) -> None:
        """Keep bytes here from now on: the stream has enough."""
        self._paused = True

    def resume_writing(self) -> None:
        """The stream can take more."""
        self._paused = False
        self._flush()
        if not self._paused:
            self._wake()

    def _new_connection(self) -> Connection:
        return Connection(
            self._role,
            connection_id=random_id(),
            now=self._loop.time(),
            # Our own limit closes the link before this one could make a send fail.
            max_unsent=self._max_unsent + 2**25,
        )

    # --- events ------------------------------------------------------------------------------

    def _dispatch(self, event: Event) -> None:
        try:
            _ON_EVENT[type(event)](self, event)
        except RemoteProtocolError as error:
            self._abort(error)
        except Exception as error:
            # Boundary to the role's code: one broken handler must not take the others along.
            _log_bug(error, type(event).__name__)
            self._abort(LocalProtocolError(f"internal error: {type(error).__name__}"))

    def _on_opened(self, _event: Opened) -> None:
        self._arm_timer()
        self._wake()
        self._handler.on_opened(self)

    def _on_message(self, event: MessageReceived) -> None:
        self._handler.on_message(self, event.body)

    def _on_query(self, event: QueryReceived) -> None:
        try:
            self._handler.on_query(self, event.query_id, event.body)
        except RequestError as error:
            self.answer_error(event.query_id, error.wire_code, str(error))

    def _on_unknown_message(self, event: UnknownMessage) -> None:
        self._note_unknown("message", event.magic)

    def _on_unknown_query(self, event: UnknownQuery) -> None:
        self._note_unknown("query", event.magic)
        self.answer_error(event.query_id, *self._unknown_query)

    def _note_unknown(self, what: str, magic: int) -> None:
        """Once a link: a peer must not be able to fill the log."""
        if not self._noted_unknown:
            self._noted_unknown = True
            _log.info("the peer sends an unknown kind", packet=what, magic=f"{magic:#010x}")

    def _on_answer(self, event: AnswerReceived) -> None:
        future, result = self._queries.pop(event.query_id)
        if result != event.body.RESULT or event.body.IS_FUNCTION:
            error = RemoteProtocolError(f"{event.body.NAME} where a {result} is due")
            _fail(future, error)
            raise error
        if not future.done():
            future.set_result(event.body)

    def _on_failed(self, event: QueryFailed) -> None:
        future, _ = self._queries.pop(event.query_id)
        _fail(future, request_error(event.code, event.message))

    def _on_closed(self, event: Closed) -> None:
        self._abort(event.error)

    # --- writing -----------------------------------------------------------------------------

    def _schedule_flush(self) -> None:
        unsent = self._connection.unsent
        self._collected += 1
        if self._paused:
            if unsent > self._max_unsent:
                self._abort(OverloadedError(f"the peer does not read: {unsent} bytes wait"))
        elif unsent >= FLUSH_AT or self._collected >= FLUSH_EVERY:
            self._flush()
        elif not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_due = False
        self._collected = 0
        if self._closed or self._paused or self._transport is None:
            return
        data = self._connection.data_to_send()
        if data:
            self._write(data)

    # --- time --------------------------------------------------------------------------------

    def _arm_timer(self) -> None:
        """Make sure that the timer fires no later than the next deadline.

        Frames only move deadlines back, so a timer that fires early just arms itself again: no
        timer is touched for a frame.
        """
        deadline = self._connection.next_deadline()
        if deadline is None:
            return
        if self._timer is not None:
            if self._timer.when() <= deadline:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(deadline, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        for event in self._connection.handle_deadline(self._loop.time(), random_id()):
            self._dispatch(event)
        if not self._closed:
            self._schedule_flush()
            self._arm_timer()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self, future: asyncio.Future[TLObject], name: str, timeout: float) -> None:
        _fail(future, DeadlineError(f"no answer to {name} within {timeout:g} s"))

    # --- the end -----------------------------------------------------------------------------

    def _abort(self, reason: CocoonError | None) -> None:
        """Close at once; what is queued is lost."""
        if self._closed:
            return
        self._finish(reason)
        if self._transport is not None:
            self._transport.abort()

    def _finish(self, reason: CocoonError | None) -> None:
        self._closed = True
        self.reason = reason
        self._connection.close()
        self._stop_timer()
        for future, _ in self._queries.values():
            _fail(future, self._gone())
        self._queries.clear()
        self._wake()
        try:
            self._handler.on_closed(self, reason)
        except Exception as error:
            _log_bug(error, "closed")

    def _gone(self) -> CocoonError:
        text = "the link is closed" if self.reason is None else f"the link died: {self.reason}"
        return UnavailableError(text)

    @property
    def _is_ending(self) -> bool:
        """Closed, or about to be: what came before the peer's fault is still being handled."""
        return self._closed or self._connection.state is State.CLOSED

    def _require_alive(self) -> None:
        if self._is_ending:
            raise self._gone()

    def _require_transport(self) -> PeerTransport:
        if self._transport is None:
            raise LocalProtocolError("the link has no byte stream yet")
        return self._transport

    async def _wait(self) -> None:
        """Wait for any change of state."""
        if self._closed:
            raise self.reason or self._gone()
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)


def _log_bug(error: Exception, packet: str) -> None:
    kind = type(error).__name__
    _log.error("a handler failed", packet=packet, error=kind, where=where(error))


def random_id() -> int:
    """A random int64, as the protocol's ids are."""
    return secrets.randbits(64) - 2**63


def _fail(future: asyncio.Future[TLObject], error: CocoonError) -> None:
    if not future.done():
        future.set_exception(error)


_ON_EVENT: Final[dict[type[Event], Callable[[Link, Any], None]]] = {
    Opened: Link._on_opened,
    MessageReceived: Link._on_message,
    UnknownMessage: Link._on_unknown_message,
    QueryReceived: Link._on_query,
    UnknownQuery: Link._on_unknown_query,
    AnswerReceived: Link._on_answer,
    QueryFailed: Link._on_failed,
    Closed: Link._on_closed,
}
