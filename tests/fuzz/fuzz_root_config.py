"""Any bytes as a root configuration: a value that addresses derive from, or ConfigError."""

from cocoon.chain import Address, load_pseudo_config
from cocoon.errors import ConfigError

_OWNER = Address(bytes(32))


def fuzz_one(data: bytes) -> None:
    try:
        root = load_pseudo_config(data)
    except ConfigError:
        return
    proxy = root.proxy_address(_OWNER, bytes(32))
    root.client_address(_OWNER, proxy, bytes(32))
    root.worker_address(_OWNER, proxy, bytes(32))


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
