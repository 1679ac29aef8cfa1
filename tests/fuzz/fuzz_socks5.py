"""Both halves of SOCKS5 against an arbitrary peer."""

import contextlib

from cocoon.errors import RemoteProtocolError
from cocoon.wire.socks5 import Socks5Client, Socks5Server


def fuzz_one(data: bytes) -> None:
    """The first byte picks the half and the size of the pieces."""
    if not data:
        return
    choice, stream = data[0], data[1:]
    half: Socks5Server | Socks5Client
    match choice & 3:
        case 0:
            half = Socks5Server()
        case 1:
            half = Socks5Server({"tdx"})
        case 2:
            half = Socks5Client("10.0.0.1", 5000)
        case _:
            half = Socks5Client("10.0.0.1", 5000, "tdx")
    size = (choice >> 2) + 1
    with contextlib.suppress(RemoteProtocolError):
        for start in range(0, len(stream), size):
            if half.receive_data(stream[start : start + size]):
                break
    half.data_to_send()


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
