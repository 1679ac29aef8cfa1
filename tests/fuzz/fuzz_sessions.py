"""Fuzz the session state machines: objects parsed from any bytes, in any state of any half."""

from fuzz_tl import boxed

from cocoon import tl
from cocoon.errors import DecodeError, RemoteProtocolError
from cocoon.testing.sessions import (
    new_client_pair,
    new_worker_pair,
    ready_client_pair,
    ready_worker_pair,
)

PAIRS = (new_client_pair, new_worker_pair, ready_client_pair, ready_worker_pair)


def fuzz_one(data: bytes) -> None:
    """First byte: pair, half, version and receiver; then messages with two bytes of length."""
    if not data:
        return
    choice, rest = data[0], data[1:]
    session = PAIRS[choice & 3](min(choice >> 2 & 3, 2))[choice >> 4 & 1]
    receivers = sorted(name for name in dir(session) if name.startswith("receive_"))
    while len(rest) > 3:
        receiver, size = rest[0], int.from_bytes(rest[1:3], "little")
        body, rest = rest[3 : 3 + size], rest[3 + size :]
        try:
            getattr(session, receivers[receiver % len(receivers)])(tl.decode(boxed(body)))
        except DecodeError:
            continue
        except RemoteProtocolError:
            if session.state.name != "FAILED":
                raise


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
