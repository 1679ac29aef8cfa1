"""One worker contract: read anew before each payout, one payout at a time."""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from cocoon.accounting import PaymentClaim
from cocoon.chain.address import Address
from cocoon.chain.boc import from_boc
from cocoon.chain.cells import Cell
from cocoon.chain.contracts.payment import WORKER_PAYOUT, PaymentReader
from cocoon.chain.contracts.proxy_state import ProxyState
from cocoon.chain.contracts.state_init import state_init
from cocoon.chain.contracts.worker import worker_data
from cocoon.chain.contracts.worker_messages import limited_payout
from cocoon.chain.contracts.worker_state import WorkerState
from cocoon.chain.delivery import Delivery, DeliveryStatus
from cocoon.chain.message import OutMessage
from cocoon.chain.sender import WHOLE_TRACE
from cocoon.errors import (
    ChainDataError,
    ChainError,
    CocoonError,
    DecodeError,
    PaymentError,
    WalletFundsError,
)
from cocoon.net.chain_access import ChainAccess, Moment
from cocoon.worker.chain.limits import PayoutRules
from cocoon.worker.chain.plan import Blocked, Facts, Pay, Step, payout
from cocoon.worker.chain.records import WorkerRecord, WorkerRecords

RETRY_FIRST = 60
RETRY_LONGEST = 3600
"""Seconds between tries of a payout that failed; doubled from the first to the longest."""

Claims = Callable[[Address, Address, bytes], PaymentClaim]
"""What is known of the payments to a contract: contract, proxy's contract, proxy's key."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Setting:
    """What all contracts of a worker share.

    Attributes:
        access: the chain.
        owner: who is paid.
        rules: when.
        records: what is remembered.
        claims: what proxies have signed.
    """

    access: ChainAccess
    owner: Address
    rules: PayoutRules
    records: WorkerRecords
    claims: Claims

    def funds_error(self, blocked: Blocked) -> WalletFundsError:
        """The error that says what the wallet lacks and where to send it."""
        wallet = self.access.wallet.friendly(testnet=self.access.backend.is_testnet)
        missing = -(-blocked.missing // 10**7) / 100
        text = f"{blocked.reason}: send at least {missing:.2f} TON to {wallet}"
        return WalletFundsError(text, blocked.missing, wallet)


@dataclass(frozen=True, slots=True)
class PaidOut:
    """A payout that was delivered.

    Attributes:
        tokens: how many were paid.
        amount: nanoTON that the owner receives.
        transaction: hash of our wallet's transaction, hex.
        fees: nanoTON, as far as they were seen.
    """

    tokens: int
    amount: int
    transaction: str
    fees: int


class WorkerContract:
    """One worker contract; one payout at a time.

    Args:
        setting: shared with the others.
        contract: the contract.
        record: what is remembered of it.

    Attributes:
        facts: as last read; None before.
        step: what was decided last; None before.
        running: whether a payout is on its way.
        paying: tokens of that payout.
    """

    def __init__(self, setting: Setting, contract: Address, record: WorkerRecord) -> None:
        self.contract = contract
        self.record = record
        self.proxy = Address.parse(record.proxy)
        self.proxy_key = bytes.fromhex(record.proxy_key)
        self.facts: Facts | None = None
        self.step: Step | None = None
        self.running = False
        self.paying = 0
        self._setting = setting
        self._lock = asyncio.Lock()
        self._seen_lt = 0
        self._failures = 0
        self._not_before = 0

    @property
    def step_text(self) -> str:
        """What was decided last, for people."""
        step = self.step
        if isinstance(step, Pay):
            return "paying out"
        return "" if step is None else step.reason

    async def tick(self, moment: Moment) -> None:
        """Look, and pay out what is due by the rules.

        Args:
            moment: time and wallet as just read.

        Raises:
            ChainError: the chain cannot be reached or does not make sense.
            PaymentError: the payout failed; it is tried again later.
        """
        async with self._lock:
            facts = await self._read(moment)
            self.step = step = payout(facts, self._setting.rules)
            if not isinstance(step, Pay):
                self._finish_if_empty(facts)
            elif facts.now >= self._not_before:
                await self._pay(facts, step)

    async def pay_now(self) -> PaidOut:
        """Pay out what is there, however little.

        Raises:
            WalletFundsError: the wallet cannot pay the fees.
            PaymentError: nothing can be paid now, or the payout failed.
            ChainError: the chain cannot be reached.
        """
        async with self._lock:
            facts = await self._read(await self._setting.access.moment())
            self.step = step = payout(facts, self._setting.rules, asked=True)
            if isinstance(step, Blocked) and step.missing:
                raise self._setting.funds_error(step)
            if not isinstance(step, Pay):
                raise PaymentError(step.reason)
            return await self._pay(facts, step)

    async def look(self) -> None:
        """Read the chain.

        Raises:
            ChainError: it cannot be reached or does not make sense.
        """
        async with self._lock:
            await self._read(await self._setting.access.moment())

    def _finish_if_empty(self, facts: Facts) -> None:
        if facts.outdated and not facts.due_tokens and not self.record.finished:
            self.record.finished = True
            self._setting.records.save()

    # --- looking ---

    async def _read(self, moment: Moment) -> Facts:
        access, record = self._setting.access, self.record
        account, worker = await access.contract(self.contract, WorkerState.from_data)
        _, proxy = await access.contract(self.proxy, ProxyState.from_data)
        self._check(worker)
        if account.last_lt < self._seen_lt:
            raise ChainError("the backend does not show our last message yet")
        root = access.root.current.params
        # The proxy's contract was made with the same parameters as ours, the root may be newer.
        params = next((known.params for known in (worker, proxy) if known is not None), root)
        signed = int(self._claim().signed)
        self._note_due(moment.now, signed > (0 if worker is None else worker.tokens))
        self.facts = Facts(
            now=moment.now,
            wallet=moment.wallet,
            reserve=access.settings.reserve,
            worker=worker,
            proxy=proxy,
            fee=params.worker_fee_per_token,
            price=params.price_per_token,
            signed=signed,
            since=record.due_since,
            outdated=record.params_version != root.params_version,
        )
        return self.facts

    def _claim(self) -> PaymentClaim:
        return self._setting.claims(self.contract, self.proxy, self.proxy_key)

    def _check(self, worker: WorkerState | None) -> None:
        """An address fixes these: a backend that says otherwise is not to be believed."""
        if worker is None:
            return
        told = (worker.owner, worker.proxy, worker.proxy_key)
        if told != (self._setting.owner, self.proxy, self.proxy_key):
            raise ChainDataError(f"contract {self.contract} is not what its address says")

    def _note_due(self, now: int, due: bool) -> None:
        since = (self.record.due_since or now) if due else 0
        if since != self.record.due_since:
            self.record.due_since = since
            self._setting.records.save()

    # --- doing ---

    async def _pay(self, facts: Facts, step: Pay) -> PaidOut:
        self.running, self.paying = True, step.tokens
        try:
            [delivery] = await self._setting.access.sender.send(
                self._message(step), follow=WHOLE_TRACE
            )
        except CocoonError:
            self._failed(facts.now)
            raise
        finally:
            self.running = False
        return self._paid(facts, step, delivery)

    def _paid(self, facts: Facts, step: Pay, delivery: Delivery) -> PaidOut:
        if delivery.transaction is not None:
            self._seen_lt = max(self._seen_lt, delivery.transaction.lt)
        transaction = (delivery.wallet_hash or b"").hex()
        self.record.last_transaction = transaction or self.record.last_transaction
        # What the owner's own contract does with the money is not our business.
        failed = [one for one in delivery.failures if one.address in (self.contract, self.proxy)]
        if delivery.status is not DeliveryStatus.DELIVERED or failed:
            self._failed(facts.now)
            self._setting.records.save()
            raise PaymentError(f"payout: {delivery.describe()}")
        self._failures = 0
        self.record.due_since = 0 if step.limit is None else facts.now
        self._setting.records.save()
        _log.info("paid out", contract=self.contract.raw(), tokens=step.tokens, amount=step.amount)
        return PaidOut(step.tokens, step.amount, transaction, delivery.fees)

    def _failed(self, now: int) -> None:
        wait = min(RETRY_FIRST << min(self._failures, 10), RETRY_LONGEST)
        self._failures += 1
        self._not_before = now + wait

    def _message(self, step: Pay) -> OutMessage:
        wallet = self._setting.access.wallet
        envelope = self._claim().envelope or b""
        payment = PaymentReader(WORKER_PAYOUT, self.contract, self.proxy_key).read(envelope)
        if step.limit is None:
            body = from_boc(payment.repack(wallet).boc)
        else:
            body = limited_payout(payment, step.limit, wallet)
        init = self._init() if step.deploy else None
        return OutMessage(self.contract, step.value, body, init=init)

    def _init(self) -> Cell:
        try:
            cell = from_boc(base64.b64decode(self.record.init, validate=True))
        except (DecodeError, ValueError):  # base64 has both kinds of ValueError
            cell = worker_init(self._setting, self.proxy, self.proxy_key)
        if cell.hash != self.contract.account:
            raise PaymentError("what deploys this contract is lost")
        return cell


def worker_init(setting: Setting, proxy: Address, proxy_key: bytes) -> Cell:
    """What deploys our contract at a proxy's contract, with the network's parameters now.

    Raises:
        ChainDataError: the root contract has no code for workers.
    """
    params = setting.access.root.current.params
    if params.worker_code is None:
        raise ChainDataError("the root contract has no code for workers")
    data = worker_data(params, setting.owner, proxy, proxy_key)
    return state_init(params.worker_code, data)
