"""Orders about a client's money: to the client that runs, or on the chain when it does not."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol
from urllib.parse import urlencode

from cocoon.accounting import PaymentClaim
from cocoon.chain.address import Address
from cocoon.chain.contracts.payment import CLIENT_CHARGE
from cocoon.chain.root_contract import read_root
from cocoon.cli.client_money import contract_object, outcome_object, outlook_object
from cocoon.cli.config import tables
from cocoon.cli.config.chain import chain_settings
from cocoon.cli.config.common import same_fields
from cocoon.cli.money.control import Control
from cocoon.cli.money.target import Target
from cocoon.client.chain.limits import DepositLimits
from cocoon.client.chain.money import ClientMoney, opened_money
from cocoon.client.chain.plan import Operation
from cocoon.errors import ConfigError
from cocoon.net.chain_access import ChainAccess
from cocoon.net.chain_settings import ChainSettings
from cocoon.net.payment_book import PaymentBook

Json = dict[str, Any]
OPERATIONS = {
    "topup": Operation.TOP_UP,
    "withdraw": Operation.WITHDRAW,
    "close": Operation.REQUEST_REFUND,
    "reopen": Operation.REOPEN,
}


class ClientAgent(Protocol):
    """Carries out orders; the answers are the JSON objects of the client's control paths."""

    running: bool
    """Whether a client runs, which goes on with what cannot be done at once."""

    async def contracts(self) -> list[Json]:
        """Every contract of the client: addresses, balance, state."""
        ...

    async def outlook(self, order: str, proxy: str, amount: int = 0) -> Json:
        """What an order would do."""
        ...

    async def order(self, order: str, proxy: str, *, amount: int = 0, force: bool = False) -> Json:
        """Do it; says what was done and what remains, and the chain's time as ``now`` if known."""
        ...


class RunningClient:
    """The client that runs, by its HTTP interface.

    Args:
        control: its control paths.
    """

    running = True

    def __init__(self, control: Control) -> None:
        self._control = control

    async def contracts(self) -> list[Json]:
        """Every contract that it knows."""
        page = await self._control.get("jsonstats")
        return [item for item in page["proxies"] if "state" in item]

    async def outlook(self, order: str, proxy: str, amount: int = 0) -> Json:
        """What an order would do."""
        return await self._control.get(_path(order, proxy, amount))

    async def order(self, order: str, proxy: str, *, amount: int = 0, force: bool = False) -> Json:
        """Do it."""
        return await self._control.post(_path(order, proxy, amount, force=force))


class StoppedClient:
    """A client that does not run: its contracts on the chain, with its key.

    Args:
        money: its money.
        now: the chain's time, Unix seconds.
    """

    running = False

    def __init__(self, money: ClientMoney, now: Callable[[], Awaitable[int]]) -> None:
        self._money = money
        self._now = now

    async def contracts(self) -> list[Json]:
        """Every contract that it ever used, read now."""
        reports = [await self._money.look(contract) for contract in self._money.contracts]
        return [
            {
                "proxy_sc_address": one.proxy,
                "sc_address": one.contract,
                **contract_object(one),
            }
            for one in reports
        ]

    async def outlook(self, order: str, proxy: str, amount: int = 0) -> Json:
        """What an order would do."""
        contract = self._money.find(Address.parse(proxy))
        return outlook_object(await self._money.outlook(contract, OPERATIONS[order], amount))

    async def order(self, order: str, proxy: str, *, amount: int = 0, force: bool = False) -> Json:
        """Do it."""
        contract = self._money.find(Address.parse(proxy))
        match order:
            case "topup":
                done = await self._money.top_up(contract, amount)
            case "withdraw":
                done = await self._money.withdraw(contract)
            case "reopen":
                done = await self._money.reopen(contract, amount)
            case _:
                done = await self._money.close_contract(contract, force=force)
        return outcome_object(*done) | {"now": await self._now()}


@asynccontextmanager
async def client_agent(target: Target) -> AsyncIterator[ClientAgent]:
    """Whoever can carry out orders about this client's money.

    Raises:
        ConfigError: its configuration or key cannot be used.
        ChainError: the chain cannot be reached.
        StoreError: what it remembers cannot be used.
    """
    file = target.file
    if not isinstance(file, tables.ClientFile):
        raise ConfigError(f"{target.name} is no client")
    if await target.is_running():
        yield RunningClient(Control(target.control, target.api_key()))
        return
    settings = chain_settings(file, None if file.state is None else file.state.parent)
    if settings is None:
        raise ConfigError(f"{target.name}: TON is simulated there, so there is no money to move")
    async with _stopped(file, settings) as agent:
        yield agent


@asynccontextmanager
async def _stopped(file: tables.ClientFile, chain: ChainSettings) -> AsyncIterator[ClientAgent]:
    backend = chain.backend()
    try:
        await backend.start()
        root = await read_root(backend, chain.root or Address(bytes(32)))
        access = ChainAccess(chain, root, backend=backend)
        limits = DepositLimits(**same_fields(file.deposits))
        secret = file.secret.encode()
        async with opened_money(access, limits, _claims(file), secret) as money:
            if not money.contracts:  # the file that lists them may be lost; the chain has them
                await money.discover()
            yield StoppedClient(money, access.now)
    finally:
        await backend.close()


def _claims(file: tables.ClientFile) -> Callable[[Address, Address, bytes], PaymentClaim]:
    """The charges that the client has kept."""
    book = PaymentBook(CLIENT_CHARGE, file.state)

    def known(contract: Address, proxy: Address, key: bytes) -> PaymentClaim:
        return book.open(proxy=proxy, contract=contract, public_key=key).known

    return known


def _path(order: str, proxy: str, amount: int, *, force: bool = False) -> str:
    query: dict[str, object] = {"proxy": proxy}
    if amount:
        query["amount"] = amount
    if force:
        query["force"] = 1
    return f"request/{order}?{urlencode(query)}"
