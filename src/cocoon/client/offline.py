"""A client's money for commands: the chain and what the client remembers, without connections."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cocoon.client.chain.money import ClientMoney, opened_money
from cocoon.client.settings import ClientSettings
from cocoon.client.wallet import Wallet
from cocoon.errors import ConfigError
from cocoon.net.chain_access import ChainAccess


@asynccontextmanager
async def opened_client_money(settings: ClientSettings) -> AsyncIterator[ClientMoney]:
    """Everything that :class:`ClientMoney` can do, with the client itself not running.

    Proxies, their keys and operators are not needed: charges come from the payments file, the rest
    from the chain.

    Args:
        settings: of the client, with a chain.

    Raises:
        ConfigError: TON is simulated.
        StoreError: the client is running: ask it over its HTTP port; or a file cannot be read.
        ChainError: the chain cannot be reached.
    """
    if settings.chain is None:
        raise ConfigError("TON is simulated: there is no money on chain")
    access = ChainAccess(settings.chain, settings.root)
    wallet = Wallet(settings, access.root)
    async with opened_money(access, settings.deposits, wallet.claim, settings.secret) as money:
        yield money
