"""A worker's money for commands: the chain and what the worker remembers, without its engine."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cocoon.accounting import PaymentClaim
from cocoon.chain.address import Address
from cocoon.chain.contracts.payment import WORKER_PAYOUT
from cocoon.errors import ConfigError
from cocoon.net.chain_access import ChainAccess
from cocoon.net.payment_book import PaymentBook
from cocoon.worker.chain.money import WorkerMoney
from cocoon.worker.settings import WorkerSettings


@asynccontextmanager
async def opened_worker_money(settings: WorkerSettings) -> AsyncIterator[WorkerMoney]:
    """Everything that :class:`WorkerMoney` can do, with the worker itself not running.

    Args:
        settings: of the worker, with a chain; its engine is not started.

    Raises:
        ConfigError: TON is simulated.
        StoreError: a file cannot be read.
        ChainError: the chain cannot be reached.
    """
    if settings.chain is None:
        raise ConfigError("TON is simulated: there is no money on chain")
    access = ChainAccess(settings.chain, settings.root)
    book = PaymentBook(WORKER_PAYOUT, settings.state_path)

    def claim(contract: Address, proxy: Address, key: bytes) -> PaymentClaim:
        return book.open(proxy=proxy, contract=contract, public_key=key).known

    money = WorkerMoney(access, Address.parse(settings.owner), settings.payouts, claim)
    await access.start()
    try:
        yield money
    finally:
        await money.close()
        await access.close()
