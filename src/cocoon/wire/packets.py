"""The eight packets that frames carry, read and written without intermediate objects.

``tcp.packet``, ``tcp.query`` and ``tcp.queryAnswer`` wrap another object as ``bytes``. Decoding
them with :mod:`cocoon.tl` and then the body would copy every body twice; this module finds the
body in place. Layouts are those of ``wire-protocol.md`` §1.3; the ids come from the schema.
"""

from enum import Enum
from struct import Struct
from typing import Final, NamedTuple

from cocoon.errors import DecodeError
from cocoon.tl.codec import framing
from cocoon.tl.types import (
    TcpConnect,
    TcpConnected,
    TcpPacket,
    TcpPing,
    TcpPong,
    TcpQuery,
    TcpQueryAnswer,
    TcpQueryError,
)
from cocoon.wire import tl_string


class Kind(Enum):
    """Which packet it is; the value is its TL name."""

    CONNECT = "tcp.connect"
    CONNECTED = "tcp.connected"
    PING = "tcp.ping"
    PONG = "tcp.pong"
    MESSAGE = "tcp.packet"
    QUERY = "tcp.query"
    ANSWER = "tcp.queryAnswer"
    ERROR = "tcp.queryError"


class Packet(NamedTuple):
    """A decoded packet.

    Attributes:
        kind: which one.
        id: its int64 id; 0 for a message.
        body: the wrapped object (MESSAGE, QUERY, ANSWER), the error text (ERROR) or empty.
        code: the error code (ERROR) or 0.
    """

    kind: Kind
    id: int = 0
    body: bytes = b""
    code: int = 0


_KINDS: Final = {
    TcpConnect.ID: Kind.CONNECT,
    TcpConnected.ID: Kind.CONNECTED,
    TcpPing.ID: Kind.PING,
    TcpPong.ID: Kind.PONG,
    TcpPacket.ID: Kind.MESSAGE,
    TcpQuery.ID: Kind.QUERY,
    TcpQueryAnswer.ID: Kind.ANSWER,
    TcpQueryError.ID: Kind.ERROR,
}
_IDS: Final = {kind: magic for magic, kind in _KINDS.items()}
_PLAIN: Final = frozenset({Kind.CONNECT, Kind.CONNECTED, Kind.PING, Kind.PONG})

_MAGIC = Struct("<I")
_MAGIC_ID = Struct("<Iq")
_MAGIC_ID_CODE = Struct("<Iqi")
_MESSAGE_HEAD = _MAGIC.pack(TcpPacket.ID)


def decode(payload: bytes) -> Packet:
    """Decode the payload of one frame.

    Raises:
        DecodeError: not one of the eight packets, cut short, or with bytes after its end.
    """
    if len(payload) < 4:
        raise DecodeError("a packet has at least 4 bytes")
    (magic,) = _MAGIC.unpack_from(payload)
    kind = _KINDS.get(magic)
    if kind is Kind.MESSAGE:
        return Packet(kind, 0, _body(payload, 4))
    if kind is None:
        raise DecodeError(f"{magic:#010x} is not a tcp.Packet")
    head = _MAGIC_ID_CODE if kind is Kind.ERROR else _MAGIC_ID
    if len(payload) < head.size:
        raise DecodeError(f"{kind.value} is cut short")
    if kind is Kind.ERROR:
        _, packet_id, code = _MAGIC_ID_CODE.unpack_from(payload)
        return Packet(kind, packet_id, _body(payload, head.size), code)
    _, packet_id = _MAGIC_ID.unpack_from(payload)
    if kind not in _PLAIN:
        return Packet(kind, packet_id, _body(payload, head.size))
    if len(payload) != head.size:
        raise DecodeError(f"{len(payload) - head.size} bytes after the end of {kind.value}")
    return Packet(kind, packet_id)


def _body(payload: bytes, offset: int) -> bytes:
    body, end = tl_string.unpack(payload, offset)
    if end != len(payload):
        raise DecodeError(f"{len(payload) - end} bytes after the end of a packet")
    return body


def encode_plain(kind: Kind, packet_id: int) -> bytes:
    """Encode ``tcp.connect``, ``connected``, ``ping`` or ``pong``."""
    return _MAGIC_ID.pack(_IDS[kind], packet_id)


def encode_message(body: bytes) -> tuple[bytes, bytes, bytes]:
    """Encode ``tcp.packet`` as (what precedes the body, the body, padding)."""
    prefix, padding = framing(len(body))
    return _MESSAGE_HEAD + prefix, body, padding


def encode_query(kind: Kind, query_id: int, body: bytes) -> tuple[bytes, bytes, bytes]:
    """Encode ``tcp.query`` or ``tcp.queryAnswer`` as (before, body, padding)."""
    prefix, padding = framing(len(body))
    return _MAGIC_ID.pack(_IDS[kind], query_id) + prefix, body, padding


def encode_error(query_id: int, code: int, message: bytes) -> tuple[bytes, bytes, bytes]:
    """Encode ``tcp.queryError`` as (before, message, padding)."""
    prefix, padding = framing(len(message))
    return _MAGIC_ID_CODE.pack(TcpQueryError.ID, query_id, code) + prefix, message, padding
