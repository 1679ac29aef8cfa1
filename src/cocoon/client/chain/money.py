"""All contracts of one client: kept in the background, and at the disposal of its owner.

The client role runs :class:`ClientMoney` beside its connections. Commands use it alone, without any
connection, so that an owner gets everything back when proxies, their keys and operators are gone.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from cocoon.chain.address import Address
from cocoon.chain.contracts.client_state import ClientState
from cocoon.client.chain.contract import Receipt, Setting
from cocoon.client.chain.discovery import find_clients, read_client
from cocoon.client.chain.keeper import ContractKeeper
from cocoon.client.chain.limits import DepositLimits
from cocoon.client.chain.owner import Claims, OwnerOrders
from cocoon.client.chain.plan import Blocked
from cocoon.client.chain.records import CLOSE, Records
from cocoon.client.chain.report import ContractReport, report
from cocoon.client.chain.secret import Secrets
from cocoon.errors import CocoonError, PaymentError, UnavailableError, where
from cocoon.net.chain_access import ChainAccess, Moment
from cocoon.net.state_file import FileLock

_random = random.SystemRandom()  # leaves the state of the shared generator alone

LOCK_NAME = "client.lock"

_log = structlog.get_logger(__name__)


class ClientMoney(OwnerOrders):
    """Deposits, charges and refunds of one client.

    Args:
        access: the chain, started and closed by the caller.
        limits: of automatic deposits.
        claims: what proxies have signed.
        secret: the official ``secret_string``; empty makes secrets of our own.

    Raises:
        StoreError: what is remembered cannot be read.
    """

    def __init__(
        self, access: ChainAccess, limits: DepositLimits, claims: Claims, secret: bytes = b""
    ) -> None:
        directory = access.settings.directory
        self._lock = None if directory is None else FileLock(directory / LOCK_NAME)
        if self._lock is not None:
            self._lock.take()
        try:
            setting = Setting(access, Records(directory), limits, Secrets(directory, secret))
        except BaseException:
            self._release()
            raise
        super().__init__(setting, claims)
        self._problems: dict[Address | None, str] = {}
        self._task: asyncio.Task[None] | None = None

    # --- life ---

    def start(self) -> None:
        """Keep all contracts in the background from now on."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop; what is on its way is found again at the next start."""
        tasks = [*self._pending, *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._task = None
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()

    async def _run(self) -> None:
        while True:
            await self.tick()
            await asyncio.sleep(_random.uniform(*self._access.settings.poll_interval))

    async def tick(self) -> None:
        """Look at every contract and do its next step; failures are logged."""
        try:
            moment = await self._access.moment()
        except CocoonError as error:
            self._complain(None, error)
            return
        self._problems.pop(None, None)
        await asyncio.gather(*(self._tick(keeper, moment) for keeper in self._open_keepers()))

    def _open_keepers(self) -> list[ContractKeeper]:
        keepers = (self._keeper(contract) for contract in self._setting.records.contracts)
        return [keeper for keeper in keepers if not keeper.record.finished]

    async def _tick(self, keeper: ContractKeeper, moment: Moment) -> None:
        before = keeper.step
        try:
            step = await keeper.tick(moment)
            self._problems.pop(keeper.contract, None)
        except CocoonError as error:
            self._complain(keeper.contract, error)
        except Exception as error:
            # Boundary: a bug at one contract must not stop work on the others.
            _log.error(
                "keeping a client contract failed by a bug",
                error=type(error).__name__,
                where=where(error),
            )
        else:
            if isinstance(step, Blocked) and step != before:
                _log.warning(
                    "deposits are blocked",
                    contract=keeper.contract.raw(),
                    reason=step.reason,
                    missing=step.missing,
                )

    def _complain(self, contract: Address | None, error: CocoonError) -> None:
        """Once for each reason: while a chain is out of reach it comes every few seconds."""
        if self._problems.get(contract) != str(error):
            self._problems[contract] = str(error)
            where_it_is = "all" if contract is None else contract.raw()
            _log.warning("client contracts cannot be kept", contract=where_it_is, reason=str(error))

    # --- what connections need ---

    def secret(self, contract: Address) -> bytes:
        """What authorizes us at the proxy of this contract."""
        return self._setting.secrets.of(contract.account)

    def check_usable(self, contract: Address) -> None:
        """Refuse to work through a contract whose money is being taken back.

        Raises:
            UnavailableError: it is; the proxy would refuse us too.
        """
        record = self._setting.records.get(contract)
        if record is not None and record.goal == CLOSE:
            raise UnavailableError(f"our contract at this proxy is being closed: {record.reason}")

    def note(self, *, contract: Address, proxy: Address, proxy_key: bytes) -> None:
        """Remember a contract that we use, before money goes there.

        Raises:
            StoreError: it cannot be saved.
        """
        version = self._access.root.current.params.params_version
        self._setting.records.note(
            contract, proxy=proxy, proxy_key=proxy_key, params_version=version
        )

    async def register(
        self, *, contract: Address, proxy: Address, proxy_key: bytes, nonce: int
    ) -> list[Receipt]:
        """Register on chain with the number that a proxy gave, and make the first deposit.

        It goes on when the caller is cancelled: a message that has left cannot be called back.

        Raises:
            WalletFundsError: the wallet cannot pay; says how much is missing.
            PaymentError: a contract refused, or the contract is closed.
            ChainError: the chain cannot be reached.
            StoreError: the intent cannot be written down.
        """
        self.note(contract=contract, proxy=proxy, proxy_key=proxy_key)
        return await self._apart(self._keeper(contract).register(nonce))

    # --- what owners see ---

    @property
    def contracts(self) -> tuple[Address, ...]:
        """Every contract that this client ever used."""
        return self._setting.records.contracts

    def find(self, proxy: Address) -> Address:
        """Our newest open contract at a proxy's contract.

        Raises:
            PaymentError: there is none.
        """
        for contract in reversed(self.contracts):
            record = self._setting.records.get(contract)
            if record is not None and Address.parse(record.proxy) == proxy:
                return contract
        raise PaymentError("there is no contract of ours at this proxy")

    async def adopt(self, contract: Address) -> None:
        """Remember a contract of our wallet that we know nothing of any more.

        Raises:
            ChainError: the chain cannot be reached, or it is no client contract of our wallet.
            StoreError: it cannot be saved.
        """
        state = await read_client(self._access.backend, contract, self._access.wallet)
        self._adopt(contract, state)

    async def discover(self) -> list[Address]:
        """Find all contracts of our wallet on chain and remember them; raises as :meth:`adopt`."""
        found = await find_clients(self._access.backend, self._access.wallet)
        new = [contract for contract in found if contract not in self.contracts]
        for contract in new:
            self._adopt(contract, found[contract])
        return new

    def _adopt(self, contract: Address, state: ClientState) -> None:
        self._setting.records.note(
            contract,
            proxy=state.proxy,
            proxy_key=state.proxy_key,
            params_version=state.params.params_version,
        )

    def report(self) -> list[ContractReport]:
        """All contracts, as last seen."""
        testnet = self._access.backend.is_testnet
        return [
            report(self._keeper(contract), testnet=testnet)
            for contract in self._setting.records.contracts
        ]

    async def look(self, contract: Address) -> ContractReport:
        """One contract, read now.

        Raises:
            ChainError: the chain cannot be reached.
        """
        keeper = self._keeper(contract)
        await keeper.look()
        return report(keeper, testnet=self._access.backend.is_testnet)


@asynccontextmanager
async def opened_money(
    access: ChainAccess, limits: DepositLimits, claims: Claims, secret: bytes = b""
) -> AsyncIterator[ClientMoney]:
    """A client's money for a command: without connections and without a background task.

    Raises:
        StoreError: a running client has it; ask that one.
        ChainError: the chain cannot be reached.
    """
    money = ClientMoney(access, limits, claims, secret)
    try:
        await access.start()
        try:
            yield money
        finally:
            await access.close()
    finally:
        await money.close()
