"""Frames and the packets inside them, cut at arbitrary places."""

import contextlib

from cocoon.errors import DecodeError
from cocoon.wire import packets
from cocoon.wire.frames import FrameDecoder


def fuzz_one(data: bytes) -> None:
    """The first byte says how long the pieces are; the rest is the stream."""
    if not data:
        return
    size = data[0] % 32 + 1
    stream = data[1:]
    whole = _payloads([stream])
    parts = _payloads([stream[i : i + size] for i in range(0, len(stream), size)])
    if whole != parts:
        raise AssertionError("pieces change the frames")
    for payload in [*whole, stream]:
        with contextlib.suppress(DecodeError):
            packets.decode(payload)


def _payloads(pieces: list[bytes]) -> list[bytes]:
    decoder = FrameDecoder(max_len=2**16)
    found: list[bytes] = []
    for piece in pieces:
        try:
            found += decoder.feed(piece)
        except DecodeError:
            break
        if decoder.buffered > 2**16 + 8:
            raise AssertionError("too much is buffered")
    return found


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
