"""Any cells as the root contract's data: a configuration that can be written again, or refused."""

import dataclasses

from cocoon.chain.address import Address
from cocoon.chain.boc import from_boc
from cocoon.chain.root_contract import root_config, root_data
from cocoon.errors import DecodeError

ADDRESS = Address(bytes(32))


def fuzz_one(data: bytes) -> None:
    try:
        config = root_config(ADDRESS, from_boc(data, max_bytes=4096, max_cells=64))
    except DecodeError:
        return
    config = dataclasses.replace(config, owner=ADDRESS)
    if root_config(ADDRESS, root_data(config)) != config:
        raise AssertionError("root configuration does not round-trip")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
