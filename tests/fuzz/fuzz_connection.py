"""A connection fed with frames whose payloads are arbitrary, and with raw bytes."""

from cocoon.errors import RemoteProtocolError
from cocoon.tl import types as t
from cocoon.wire import packets
from cocoon.wire.connection import Closed, Connection, QueryReceived, Role, State, UnknownQuery
from cocoon.wire.frames import FrameEncoder
from cocoon.wire.packets import Kind


def fuzz_one(data: bytes) -> None:
    """The first byte picks role, handshake and raw or framed; length-prefixed payloads follow."""
    if not data:
        return
    choice, stream = data[0], data[1:]
    role = Role.ACCEPTOR if choice & 1 else Role.CONNECTOR
    connection = Connection(role, connection_id=7, now=0.0, max_pending=4, max_unsent=4096)
    encoder = FrameEncoder()
    if choice & 2:
        first = Kind.CONNECT if role is Role.ACCEPTOR else Kind.CONNECTED
        connection.receive_data(encoder.encode(packets.encode_plain(first, 7)), 0.0)
        connection.send_query(1, t.TestQuery(id=1))
    if choice & 4:
        _step(connection, stream)
        return
    while stream and connection.state is not State.CLOSED:
        size = stream[0] + 4
        payload, stream = stream[1 : 1 + size].ljust(4, b"\0"), stream[1 + size :]
        _step(connection, encoder.encode(payload))


def _step(connection: Connection, data: bytes) -> None:
    events = connection.receive_data(data, 1.0)
    for event in events:
        if isinstance(event, QueryReceived | UnknownQuery) and connection.state is State.OPEN:
            connection.send_error(event.query_id, 0, "Lost promise")
        if isinstance(event, Closed) and not isinstance(event.error, RemoteProtocolError):
            raise AssertionError("closed for no fault of the peer")
    closed = bool(events) and isinstance(events[-1], Closed)
    if closed != (connection.state is State.CLOSED):
        raise AssertionError("state and events disagree")
    connection.handle_deadline(12.0, 3)
    connection.data_to_send()


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
