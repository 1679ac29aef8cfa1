"""Carries out what the plan says about one client contract; one step at a time, never two at once.

Before every step the chain is read anew; a step that moved money is trusted to have happened only
when the chain shows it.
"""

import asyncio
from collections.abc import Callable

import structlog

from cocoon.accounting import PaymentClaim
from cocoon.chain.address import Address
from cocoon.client.chain import plan
from cocoon.client.chain.contract import ClientContract, Receipt, Setting
from cocoon.client.chain.plan import Action, Blocked, Done, Facts, Operation, Step, Wait
from cocoon.client.chain.records import CLOSE, RUN, ContractRecord
from cocoon.errors import ChainError, PaymentError, WalletFundsError
from cocoon.net.chain_access import Moment

MAX_CHARGE_FAILURES = 2
"""Failed charges after which a contract is closed without one."""
MAX_REGISTRATIONS = 20
"""Registrations at one proxy within a day: each costs us fees, and the proxy asks for them."""
DAY = 86_400

_log = structlog.get_logger(__name__)


class ContractKeeper:
    """Keeps one contract as it should be.

    Args:
        setting: shared with the others.
        contract: the contract.
        record: what is remembered of it.
        claim: what the proxy has signed and counted, as far as we know.

    Attributes:
        on_chain: the contract itself.
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
        self.on_chain = ClientContract(setting, contract, record, claim)
        self.step: Step | None = None
        self._setting = setting
        self._lock = asyncio.Lock()
        self._registrations: list[int] = []

    @property
    def proxy(self) -> Address:
        """The proxy's contract."""
        return self.on_chain.proxy

    @property
    def facts(self) -> Facts | None:
        """What was last read; None before."""
        return self.on_chain.facts

    # --- in the background ---

    async def tick(self, moment: Moment) -> Step:
        """Look, and do the next step if there is one.

        Args:
            moment: time and wallet as just read.

        Raises:
            ChainError: the chain cannot be reached or does not make sense; nothing is lost.
            StoreError: an intent cannot be written down; nothing was sent.
        """
        async with self._lock:
            self.step = await self._tick(moment)
            return self.step

    async def _tick(self, moment: Moment) -> Step:
        if self.record.finished:
            return Done("closed: everything has come back")
        waiting = await self.on_chain.settle_intent(moment.now)
        if waiting is not None:
            return waiting
        facts = await self.on_chain.read(moment)
        self._decide_goal(facts)
        step = self._next(facts)
        if isinstance(step, Done) and self.record.goal == CLOSE:
            self.finish()
        if not isinstance(step, Action):
            return step
        if facts.now < self.on_chain.not_before:
            return Wait(f"{step.operation.value}: failed before", self.on_chain.not_before)
        await self.on_chain.perform(facts, [step])
        return step

    def _decide_goal(self, facts: Facts) -> None:
        record = self.record
        if record.goal != RUN:
            return
        version = self._setting.access.root.current.params.params_version
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
                publish=self.on_chain.failures < MAX_CHARGE_FAILURES,
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
            moment = await self._setting.access.moment()
            waiting = await self.on_chain.settle_intent(moment.now)
            facts = await self.on_chain.read(moment)
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
            return await self.on_chain.perform(facts, actions, nonce=nonce)

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
            return await self.on_chain.read(await self._setting.access.moment())

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
                moment = await self._setting.access.moment()
                waiting = await self.on_chain.settle_intent(moment.now)
                facts = await self.on_chain.read(moment)
                step = waiting or decide(facts)
                if isinstance(step, Blocked) and step.missing:
                    raise self._error(step)
                if not isinstance(step, Action):
                    return receipts, step
                if any(receipt.operation is step.operation for receipt in receipts):
                    return receipts, Wait("the chain does not show it yet")
                receipts += await self.on_chain.perform(facts, [step], automatic=False)
                if step.operation.deposits or step.operation is Operation.WITHDRAW:
                    return receipts, Done()

    def set_goal(self, goal: str, reason: str = "") -> None:
        """Write down what this contract is for from now on.

        Raises:
            StoreError: it cannot be saved.
        """
        record = self.record
        record.goal, record.reason, record.leave_since, record.finished = goal, reason, 0, False
        self.on_chain.not_before = 0
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
        wallet = self._setting.access.wallet.friendly(
            testnet=self._setting.access.backend.is_testnet
        )
        missing = -(-blocked.missing // 10**7) / 100
        text = f"{blocked.reason}: send at least {missing:.2f} TON to {wallet}"
        return WalletFundsError(text, blocked.missing, wallet)
