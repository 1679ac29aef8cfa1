"""The attested-peer record: what parses is written back as the same value."""

import contextlib

from cocoon.errors import DecodeError
from cocoon.wire.attested_peer import AttestedPeerInfo, AttestedPeerReader


def fuzz_one(data: bytes) -> None:
    """The bytes as a record, and as a framed stream."""
    try:
        info = AttestedPeerInfo.from_bytes(data)
    except DecodeError:
        pass
    else:
        if AttestedPeerInfo.from_bytes(info.to_bytes()) != info:
            raise AssertionError("a record changes when it is written back")
    with contextlib.suppress(DecodeError):
        AttestedPeerReader().feed(data)


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
