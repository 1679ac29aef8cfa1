"""All contracts of one worker: paid out on schedule and on demand."""

import asyncio
import random

import structlog

from cocoon.chain.address import Address
from cocoon.chain.boc import to_boc
from cocoon.errors import CocoonError, PaymentError, where
from cocoon.net.chain_access import ChainAccess, Moment
from cocoon.net.state_file import FileLock
from cocoon.worker.chain.contract import Claims, PaidOut, Setting, WorkerContract, worker_init
from cocoon.worker.chain.limits import PayoutRules
from cocoon.worker.chain.plan import Blocked
from cocoon.worker.chain.records import WorkerRecords

_random = random.SystemRandom()  # leaves the state of the shared generator alone

LOCK_NAME = "worker.lock"

_log = structlog.get_logger(__name__)


class WorkerMoney:
    """Payouts of one worker.

    Args:
        access: the chain, started and closed by the caller.
        owner: who is paid.
        rules: when.
        claims: what proxies have signed.

    Raises:
        StoreError: what is remembered cannot be read, or another process has it: each would
            overwrite what the other remembers.
    """

    def __init__(
        self, access: ChainAccess, owner: Address, rules: PayoutRules, claims: Claims
    ) -> None:
        directory = access.settings.directory
        self._lock = None if directory is None else FileLock(directory / LOCK_NAME)
        if self._lock is not None:
            self._lock.take()
        try:
            self.records = WorkerRecords(directory)
        except BaseException:
            self._release()
            raise
        self.access = access
        self._setting = Setting(access, owner, rules, self.records, claims)
        self._contracts: dict[Address, WorkerContract] = {}
        self._problems: dict[Address | None, str] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Pay out on schedule from now on."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop; a payout on its way arrives all the same."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()

    async def _run(self) -> None:
        while True:
            await self.tick()
            await asyncio.sleep(_random.uniform(*self.access.settings.poll_interval))

    async def tick(self) -> None:
        """Look at every contract and pay out what is due; failures are logged."""
        try:
            moment = await self.access.moment()
        except CocoonError as error:
            self._complain(None, error)
            return
        self._problems.pop(None, None)
        open_ones = [one for one in self.all if not one.record.finished]
        await asyncio.gather(*(self._tick(one, moment) for one in open_ones))

    async def _tick(self, one: WorkerContract, moment: Moment) -> None:
        before = one.step
        try:
            await one.tick(moment)
            self._problems.pop(one.contract, None)
        except CocoonError as error:
            self._complain(one.contract, error)
        except Exception as error:
            # Boundary: a bug at one contract must not stop the others.
            _log.error("a payout failed by a bug", error=type(error).__name__, where=where(error))
        else:
            if isinstance(one.step, Blocked) and one.step != before:
                _log.warning("payouts are blocked", reason=one.step.reason)

    def _complain(self, contract: Address | None, error: CocoonError) -> None:
        """Once for each reason: while a chain is out of reach it comes every few seconds."""
        if self._problems.get(contract) != str(error):
            self._problems[contract] = str(error)
            where_it_is = "all" if contract is None else contract.raw()
            _log.warning("no payout", contract=where_it_is, reason=str(error))

    def note(self, *, contract: Address, proxy: Address, proxy_key: bytes) -> None:
        """Remember a contract that earns.

        Raises:
            StoreError: it cannot be saved.
        """
        if self.records.get(contract) is not None:
            return
        self.records.note(
            contract,
            proxy=proxy,
            proxy_key=proxy_key,
            params_version=self.access.root.current.params.params_version,
            init=to_boc(worker_init(self._setting, proxy, proxy_key)),
        )

    @property
    def all(self) -> list[WorkerContract]:
        """Every contract that this worker ever used."""
        return [self._get(contract) for contract in self.records.contracts]

    def find(self, proxy: Address) -> WorkerContract:
        """Our newest contract at a proxy's contract.

        Raises:
            PaymentError: there is none.
        """
        for one in reversed(self.all):
            if one.proxy == proxy:
                return one
        raise PaymentError("there is no contract of ours at this proxy")

    async def payout(self, proxy: Address | None = None) -> list[PaidOut]:
        """Pay out now, at one proxy or at all that owe something.

        Raises:
            WalletFundsError: the wallet cannot pay the fees.
            PaymentError: nothing can be paid now, or a payout failed.
            ChainError: the chain cannot be reached.
        """
        if proxy is not None:
            return [await self.find(proxy).pay_now()]
        paid: list[PaidOut] = []
        failure: PaymentError | None = None
        for one in self.all:
            try:
                paid.append(await one.pay_now())
            except PaymentError as error:
                failure = error
        if not paid:
            raise failure or PaymentError("there is no contract of ours yet")
        return paid

    async def look(self) -> None:
        """Read every contract now.

        Raises:
            ChainError: the chain cannot be reached.
        """
        for one in self.all:
            await one.look()

    def known(self, contract: Address) -> WorkerContract | None:
        """A contract of ours, or None."""
        return None if self.records.get(contract) is None else self._get(contract)

    def gauges(self) -> dict[str, float]:
        """Sums over all contracts for Prometheus."""
        facts = [one.facts for one in self.all if one.facts is not None]
        return {
            "paid_tokens": sum(one.paid for one in facts),
            "due_nanoton": sum(one.due for one in facts),
            "payable_nanoton": sum(one.payable_tokens * one.fee for one in facts),
            "payouts_running": sum(one.running for one in self.all),
        }

    def _get(self, contract: Address) -> WorkerContract:
        one = self._contracts.get(contract)
        if one is None:
            record = self.records.get(contract)
            if record is None:
                raise PaymentError(f"{contract} is no contract of this worker")
            one = self._contracts[contract] = WorkerContract(self._setting, contract, record)
        return one
