"""One connection between two runners: frames, handshake, keep-alive, queries.

Sans-IO. Bytes go in through :meth:`Connection.receive_data`, events come out; what to write is
drained with :meth:`Connection.data_to_send`; time and random ids are arguments. The legal steps
are the table :data:`TRANSITIONS`; a packet that it does not list closes the connection.

A remote fault never raises: it ends the event list with :class:`Closed`, whose ``error`` says what
happened. Calls that this state does not allow raise :class:`LocalProtocolError`.

Source: ``wire-protocol.md`` §2.6, §2.7, §2.8.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Final

from cocoon import tl
from cocoon.errors import (
    WIRE_PROTOCOL_VIOLATION,
    CocoonError,
    DeadlineError,
    DecodeError,
    LocalProtocolError,
    RemoteProtocolError,
)
from cocoon.wire import packets
from cocoon.wire.connection_events import (
    AnswerReceived,
    Closed,
    Event,
    MessageReceived,
    Opened,
    QueryFailed,
    QueryReceived,
    UnknownMessage,
    UnknownQuery,
)
from cocoon.wire.frames import FrameDecoder, FrameEncoder
from cocoon.wire.packets import Kind, Packet

__all__ = [
    "MAX_PENDING_QUERIES",
    "MAX_UNSENT",
    "PING_AFTER",
    "RECEIVE_TIMEOUT_ACCEPTOR",
    "RECEIVE_TIMEOUT_CONNECTOR",
    "TRANSITIONS",
    "Action",
    "AnswerReceived",
    "Closed",
    "Connection",
    "Event",
    "MessageReceived",
    "Opened",
    "QueryFailed",
    "QueryReceived",
    "Role",
    "State",
    "UnknownMessage",
    "UnknownQuery",
]

RECEIVE_TIMEOUT_CONNECTOR = 20.0
"""Seconds without a complete frame after which the connecting side gives up."""
RECEIVE_TIMEOUT_ACCEPTOR = 60.0
"""The same on the accepting side."""
PING_AFTER = 10.0
"""Seconds without a frame after which the connecting side pings, once."""
MAX_PENDING_QUERIES = 4096
"""Unanswered queries of one direction."""
MAX_UNSENT = 2**26
"""Bytes that may wait in :meth:`Connection.data_to_send`."""


class Role(Enum):
    """Who opened the connection."""

    CONNECTOR = "connector"
    ACCEPTOR = "acceptor"


class State(Enum):
    """Where a connection stands."""

    AWAITING_CONNECTED = "awaiting tcp.connected"
    AWAITING_CONNECT = "awaiting tcp.connect"
    OPEN = "open"
    CLOSED = "closed"


class Action(Enum):
    """What a legal packet leads to."""

    ACCEPT = "answer tcp.connected and open"
    OPEN = "open"
    IGNORE = "nothing"
    PONG = "answer tcp.pong"
    MESSAGE = "event"
    QUERY = "event, and the query is pending"
    ANSWER = "event, and our query is settled"
    ERROR = "event, and our query has failed"


TRANSITIONS: Final[Mapping[tuple[State, Kind], tuple[Action, State]]] = {
    (State.AWAITING_CONNECTED, Kind.CONNECTED): (Action.OPEN, State.OPEN),
    (State.AWAITING_CONNECT, Kind.CONNECT): (Action.ACCEPT, State.OPEN),
    (State.OPEN, Kind.CONNECT): (Action.IGNORE, State.OPEN),
    (State.OPEN, Kind.CONNECTED): (Action.IGNORE, State.OPEN),
    (State.OPEN, Kind.PING): (Action.PONG, State.OPEN),
    (State.OPEN, Kind.PONG): (Action.IGNORE, State.OPEN),
    (State.OPEN, Kind.MESSAGE): (Action.MESSAGE, State.OPEN),
    (State.OPEN, Kind.QUERY): (Action.QUERY, State.OPEN),
    (State.OPEN, Kind.ANSWER): (Action.ANSWER, State.OPEN),
    (State.OPEN, Kind.ERROR): (Action.ERROR, State.OPEN),
}
"""Every legal (state, packet) pair; any other closes the connection as a remote fault."""


class Connection:
    """The state of one connection.

    Args:
        role: which side we are.
        connection_id: int64, random; what a connector sends in ``tcp.connect``. Unused by an
            acceptor, which echoes the connector's.
        now: seconds on the caller's clock, the same that later calls use. The receive timeout
            starts here, so that it covers the handshake.
        max_frame: largest payload, at most 2^24.
        max_pending: unanswered queries allowed in each direction.
        max_unsent: bytes that may wait to be drained.
    """

    __slots__ = (
        "_asked",
        "_asked_by_peer",
        "_decoder",
        "_encoder",
        "_heard_at",
        "_max_pending",
        "_max_unsent",
        "_out",
        "_pinged",
        "_timeout",
        "_unsent",
        "role",
        "state",
    )

    def __init__(
        self,
        role: Role,
        *,
        connection_id: int = 0,
        now: float,
        max_frame: int = 2**24,
        max_pending: int = MAX_PENDING_QUERIES,
        max_unsent: int = MAX_UNSENT,
    ) -> None:
        self.role = role
        self._decoder = FrameDecoder(max_frame)
        self._encoder = FrameEncoder(max_frame)
        self._max_pending = max_pending
        self._max_unsent = max_unsent
        self._asked: set[int] = set()
        self._asked_by_peer: set[int] = set()
        self._out: list[bytes] = []
        self._unsent = 0
        self._heard_at = now
        self._pinged = False
        if role is Role.CONNECTOR:
            self.state = State.AWAITING_CONNECTED
            self._timeout = RECEIVE_TIMEOUT_CONNECTOR
            self._put(packets.encode_plain(Kind.CONNECT, connection_id))
        else:
            self.state = State.AWAITING_CONNECT
            self._timeout = RECEIVE_TIMEOUT_ACCEPTOR

    @property
    def unsent(self) -> int:
        """Bytes that :meth:`data_to_send` would return now."""
        return self._unsent

    # --- what the peer sends -----------------------------------------------------------------

    def receive_data(self, data: bytes, now: float) -> list[Event]:
        """Take received bytes and return what they mean, in order.

        After :class:`Closed` further bytes are dropped. How the stream is cut into calls does not
        change the events.
        """
        if self.state is State.CLOSED:
            return []
        events: list[Event] = []
        try:
            payloads = self._decoder.feed(data)
            if payloads:
                self._heard_at = now
                self._pinged = False
            for payload in payloads:
                self._receive_packet(packets.decode(payload), events)
            if self._decoder.failure is not None:
                raise self._decoder.failure
        except RemoteProtocolError as error:
            events.append(self._close(error))
        return events

    def _receive_packet(self, packet: Packet, events: list[Event]) -> None:
        step = TRANSITIONS.get((self.state, packet.kind))
        if step is None:
            raise RemoteProtocolError(f"{packet.kind.value} while {self.state.value}")
        action, self.state = step
        handler = _HANDLERS.get(action)
        if handler is not None:
            handler(self, packet, events)

    def _on_opened(self, packet: Packet, events: list[Event]) -> None:
        events.append(Opened(packet.id))

    def _on_accepted(self, packet: Packet, events: list[Event]) -> None:
        self._put(packets.encode_plain(Kind.CONNECTED, packet.id))
        events.append(Opened(packet.id))

    def _on_ping(self, packet: Packet, _events: list[Event]) -> None:
        if self._unsent > self._max_unsent:
            raise RemoteProtocolError("the peer pings but does not read")
        self._put(packets.encode_plain(Kind.PONG, packet.id))

    def _on_message(self, packet: Packet, events: list[Event]) -> None:
        body = _decode_known(packet.body)
        events.append(UnknownMessage(body) if isinstance(body, int) else MessageReceived(body))

    def _on_query(self, packet: Packet, events: list[Event]) -> None:
        if packet.id in self._asked_by_peer:
            raise RemoteProtocolError("a query id is used twice")
        if len(self._asked_by_peer) >= self._max_pending:
            raise RemoteProtocolError(f"more than {self._max_pending} unanswered queries")
        self._asked_by_peer.add(packet.id)
        body = _decode_known(packet.body)
        if isinstance(body, int):
            events.append(UnknownQuery(packet.id, body))
        else:
            events.append(QueryReceived(packet.id, body))

    def _on_answer(self, packet: Packet, events: list[Event]) -> None:
        if packet.id not in self._asked:
            return  # late: the asker has given up
        self._asked.discard(packet.id)
        body = _decode_known(packet.body)
        if isinstance(body, int):
            text = f"the answer is of an unknown kind, {body:#010x}"
            events.append(QueryFailed(packet.id, WIRE_PROTOCOL_VIOLATION, text))
        else:
            events.append(AnswerReceived(packet.id, body))

    def _on_error(self, packet: Packet, events: list[Event]) -> None:
        if packet.id not in self._asked:
            return
        self._asked.discard(packet.id)
        message = packet.body.decode("utf-8", "backslashreplace")
        events.append(QueryFailed(packet.id, packet.code, message))

    # --- what we send ------------------------------------------------------------------------

    def send_message(self, obj: tl.TLObject) -> None:
        """Queue a one-way message.

        Raises:
            LocalProtocolError: not open, or the message is too long for a frame or for the bytes
                that may wait. Nothing is queued then.
        """
        self._require_open()
        self._put_parts(packets.encode_message(obj.to_bytes()))

    def send_query(self, query_id: int, obj: tl.TLObject) -> None:
        """Queue a query; ``query_id`` is a random int64 that no pending query of ours uses.

        Raises:
            LocalProtocolError: as :meth:`send_message`, or the id is in use, or too many pend.
        """
        self._require_open()
        if query_id in self._asked:
            raise LocalProtocolError("the query id is in use")
        if len(self._asked) >= self._max_pending:
            raise LocalProtocolError(f"{self._max_pending} queries are unanswered already")
        self._put_parts(packets.encode_query(Kind.QUERY, query_id, obj.to_bytes()))
        self._asked.add(query_id)

    def forget_query(self, query_id: int) -> None:
        """Give up on a query of ours; a late answer is dropped."""
        self._asked.discard(query_id)

    def send_answer(self, query_id: int, obj: tl.TLObject) -> None:
        """Queue the answer to a query of the peer.

        Raises:
            LocalProtocolError: as :meth:`send_message`, or no such query is pending.
        """
        self._require_pending(query_id)
        self._put_parts(packets.encode_query(Kind.ANSWER, query_id, obj.to_bytes()))
        self._asked_by_peer.discard(query_id)

    def send_error(self, query_id: int, code: int, message: str) -> None:
        """Queue an error as the answer to a query of the peer; raises as :meth:`send_answer`."""
        self._require_pending(query_id)
        text = message.encode("utf-8", "surrogateescape")
        self._put_parts(packets.encode_error(query_id, code, text))
        self._asked_by_peer.discard(query_id)

    def data_to_send(self) -> bytes:
        """Return everything queued, in order, and forget it."""
        data = b"".join(self._out)
        self._out.clear()
        self._unsent = 0
        return data

    def close(self) -> None:
        """Close on our side; what is queued may still be drained."""
        self._close(None)

    # --- time --------------------------------------------------------------------------------

    def next_deadline(self) -> float | None:
        """When :meth:`handle_deadline` has something to do, or None once closed."""
        if self.state is State.CLOSED:
            return None
        if self._ping_is_due_later():
            return self._heard_at + PING_AFTER
        return self._heard_at + self._timeout

    def handle_deadline(self, now: float, ping_id: int) -> list[Event]:
        """Do what is due at ``now``: ping with the random ``ping_id``, or give up.

        Calling early, or late, is harmless.
        """
        if self.state is State.CLOSED:
            return []
        if now >= self._heard_at + self._timeout:
            return [self._close(DeadlineError(f"nothing received for {self._timeout:.0f} s"))]
        if self._ping_is_due_later() and now >= self._heard_at + PING_AFTER:
            self._pinged = True
            self._put(packets.encode_plain(Kind.PING, ping_id))
        return []

    def _ping_is_due_later(self) -> bool:
        return self.role is Role.CONNECTOR and self.state is State.OPEN and not self._pinged

    # --- helpers -----------------------------------------------------------------------------

    def _close(self, error: CocoonError | None) -> Closed:
        self.state = State.CLOSED
        self._asked.clear()
        self._asked_by_peer.clear()
        return Closed(error)

    def _require_open(self) -> None:
        if self.state is not State.OPEN:
            raise LocalProtocolError(f"cannot send while {self.state.value}")

    def _require_pending(self, query_id: int) -> None:
        self._require_open()
        if query_id not in self._asked_by_peer:
            raise LocalProtocolError("no such query is waiting for an answer")

    def _put(self, payload: bytes) -> None:
        """Queue one of the small packets of our own, which no limit holds back."""
        frame = self._encoder.encode(payload)
        self._out.append(frame)
        self._unsent += len(frame)

    def _put_parts(self, parts: tuple[bytes, bytes, bytes]) -> None:
        head, body, padding = parts
        length = len(head) + len(body) + len(padding)
        if self._unsent + length > self._max_unsent:
            raise LocalProtocolError(f"more than {self._max_unsent} bytes wait to be sent")
        header = self._encoder.header(length)
        # One small piece for header and prefix: a join is paid by the piece.
        self._out.append(header + head)
        if body:
            self._out.append(body)
        if padding:
            self._out.append(padding)
        self._unsent += len(header) + length


def _decode_known(body: bytes) -> tl.TLObject | int:
    """Decode a wrapped object, or return the constructor id that the schema does not have."""
    try:
        return tl.decode(body)
    except DecodeError:
        magic = tl.peek_id(body)
        if magic is None or tl.is_known_id(magic):
            raise
        return magic


_Handler = Callable[[Connection, Packet, list[Event]], None]
_HANDLERS: Final[Mapping[Action, _Handler]] = {
    Action.OPEN: Connection._on_opened,
    Action.ACCEPT: Connection._on_accepted,
    Action.PONG: Connection._on_ping,
    Action.MESSAGE: Connection._on_message,
    Action.QUERY: Connection._on_query,
    Action.ANSWER: Connection._on_answer,
    Action.ERROR: Connection._on_error,
}
