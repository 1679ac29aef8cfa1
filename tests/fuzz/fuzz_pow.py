"""Proof-of-work messages: what parses is written back byte for byte."""

from cocoon.errors import DecodeError
from cocoon.wire import pow as proof


def fuzz_one(data: bytes) -> None:
    """The bytes as a challenge, and as a response that is then checked."""
    for codec in (proof.Challenge, proof.Response):
        try:
            message = codec.from_bytes(data)
        except DecodeError:
            continue
        if message.to_bytes() != data:
            raise AssertionError("a message changes when it is written back")
        if isinstance(message, proof.Response):
            proof.check(bytes(16), message.nonce, data[-1])


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
