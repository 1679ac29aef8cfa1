"""TL ``bytes``/``string`` in the middle of a buffer (``wire-protocol.md`` §1.1)."""

from cocoon.errors import DecodeError, LocalProtocolError

_PADDING = (b"", b"\0\0\0", b"\0\0", b"\0")


def around(length: int) -> tuple[bytes, bytes]:
    """Return what stands before and after ``length`` bytes of data.

    Raises:
        LocalProtocolError: 2^24 bytes or more; no frame could carry them.
    """
    if length < 254:
        return bytes((length,)), _PADDING[(length + 1) & 3]
    if length < 2**24:
        return b"\xfe" + length.to_bytes(3, "little"), _PADDING[length & 3]
    raise LocalProtocolError(f"{length} bytes do not fit into a frame")


def pack(data: bytes) -> bytes:
    """Encode ``data`` with its prefix and padding; raises as :func:`around`."""
    prefix, padding = around(len(data))
    return prefix + data + padding


def unpack(buffer: bytes, offset: int) -> tuple[bytes, int]:
    """Decode the string at ``offset``; return it and the offset behind its padding.

    Like the official reader this accepts a long prefix for a short string and any padding bytes.

    Raises:
        DecodeError: the string or its padding reaches beyond the buffer.
    """
    if offset >= len(buffer):
        raise DecodeError("a string is missing")
    length = buffer[offset]
    if length < 254:
        start = offset + 1
    elif length == 254:
        start = offset + 4
        length = int.from_bytes(buffer[offset + 1 : start], "little")
    else:
        start = offset + 8
        length = int.from_bytes(buffer[offset + 1 : start], "little")
    stop = start + length
    end = stop + (offset - stop) % 4
    if end > len(buffer):
        raise DecodeError("a string is cut short")
    return bytes(buffer[start:stop]), end
