"""A root contract's lists, as they stand on chain now."""

import asyncio
from pathlib import Path

from cocoon.chain.root_config import RootConfig
from cocoon.chain.root_contract import read_root
from cocoon.cli.governance.places import find_root
from cocoon.cli.money.network_choice import connect


def read_chain_root(
    address: str | None = None,
    *,
    url: str | None = None,
    state: Path | None = None,
    testnet: bool = True,
) -> RootConfig:
    """Read a root contract once.

    Args:
        address: of the contract; None takes that of the devnet in ``state``.
        url: of an HTTP API of the toncenter form, which is believed.
        state: directory of a devnet, whose chain is read.
        testnet: which network the URL must be of.

    Raises:
        ConfigError: the contract or the chain is not named, or cannot be found.
        ChainError: the chain cannot be reached, or there is no root contract.
    """
    root = find_root(address, state, None)
    backend = connect(url, state, None, testnet=testnet)

    async def look() -> RootConfig:
        try:
            await backend.start()
            return await read_root(backend, root)
        finally:
            await backend.close()

    return asyncio.run(look())
