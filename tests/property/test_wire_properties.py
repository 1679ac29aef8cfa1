"""Hypothesis: how a stream is cut changes nothing, and nothing leaves the known states."""

import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cocoon.attestation.measurements import Attestation, SgxMeasurements, TdxMeasurements
from cocoon.errors import DecodeError, RemoteProtocolError
from cocoon.tl import types as t
from cocoon.wire import packets, tl_string
from cocoon.wire import pow as proof
from cocoon.wire.attested_peer import AttestedPeerInfo, AttestedPeerReader
from cocoon.wire.connection import Closed, Connection, Role, State
from cocoon.wire.frames import FrameDecoder, FrameEncoder
from cocoon.wire.packets import Kind
from cocoon.wire.socks5 import Socks5Client, Socks5Server

int64 = st.integers(-(2**63), 2**63 - 1)
bodies = st.one_of(
    st.binary(max_size=300),
    int64.map(lambda n: t.TestQuery(id=n).to_bytes()),
    int64.map(lambda n: t.TestAnswer(id=n).to_bytes()),
    st.just(b"\x01\x02\x03\x04"),
)


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    kind = draw(st.sampled_from([*Kind, None]))
    if kind is None:
        return draw(st.binary(min_size=4, max_size=40))
    if kind is Kind.MESSAGE:
        return b"".join(packets.encode_message(draw(bodies)))
    query_id = draw(st.integers(0, 3) | int64)
    if kind in {Kind.QUERY, Kind.ANSWER}:
        return b"".join(packets.encode_query(kind, query_id, draw(bodies)))
    if kind is Kind.ERROR:
        code = draw(st.integers(-(2**31), 2**31 - 1))
        return b"".join(packets.encode_error(query_id, code, draw(st.binary(max_size=50))))
    return packets.encode_plain(kind, query_id)


@st.composite
def streams(draw: st.DrawFn) -> bytes:
    encoder = FrameEncoder()
    frames = [encoder.encode(payload) for payload in draw(st.lists(payloads(), max_size=8))]
    return b"".join(frames) + draw(st.binary(max_size=12))


def cut(data: bytes, at: list[int]) -> list[bytes]:
    edges = [0, *sorted(n % (len(data) + 1) for n in at), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]


cuts = st.lists(st.integers(0, 10_000), max_size=8)


def feed(role: Role, opened: bool, pieces: list[bytes]) -> tuple[list[Any], State, bytes]:
    connection = Connection(role, connection_id=1, now=0.0)
    encoder = FrameEncoder()
    if opened:
        first = Kind.CONNECTED if role is Role.CONNECTOR else Kind.CONNECT
        connection.receive_data(encoder.encode(packets.encode_plain(first, 1)), 0.0)
        connection.send_query(2, t.TestQuery(id=1))
        connection._decoder = FrameDecoder()  # the generated stream starts at frame 0
    events: list[Any] = []
    for piece in pieces:
        events += connection.receive_data(piece, 1.0)
    return events, connection.state, connection.data_to_send()


def shape(events: list[Any]) -> list[Any]:
    return [
        (type(event), type(event.error), str(event.error)) if isinstance(event, Closed) else event
        for event in events
    ]


@given(st.sampled_from(Role), st.booleans(), streams(), cuts)
def test_chunks_do_not_matter(role: Role, opened: bool, data: bytes, at: list[int]) -> None:
    whole = feed(role, opened, [data])
    parts = feed(role, opened, cut(data, at))
    assert shape(whole[0]) == shape(parts[0])
    assert whole[1:] == parts[1:]


@given(st.sampled_from(Role), st.booleans(), streams())
def test_every_packet_lands_in_a_known_state(role: Role, opened: bool, data: bytes) -> None:
    events, state, _ = feed(role, opened, [data])
    closed = [event for event in events if isinstance(event, Closed)]
    assert closed == events[-1:] * bool(closed)
    assert (state is State.CLOSED) == bool(closed)
    for event in closed:
        assert isinstance(event.error, RemoteProtocolError)


@given(st.lists(st.binary(min_size=4, max_size=600), max_size=6), cuts)
def test_frames_round_trip(payload_list: list[bytes], at: list[int]) -> None:
    encoder, decoder = FrameEncoder(), FrameDecoder()
    data = b"".join(encoder.encode(payload) for payload in payload_list)
    assert [p for piece in cut(data, at) for p in decoder.feed(piece)] == payload_list
    assert decoder.buffered == 0


@given(st.binary(max_size=70_000) | st.integers(250, 260).map(bytes))
def test_strings_agree_with_the_schema_codec(data: bytes) -> None:
    packed = tl_string.pack(data)
    assert t.TcpPacket(data=data).to_bytes()[4:] == packed
    assert tl_string.unpack(b"????" + packed, 4) == (data, 4 + len(packed))


@given(st.binary(max_size=64))
def test_packets_agree_with_the_schema_codec(data: bytes) -> None:
    try:
        packet = packets.decode(data)
    except DecodeError:
        return
    rebuilt = {
        Kind.MESSAGE: lambda: t.TcpPacket(data=packet.body),
        Kind.QUERY: lambda: t.TcpQuery(id=packet.id, data=packet.body),
        Kind.ANSWER: lambda: t.TcpQueryAnswer(id=packet.id, data=packet.body),
    }.get(packet.kind)
    if rebuilt is not None:
        assert rebuilt().to_bytes()[:4] == data[:4]


@settings(max_examples=30)
@given(st.binary(min_size=16, max_size=16), st.integers(0, 9))
def test_pow_solutions_check(salt: bytes, difficulty: int) -> None:
    nonce = proof.solve(salt, difficulty, 0, 2**16)
    assert nonce is not None
    assert proof.check(salt, nonce, difficulty)
    assert proof.solve(salt, difficulty, 0, nonce) is None


register = st.binary(min_size=48, max_size=48)
report = st.binary(min_size=64, max_size=64)
attestations = st.builds(
    Attestation,
    st.none()
    | st.builds(
        TdxMeasurements,
        register,
        register,
        register,
        register,
        st.tuples(register, register, register, register),
        report,
    )
    | st.builds(SgxMeasurements, st.binary(min_size=32, max_size=32), report),
    register,
)
addresses = st.tuples(st.ip_addresses().map(str), st.integers(0, 65535))


@given(attestations, st.binary(min_size=32, max_size=32), addresses, addresses, cuts)
def test_attested_peer_round_trip(
    attestation: Attestation,
    key: bytes,
    source: tuple[str, int],
    destination: tuple[str, int],
    at: list[int],
) -> None:
    info = AttestedPeerInfo(attestation, key, source, destination)
    reader, found, rest = AttestedPeerReader(), None, b""
    for piece in cut(info.to_frame() + b"rest", at):
        if found is None:
            found = reader.feed(piece)
            rest = reader.rest if found else b""
        else:
            rest += piece
    assert found == info
    assert rest == b"rest"


@given(
    st.ip_addresses(v=4).map(str),
    st.integers(1, 65535),
    st.none() | st.text("abcdefgh", min_size=1, max_size=20),
    cuts,
    cuts,
)
def test_socks5_halves_understand_each_other(
    host: str, port: int, username: str | None, to_server: list[int], to_client: list[int]
) -> None:
    client = Socks5Client(host, port, username)
    server = Socks5Server(None if username is None else {username})
    request, accepted = None, False
    for _ in range(4):
        for piece in cut(client.data_to_send(), to_server):
            request = request or server.receive_data(piece)
        if request is not None:
            server.accept()
        for piece in cut(server.data_to_send(), to_client):
            accepted = accepted or client.receive_data(piece)
        if accepted:
            break
    assert accepted
    assert request is not None
    assert (request.host, request.port, request.username) == (host, port, username)


@given(st.binary(max_size=40), cuts)
def test_socks5_server_survives_anything(data: bytes, at: list[int]) -> None:
    def run(pieces: list[bytes]) -> tuple[Any, bytes]:
        server = Socks5Server({"tdx"})
        request = None
        try:
            for piece in pieces:
                if request is None:
                    request = server.receive_data(piece)
        except RemoteProtocolError as error:
            return str(error), server.data_to_send()
        return request, server.data_to_send()

    assert run([data]) == run(cut(data, at))
