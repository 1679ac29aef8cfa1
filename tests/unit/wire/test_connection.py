import pytest

from cocoon import tl
from cocoon.errors import DeadlineError, DecodeError, LocalProtocolError, RemoteProtocolError
from cocoon.tl import types as t
from cocoon.wire import packets
from cocoon.wire.connection import (
    PING_AFTER,
    RECEIVE_TIMEOUT_ACCEPTOR,
    RECEIVE_TIMEOUT_CONNECTOR,
    TRANSITIONS,
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
from cocoon.wire.frames import FrameDecoder, FrameEncoder
from cocoon.wire.packets import Kind

QUESTION = t.TestQuery(id=4)
ANSWER = t.TestAnswer(id=5)
UNKNOWN = b"\x01\x02\x03\x04"


def pair() -> tuple[Connection, Connection]:
    left = Connection(Role.CONNECTOR, connection_id=77, now=100.0)
    right = Connection(Role.ACCEPTOR, now=100.0)
    assert right.receive_data(left.data_to_send(), 100.0) == [Opened(77)]
    assert left.receive_data(right.data_to_send(), 100.0) == [Opened(77)]
    assert (left.state, right.state) == (State.OPEN, State.OPEN)
    return left, right


def move(source: Connection, target: Connection, now: float = 100.0) -> list[Event]:
    return target.receive_data(source.data_to_send(), now)


def wrap(kind: Kind, body: bytes, query_id: int = 1) -> bytes:
    if kind is Kind.MESSAGE:
        return b"".join(packets.encode_message(body))
    return b"".join(packets.encode_query(kind, query_id, body))


def from_peer(connection: Connection, payload: bytes, seqno: int = 1) -> list[Event]:
    encoder = FrameEncoder()
    for _ in range(seqno):
        encoder.encode(bytes(4))
    return connection.receive_data(encoder.encode(payload), 100.0)


def error_of(events: list[Event]) -> object:
    assert isinstance(events[-1], Closed)
    return type(events[-1].error)


def test_messages_in_both_directions() -> None:
    left, right = pair()
    left.send_message(QUESTION)
    left.send_message(ANSWER)
    assert move(left, right) == [MessageReceived(QUESTION), MessageReceived(ANSWER)]
    right.send_message(ANSWER)
    assert move(right, left) == [MessageReceived(ANSWER)]


def test_what_goes_out_is_the_packet_that_tl_would_write() -> None:
    left, right = pair()
    big = t.TcpPacket(data=bytes(1000))
    left.send_message(big)
    left.send_query(3, QUESTION)
    payloads = FrameDecoder().feed(
        Connection(Role.CONNECTOR, connection_id=0, now=0.0).data_to_send()
    )
    assert payloads == [t.TcpConnect(id=0).to_bytes()]
    sent = left.data_to_send()
    assert sent[8:].startswith(t.TcpPacket(data=big.to_bytes()).to_bytes())
    assert sent.endswith(t.TcpQuery(id=3, data=QUESTION.to_bytes()).to_bytes())
    right.receive_data(sent, 100.0)
    right.send_error(3, 651, "später")
    expected = t.TcpQueryError(id=3, code=651, message="später").to_bytes()
    assert right.data_to_send()[8:] == expected


def test_queries_are_answered_in_any_order() -> None:
    left, right = pair()
    for query_id in (1, -2, 3):
        left.send_query(query_id, QUESTION)
    assert move(left, right) == [QueryReceived(n, QUESTION) for n in (1, -2, 3)]
    right.send_answer(3, ANSWER)
    right.send_error(1, 651, "busy")
    right.send_answer(-2, ANSWER)
    assert move(right, left) == [
        AnswerReceived(3, ANSWER),
        QueryFailed(1, 651, "busy"),
        AnswerReceived(-2, ANSWER),
    ]


def test_late_and_uninvited_answers_are_dropped() -> None:
    left, right = pair()
    left.send_query(1, QUESTION)
    move(left, right)
    left.forget_query(1)
    right.send_answer(1, ANSWER)
    assert move(right, left) == []
    assert from_peer(left, wrap(Kind.ANSWER, ANSWER.to_bytes(), 9), seqno=2) == []


def test_unknown_kinds_are_events_and_malformed_ones_are_fatal() -> None:
    left, right = pair()
    assert from_peer(right, wrap(Kind.MESSAGE, UNKNOWN)) == [UnknownMessage(0x04030201)]
    assert from_peer(right, wrap(Kind.QUERY, UNKNOWN, 8), 2) == [UnknownQuery(8, 0x04030201)]
    right.send_error(8, 0, "Lost promise")
    left.send_query(1, QUESTION)
    failed = from_peer(left, wrap(Kind.ANSWER, UNKNOWN, 1))
    assert failed == [QueryFailed(1, 621, "the answer is of an unknown kind, 0x04030201")]
    for kind in (Kind.MESSAGE, Kind.QUERY):
        for body in (b"", b"abc", QUESTION.to_bytes() + b"\0\0\0\0", QUESTION.to_bytes()[:-4]):
            _, peer = pair()
            assert error_of(from_peer(peer, wrap(kind, body))) is DecodeError


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("role", list(Role))
def test_only_the_handshake_may_come_first(role: Role, kind: Kind) -> None:
    connection = Connection(role, connection_id=1, now=0.0)
    connection.data_to_send()
    body = ANSWER.to_bytes()
    if kind is Kind.ERROR:
        payload = b"".join(packets.encode_error(1, 2, b"x"))
    elif kind in {Kind.MESSAGE, Kind.QUERY, Kind.ANSWER}:
        payload = wrap(kind, body)
    else:
        payload = packets.encode_plain(kind, 5)
    first = connection.state
    events = from_peer(connection, payload, 0)
    if (first, kind) in TRANSITIONS:
        assert events == [Opened(5)]
    else:
        assert error_of(events) is RemoteProtocolError
        assert connection.state is State.CLOSED


def test_later_handshake_packets_are_ignored() -> None:
    _left, right = pair()
    for seqno, kind in enumerate((Kind.CONNECT, Kind.CONNECTED, Kind.PONG), 1):
        assert from_peer(right, packets.encode_plain(kind, 3), seqno) == []
    assert right.data_to_send() == b""


def test_ping_is_answered_by_either_side() -> None:
    for connection in pair():
        from_peer(connection, packets.encode_plain(Kind.PING, -9))
        assert connection.data_to_send()[8:] == packets.encode_plain(Kind.PONG, -9)


def test_connector_pings_once_and_then_gives_up() -> None:
    left, right = pair()
    assert left.next_deadline() == 100.0 + PING_AFTER
    assert left.handle_deadline(109.9, 1) == []
    assert left.data_to_send() == b""
    assert left.handle_deadline(110.0, 1) == []
    assert left.handle_deadline(111.0, 2) == []
    ping = left.data_to_send()
    assert ping[8:] == packets.encode_plain(Kind.PING, 1)
    assert left.next_deadline() == 100.0 + RECEIVE_TIMEOUT_CONNECTOR
    assert right.receive_data(ping, 110.0) == []
    assert move(right, left, 110.5) == []
    assert left.next_deadline() == 110.5 + PING_AFTER
    assert error_of(left.handle_deadline(130.5, 3)) is DeadlineError
    assert left.next_deadline() is None
    assert left.handle_deadline(200.0, 4) == []


def test_acceptor_never_pings() -> None:
    _, right = pair()
    assert right.next_deadline() == 100.0 + RECEIVE_TIMEOUT_ACCEPTOR
    assert right.handle_deadline(159.9, 1) == []
    assert right.data_to_send() == b""
    assert error_of(right.handle_deadline(160.0, 1)) is DeadlineError


@pytest.mark.parametrize("role", list(Role))
def test_the_handshake_has_the_receive_timeout(role: Role) -> None:
    connection = Connection(role, now=5.0)
    limit = {Role.CONNECTOR: 20.0, Role.ACCEPTOR: 60.0}[role]
    assert connection.next_deadline() == 5.0 + limit
    assert error_of(connection.handle_deadline(5.0 + limit, 0)) is DeadlineError


def test_half_a_frame_does_not_count_as_heard() -> None:
    left, right = pair()
    right.send_message(ANSWER)
    data = right.data_to_send()
    left.receive_data(data[:-1], 105.0)
    assert left.next_deadline() == 110.0
    left.receive_data(data[-1:], 106.0)
    assert left.next_deadline() == 116.0


def test_misuse_raises_and_changes_nothing() -> None:
    fresh = Connection(Role.CONNECTOR, now=0.0)
    with pytest.raises(LocalProtocolError):
        fresh.send_message(ANSWER)
    left, right = pair()
    with pytest.raises(LocalProtocolError):
        right.send_answer(1, ANSWER)
    left.send_query(1, QUESTION)
    with pytest.raises(LocalProtocolError):
        left.send_query(1, QUESTION)
    move(left, right)
    right.send_answer(1, ANSWER)
    with pytest.raises(LocalProtocolError):
        right.send_answer(1, ANSWER)
    left.close()
    with pytest.raises(LocalProtocolError):
        left.send_message(ANSWER)


def test_too_long_is_said_and_the_connection_goes_on() -> None:
    left, right = pair()
    with pytest.raises(LocalProtocolError):
        left.send_message(t.TcpPacket(data=bytes(2**24)))
    small = Connection(Role.ACCEPTOR, now=0.0, max_unsent=64)
    from_peer(small, packets.encode_plain(Kind.CONNECT, 1), 0)
    small.send_message(ANSWER)
    with pytest.raises(LocalProtocolError, match="wait to be sent"):
        small.send_message(ANSWER)
    left.send_message(ANSWER)
    assert move(left, right) == [MessageReceived(ANSWER)]


def test_limits_on_the_peer() -> None:
    right = Connection(Role.ACCEPTOR, now=0.0, max_pending=2, max_unsent=100)
    from_peer(right, packets.encode_plain(Kind.CONNECT, 1), 0)
    from_peer(right, wrap(Kind.QUERY, QUESTION.to_bytes(), 1), 1)
    from_peer(right, wrap(Kind.QUERY, QUESTION.to_bytes(), 2), 2)
    assert error_of(from_peer(right, wrap(Kind.QUERY, QUESTION.to_bytes(), 3), 3)) is (
        RemoteProtocolError
    )
    _, twice = pair()
    from_peer(twice, wrap(Kind.QUERY, QUESTION.to_bytes(), 1), 1)
    assert error_of(from_peer(twice, wrap(Kind.QUERY, QUESTION.to_bytes(), 1), 2)) is (
        RemoteProtocolError
    )
    flooded = Connection(Role.ACCEPTOR, now=0.0, max_unsent=100)
    from_peer(flooded, packets.encode_plain(Kind.CONNECT, 1), 0)
    for seqno in range(1, 7):
        events = from_peer(flooded, packets.encode_plain(Kind.PING, 1), seqno)
    assert error_of(events) is RemoteProtocolError
    assert flooded.unsent < 200


def test_good_frames_before_a_bad_one_still_count() -> None:
    left, right = pair()
    left.send_message(ANSWER)
    events = right.receive_data(left.data_to_send() + b"\0" * 8, 100.0)
    assert events[0] == MessageReceived(ANSWER)
    assert error_of(events) is DecodeError
    assert right.receive_data(b"more", 101.0) == []


def test_seqno_wraps_like_an_int32() -> None:
    encoder, decoder = FrameEncoder(), FrameDecoder()
    encoder._seqno = decoder._seqno = 2**31 - 1
    assert decoder.feed(encoder.encode(b"last") + encoder.encode(b"next")) == [b"last", b"next"]


def test_decode_is_the_schema_s() -> None:
    assert tl.decode(QUESTION.to_bytes()) == QUESTION
