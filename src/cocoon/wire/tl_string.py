"""TL ``bytes`` in the middle of a buffer that is no TL object (``wire-protocol.md`` §1.1)."""

from cocoon.errors import DecodeError
from cocoon.tl.codec import framing, read_bytes


def pack(data: bytes) -> bytes:
    """Encode ``data`` with its prefix and padding.

    Raises:
        LocalProtocolError: 2^24 bytes or more.
    """
    prefix, padding = framing(len(data))
    return prefix + data + padding


def unpack(buffer: bytes, offset: int) -> tuple[bytes, int]:
    """Decode the string at ``offset``, a multiple of 4; return it and the offset behind it.

    Like the official reader this accepts a long prefix for a short string and any padding bytes.

    Raises:
        DecodeError: the string or its padding reaches beyond the buffer.
    """
    if offset >= len(buffer):
        raise DecodeError("a string is missing")
    return read_bytes(buffer, offset, len(buffer))
