"""Any bytes as an address text or a proxy's network address: a value, or DecodeError."""

import contextlib

from cocoon.chain.address import Address
from cocoon.chain.net_address import parse_registered_proxy
from cocoon.errors import DecodeError


def fuzz_one(data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    try:
        address = Address.parse(text)
    except DecodeError:
        pass
    else:
        if Address.parse(address.friendly(testnet=True)) != address:
            raise AssertionError("address does not round-trip")
    with contextlib.suppress(DecodeError):
        parse_registered_proxy(1, text)


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
