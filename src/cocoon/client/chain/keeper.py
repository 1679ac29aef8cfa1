"""Carries out what the plan says about one client contract; one step at a time, never two at once.

Before every step the chain is read anew. A step that moved money is trusted to have happened only
when the chain shows it; a step that failed is tried again later and later, because each try costs
fees.
"""

import asyncio
import secrets as randomness
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from cocoon.accounting import PaymentClaim
from cocoon.chain.address import Address
from cocoon.chain.cells import Cell
from cocoon.chain.contracts.client import client_data
from cocoon.chain.contracts.client_state import ClientState
from cocoon.chain.contracts.proxy_state import ProxyState
from cocoon.chain.contracts.state_init import state_init
from cocoon.chain.delivery import Delivery, DeliveryStatus
from cocoon.chain.message import OutMessage
from cocoon.client.chain import plan
from cocoon.client.chain.deposit_trace import DepositState, trace_deposit
from cocoon.client.chain.limits import DepositLimits
from cocoon.client.chain.orders import order, repacked_charge
from cocoon.client.chain.plan import Action, Blocked, Done, Facts, Operation, Step, Wait
from cocoon.client.chain.records import CLOSE, RUN, ContractRecord, Intent, Records
from cocoon.client.chain.secret import Secrets
from cocoon.errors import (
    ChainDataError,
    ChainError,
    MessageRejectedError,
    PaymentError,
    WalletFundsError,
)
from cocoon.net.chain_access import ChainAccess

MESSAGE_LIFE = 600
"""Seconds of chain time after which a message that a crash left behind can no longer arrive."""
CREDIT_PATIENCE = 900
"""Seconds after which a deposit that our contract took is no longer waited for."""
RETRY_FIRST = 60
RETRY_LONGEST = 3600
"""Seconds between tries of a step that failed; doubled from the first to the longest."""
MAX_CHARGE_FAILURES = 2
"""Failed charges after which a contract is closed without one."""
MAX_REGISTRATIONS = 20
"""Registrations at one proxy within a day: each costs us fees, and the proxy asks for them."""
DAY = 86_400

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Setting:
    """What all keepers of a client share.

    Attributes:
        access: the chain.
        records: what is remembered.
        limits: of automatic deposits.
        secrets: of every contract.
    """

    access: ChainAccess
    records: Records
    limits: DepositLimits
    secrets: Secrets


@dataclass(frozen=True, slots=True)
class Receipt:
    """A message that was delivered.

    Attributes:
        operation: what it does.
        amount: nanoTON of a deposit; else 0.
        transaction: hash of our wallet's transaction, hex.
        fees: nanoTON, as far as they were seen.
    """

    operation: Operation
    amount: int
    transaction: str
    fees: int


class ContractKeeper:
    """Keeps one contract as it should be.

    Args:
        setting: shared with the others.
        contract: the contract.
        record: what is remembered of it.
        claim: what the proxy has signed and counted, as far as we know.

    Attributes:
        facts: as last read; None before.
        step: what the plan said last; None before.
    """

    def __init__(
        self,
        setting: Setting,
        contract: Address,
        record: ContractRecord,
        claim: Callable[[], PaymentClaim],
    ) -> None:
        self.contract = contract
        self.record = record
        self.proxy = Address.parse(record.proxy)
        self.proxy_key = bytes.fromhex(record.proxy_key)
        self.facts: Facts | None = None
        self.step: Step | None = None
        self._setting = setting
        self._access = setting.access
        self._claim = claim
        self._lock = asyncio.Lock()
        self._own_intent = False
        self._seen_lt = 0
        self._last_lt = 0
        self._failures = 0
        self._not_before = 0
        self._registrations: list[int] = []

    # --- in the background ---

    async def tick(self) -> Step:
        """Look, and do the next step if there is one.

        Raises:
            ChainError: the chain cannot be reached or does not make sense; nothing is lost.
            StoreError: an intent cannot be written down; nothing was sent.
        """
        async with self._lock:
            self.step = await self._tick()
            return self.step

    async def _tick(self) -> Step:
        if self.record.finished:
            return Done("closed: everything has come back")
        waiting = await self._settle_intent()
        if waiting is not None:
            return waiting
        facts = await self._read()
        self._decide_goal(facts)
        step = self._next(facts)
        if isinstance(step, Done) and self.record.goal == CLOSE:
            self.finish()
        if not isinstance(step, Action):
            return step
        if facts.now < self._not_before:
            return Wait(f"{step.operation.value}: failed before", self._not_before)
        await self._perform(facts, [step])
        return step

    def _decide_goal(self, facts: Facts) -> None:
        record = self.record
        if record.goal != RUN:
            return
        version = self._access.root.current.params.params_version
        reason = plan.must_leave(facts, record.params_version, version)
        if reason is None:
            return
        record.goal, record.reason, record.leave_since = CLOSE, reason, facts.now
        self._setting.records.save()
        _log.info("closing a client contract", contract=self.contract.raw(), reason=reason)

    def _next(self, facts: Facts) -> Step:
        record = self.record
        if record.goal == CLOSE:
            return plan.closing(
                facts,
                grant_time=self._grant_time(facts),
                publish=self._failures < MAX_CHARGE_FAILURES,
            )
        return plan.running(facts, self._deposit_due(facts))

    def _grant_time(self, facts: Facts) -> int:
        """Seconds left for a proxy that retires to refund by itself (§11, params bumped)."""
        if not self.record.leave_since or facts.client is None:
            return 0
        params = facts.client.params
        delay = (params.proxy_delay_before_close - params.client_delay_before_close) // 2
        return max(self.record.leave_since + delay - facts.now, 0)

    def _deposit_due(self, facts: Facts) -> Step:
        today, ever = self._setting.records.deposited(facts.now)
        return plan.deposit_due(facts, self._setting.limits, today, ever)

    # --- authorization ---

    async def register(self, nonce: int) -> list[Receipt]:
        """Register at the proxy with its number, and deposit if that is due.

        Raises:
            WalletFundsError: the wallet cannot pay; says how much it lacks and where to send it.
            PaymentError: a contract refused, or the proxy asks too often.
            ChainError: the chain cannot be reached.
            StoreError: the intent cannot be written down; nothing was sent.
        """
        async with self._lock:
            waiting = await self._settle_intent()
            facts = await self._read()
            funding = waiting or self._deposit_due(facts)
            actions = plan.onboarding(facts, self._secret_is_set(facts), funding)
            if isinstance(actions, Blocked):
                raise self._error(actions)
            self._count_registration(facts.now)
            _log.info(
                "registering on chain",
                contract=self.contract.raw(),
                steps=[action.operation.value for action in actions],
                amount=sum(action.amount for action in actions),
            )
            return await self._perform(facts, actions, nonce=nonce)

    def _secret_is_set(self, facts: Facts) -> bool:
        wanted = self._setting.secrets.hash_of(self.contract.account)
        return facts.client is not None and facts.client.secret_hash == wanted

    def _count_registration(self, now: int) -> None:
        self._registrations = [at for at in self._registrations if at > now - DAY]
        if len(self._registrations) >= MAX_REGISTRATIONS:
            raise PaymentError("the proxy asks for registrations again and again; refused")
        self._registrations.append(now)

    # --- by order ---

    async def look(self) -> Facts:
        """Read the chain.

        Raises:
            ChainError: it cannot be reached or does not make sense.
        """
        async with self._lock:
            return await self._read()

    async def run_order(self, decide: Callable[[Facts], Step]) -> tuple[list[Receipt], Step]:
        """Do steps until one is not an action, or one was done that ends the order.

        Args:
            decide: the order's plan; asked again after every step.

        Returns:
            What was sent, and the step that remains.

        Raises:
            WalletFundsError: the wallet cannot pay.
            PaymentError: a contract refused.
            ChainError: the chain cannot be reached.
            StoreError: an intent cannot be written down.
        """
        async with self._lock:
            receipts: list[Receipt] = []
            while True:
                waiting = await self._settle_intent()
                facts = await self._read()
                step = waiting or decide(facts)
                if isinstance(step, Blocked) and step.missing:
                    raise self._error(step)
                if not isinstance(step, Action):
                    return receipts, step
                if any(receipt.operation is step.operation for receipt in receipts):
                    return receipts, Wait("the chain does not show it yet")
                receipts += await self._perform(facts, [step], automatic=False)
                if step.operation.deposits or step.operation is Operation.WITHDRAW:
                    return receipts, Done()

    def set_goal(self, goal: str, reason: str = "") -> None:
        """Write down what this contract is for from now on.

        Raises:
            StoreError: it cannot be saved.
        """
        record = self.record
        record.goal, record.reason, record.leave_since, record.finished = goal, reason, 0, False
        self._not_before = 0
        self._setting.records.save()

    def finish(self) -> None:
        """Write down that everything has come back.

        Raises:
            StoreError: it cannot be saved.
        """
        self.record.finished = True
        self._setting.records.save()

    def _error(self, blocked: Blocked) -> ChainError | PaymentError:
        if not blocked.missing:
            return PaymentError(blocked.reason)
        wallet = self._access.wallet.friendly(testnet=self._access.backend.is_testnet)
        missing = -(-blocked.missing // 10**7) / 100
        text = f"{blocked.reason}: send at least {missing:.2f} TON to {wallet}"
        return WalletFundsError(text, blocked.missing, wallet)

    # --- looking ---

    async def _read(self) -> Facts:
        access = self._access
        now, wallet = await access.now(), await access.wallet_balance()
        account, client = await access.contract(self.contract, ClientState.from_data)
        _, proxy = await access.contract(self.proxy, ProxyState.from_data)
        self._check(client)
        if account.last_lt < self._seen_lt:
            raise ChainError("the backend does not show our last message yet")
        self._last_lt = account.last_lt
        params = access.root.current.params
        # The proxy's contract was made with the same parameters as ours, the root may be newer.
        mine = next((known.params for known in (client, proxy) if known is not None), params)
        claim = self._claim()
        self.facts = Facts(
            now=now,
            wallet=wallet,
            reserve=access.settings.reserve,
            client=client,
            proxy=proxy,
            stake=mine.min_client_stake,
            proxy_stake=mine.min_proxy_stake,
            price=mine.price_per_token,
            used=int(claim.max),
            signed=int(claim.signed),
        )
        return self.facts

    def _check(self, client: ClientState | None) -> None:
        """An address fixes these: a backend that says otherwise is not to be believed."""
        if client is None:
            return
        told = (client.owner, client.proxy, client.proxy_key)
        if told != (self._access.wallet, self.proxy, self.proxy_key):
            raise ChainDataError(f"contract {self.contract} is not what its address says")

    async def _settle_intent(self) -> Wait | None:
        """Find out how a deposit ended; None when there is none on its way any more."""
        record, records = self.record, self._setting.records
        intent = record.intent
        if intent is None:
            return None
        now = await self._access.now()
        if not self._own_intent and not intent.not_after:
            intent.not_after = now + MESSAGE_LIFE  # from before a crash
            records.save()
        state = await trace_deposit(
            self._access.backend,
            contract=self.contract,
            wallet=self._access.wallet,
            proxy=self.proxy,
            query_id=intent.query_id,
            since=intent.since,
        )
        paid = await self._how_it_ended(intent, state, now)
        if paid is None:
            return Wait(f"a deposit is {state.value}")
        _log.info("deposit", contract=self.contract.raw(), amount=intent.amount, paid=paid)
        self._own_intent = False
        records.end(record, paid=paid)
        if paid:
            self._failures = 0
        else:
            self._failed(now)
        return None

    async def _how_it_ended(self, intent: Intent, state: DepositState, now: int) -> bool | None:
        """Whether the money is there (True), came back or never left (False), or travels (None)."""
        if state is DepositState.CREDITED:
            return True
        if state is DepositState.RETURNED:
            return False
        if state is DepositState.UNSEEN:
            return False if intent.not_after and now > intent.not_after else None
        _, client = await self._access.contract(self.contract, ClientState.from_data)
        if client is not None and client.ledger is None:
            return True  # an official contract credits at once
        intent.first_seen = intent.first_seen or now
        return True if now > intent.first_seen + CREDIT_PATIENCE else None

    # --- doing ---

    async def _perform(
        self, facts: Facts, actions: Sequence[Action], *, nonce: int = 0, automatic: bool = True
    ) -> list[Receipt]:
        ids = [randomness.randbits(64) for _ in actions]
        messages = [
            self._message(action, query_id, nonce)
            for action, query_id in zip(actions, ids, strict=True)
        ]
        deposit = next((index for index, action in enumerate(actions) if action.amount), None)
        if deposit is not None:
            intent = Intent(ids[deposit], actions[deposit].amount, self._last_lt)
            intent.automatic = automatic
            self._setting.records.begin(self.record, intent, facts.now)
            self._own_intent = True
        deliveries = await self._send(messages, facts.now)
        if deposit is not None:
            self._note_deposit(deliveries[deposit], facts.now)
        self._note(deliveries)
        return self._receipts(facts, actions, deliveries)

    async def _send(self, messages: list[OutMessage], now: int) -> list[Delivery]:
        try:
            return await self._access.sender.send(*messages)
        except (WalletFundsError, MessageRejectedError):
            self._failed(now)
            if self.record.intent is not None:  # nothing was sent
                self._own_intent = False
                self._setting.records.end(self.record, paid=False)
            raise
        except BaseException:
            self._leave_intent(now)
            raise

    def _leave_intent(self, now: int) -> None:
        """Unclear whether it was sent: the chain will show."""
        if self.record.intent is not None:
            self.record.intent.not_after = now + MESSAGE_LIFE
            self._setting.records.save()

    def _note_deposit(self, delivery: Delivery, now: int) -> None:
        if delivery.status is DeliveryStatus.UNDECIDED:
            self._leave_intent(now)
        elif delivery.status is not DeliveryStatus.DELIVERED:
            self._own_intent = False
            self._setting.records.end(self.record, paid=False)

    def _note(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            if delivery.transaction is not None:
                self._seen_lt = max(self._seen_lt, delivery.transaction.lt)
        known = deliveries[0].wallet_hash
        if known is not None:
            self.record.last_transaction = known.hex()
            self._setting.records.save()

    def _receipts(
        self, facts: Facts, actions: Sequence[Action], deliveries: Sequence[Delivery]
    ) -> list[Receipt]:
        """What was delivered; an exception for the first that was not."""
        receipts = []
        for action, delivery in zip(actions, deliveries, strict=True):
            if delivery.status is not DeliveryStatus.DELIVERED:
                self._failed(facts.now)
                raise PaymentError(f"{action.operation.value}: {delivery.describe()}")
            receipts.append(
                Receipt(
                    action.operation,
                    action.amount,
                    (delivery.wallet_hash or b"").hex(),
                    delivery.fees,
                )
            )
            _log.info(
                "done on chain",
                contract=self.contract.raw(),
                step=action.operation.value,
                amount=action.amount,
            )
        if not any(action.amount for action in actions):
            self._failures = 0  # a deposit has succeeded only when it is credited
        return receipts

    def _failed(self, now: int) -> None:
        wait = min(RETRY_FIRST << min(self._failures, 10), RETRY_LONGEST)
        self._failures += 1
        self._not_before = now + wait

    def _message(self, action: Action, query_id: int, nonce: int) -> OutMessage:
        wallet = self._access.wallet
        charge = None
        if action.operation is Operation.CHARGE:
            charge = repacked_charge(
                self._claim().envelope or b"",
                contract=self.contract,
                proxy_key=self.proxy_key,
                excesses=wallet,
            )
        return order(
            action,
            self.contract,
            query_id=query_id,
            excesses=wallet,
            init=self._init() if action.deploy else None,
            nonce=nonce,
            secret_hash=self._setting.secrets.hash_of(self.contract.account),
            charge=charge,
        )

    def _init(self) -> Cell:
        params = self._access.root.current.params
        data = client_data(params, self._access.wallet, self.proxy, self.proxy_key)
        if params.client_code is None:
            raise ChainDataError("the root contract has no code for clients")
        cell = state_init(params.client_code, data)
        if cell.hash != self.contract.account:
            raise PaymentError("the network's parameters have changed; connect anew")
        return cell
