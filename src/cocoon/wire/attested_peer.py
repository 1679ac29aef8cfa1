"""What a router tells its local application about the remote peer (``wire-protocol.md`` §2.5).

One frame, ``u32 length || record``, is the first thing on a local connection. It never crosses the
network and is not authenticated: whoever can reach the local port can claim anything
(``attestation.md`` §6), so it is worth as much as the machine's own firewall.
"""

from dataclasses import dataclass
from struct import Struct

from cocoon.attestation.measurements import Attestation
from cocoon.errors import DecodeError, LocalProtocolError
from cocoon.wire import tl_string

MAX_RECORD = 16536
"""Bytes of a record at most; sic, as the official frame reader has it."""
KEY_SIZE = 32
MAX_ADDRESS = 64
"""Characters of an IP address in text, with room to spare."""

_LENGTH = Struct("<I")
_PORT = Struct("<i")


@dataclass(frozen=True, slots=True)
class AttestedPeerInfo:
    """The record.

    Attributes:
        attestation: what the peer proved, or nothing.
        public_key: the peer's raw Ed25519 key, 32 bytes ("user claims").
        source: address in text and port of the side that connected to the router.
        destination: address in text and port that the router connected to.
    """

    attestation: Attestation
    public_key: bytes
    source: tuple[str, int]
    destination: tuple[str, int]

    def to_bytes(self) -> bytes:
        """Encode the record without its length.

        Raises:
            LocalProtocolError: the key is not 32 bytes, an address not short ASCII, or a port
                outside 0..65535.
        """
        if len(self.public_key) != KEY_SIZE:
            raise LocalProtocolError(f"a public key has {KEY_SIZE} bytes")
        return b"".join(
            (
                self.attestation.to_bytes(),
                tl_string.pack(self.public_key),
                _pack_address(self.source),
                _pack_address(self.destination),
            )
        )

    def to_frame(self) -> bytes:
        """Encode with the length in front; raises as :meth:`to_bytes`."""
        record = self.to_bytes()
        return _LENGTH.pack(len(record)) + record

    @classmethod
    def from_bytes(cls, data: bytes) -> "AttestedPeerInfo":
        """Decode a whole record.

        Raises:
            DecodeError: malformed, cut short, or bytes are left over.
        """
        attestation, at = Attestation.read(data)
        public_key, at = tl_string.unpack(data, at)
        if len(public_key) != KEY_SIZE:
            raise DecodeError(f"a public key of {len(public_key)} bytes")
        source, at = _unpack_address(data, at)
        destination, at = _unpack_address(data, at)
        if at != len(data):
            raise DecodeError(f"{len(data) - at} bytes after the attested-peer record")
        return cls(attestation, public_key, source, destination)


def _pack_address(address: tuple[str, int]) -> bytes:
    host, port = address
    if not host.isascii() or len(host) > MAX_ADDRESS:
        raise LocalProtocolError("an address is an IP address in text")
    if not 0 <= port < 2**16:
        raise LocalProtocolError(f"no such port: {port}")
    return tl_string.pack(host.encode("ascii")) + _PORT.pack(port)


def _unpack_address(data: bytes, at: int) -> tuple[tuple[str, int], int]:
    host, at = tl_string.unpack(data, at)
    if not host.isascii() or len(host) > MAX_ADDRESS:
        raise DecodeError("an address is not a short ASCII text")
    if at + _PORT.size > len(data):
        raise DecodeError("a port is cut short")
    (port,) = _PORT.unpack_from(data, at)
    if not 0 <= port < 2**16:
        raise DecodeError(f"no such port: {port}")
    return (host.decode("ascii"), port), at + _PORT.size


class AttestedPeerReader:
    """Reads the one record at the start of a stream.

    Attributes:
        rest: once the record is complete, the bytes behind it: the application's.
    """

    __slots__ = ("_buffer", "rest")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.rest = b""

    def feed(self, data: bytes) -> AttestedPeerInfo | None:
        """Take bytes; return the record once it is complete, None before. Not to be fed after.

        Raises:
            DecodeError: the length is above the limit, or the record is malformed.
        """
        buffer = self._buffer
        buffer += data
        if len(buffer) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(buffer)
        if length > MAX_RECORD:
            raise DecodeError(f"an attested-peer record of {length} bytes, at most {MAX_RECORD}")
        end = _LENGTH.size + length
        if len(buffer) < end:
            return None
        self.rest = bytes(buffer[end:])
        return AttestedPeerInfo.from_bytes(bytes(buffer[_LENGTH.size : end]))
