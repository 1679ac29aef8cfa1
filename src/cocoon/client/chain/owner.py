"""What an owner orders: deposits, charges, withdrawals, closing and opening again."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from cocoon.accounting import PaymentClaim
from cocoon.chain.address import Address
from cocoon.chain.contracts.attached import VALUE_OPERATION
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.client.chain import plan
from cocoon.client.chain.contract import Receipt, Setting
from cocoon.client.chain.keeper import ContractKeeper
from cocoon.client.chain.outlook import (
    Outlook,
    outlook_charge,
    outlook_closing,
    outlook_deposit,
    outlook_withdrawal,
)
from cocoon.client.chain.plan import Action, Blocked, Done, Facts, Operation, Step
from cocoon.client.chain.records import CLOSE, RUN
from cocoon.errors import PaymentError

T = TypeVar("T")
Claims = Callable[[Address, Address, bytes], PaymentClaim]
"""What is known of the payments of a contract: contract, proxy's contract, proxy's key."""


class OwnerOrders:
    """Orders about the contracts of one client; each goes on when its caller is cancelled.

    Args:
        setting: what all contracts share.
        claims: what proxies have signed.
    """

    def __init__(self, setting: Setting, claims: Claims) -> None:
        self._setting = setting
        self._access = setting.access
        self._claims = claims
        self._keepers: dict[Address, ContractKeeper] = {}
        self._pending: set[asyncio.Task[Any]] = set()

    async def outlook(self, contract: Address, operation: Operation, amount: int = 0) -> Outlook:
        """What an order will do, cost and bring.

        Args:
            contract: ours.
            operation: ``TOP_UP``, ``REOPEN``, ``CHARGE``, ``WITHDRAW`` or ``REQUEST_REFUND``
                (closing).
            amount: nanoTON of a deposit.

        Raises:
            ChainError: the chain cannot be reached.
        """
        facts = await self._keeper(contract).look()
        match operation:
            case Operation.WITHDRAW:
                return outlook_withdrawal(facts, VALUE_OPERATION)
            case Operation.REQUEST_REFUND | Operation.FORCE_REFUND:
                return outlook_closing(facts, VALUE_OPERATION)
            case Operation.CHARGE:
                return outlook_charge(facts, VALUE_OPERATION)
            case Operation.TOP_UP:
                refusal = plan.cannot_deposit(facts, self._setting.limits)
                warning = "" if refusal is None else refusal.reason
                return outlook_deposit(amount, VALUE_OPERATION, warning)
            case _:
                return outlook_deposit(amount, VALUE_OPERATION)

    async def top_up(self, contract: Address, amount: int) -> tuple[list[Receipt], Step]:
        """Deposit so many nanoTON, whatever the limits say.

        Raises:
            WalletFundsError: the wallet cannot pay.
            PaymentError: refused by a contract, or not possible now.
            ChainError: the chain cannot be reached.
            StoreError: the intent cannot be written down.
        """
        return await self._order(contract, lambda facts: self._deposit(facts, amount))

    async def charge(self, contract: Address) -> tuple[list[Receipt], Step]:
        """Publish the newest charge that we hold; raises as :meth:`top_up`."""

        def decide(facts: Facts) -> Step:
            if not facts.can_charge or facts.client is None:
                return Done("nothing to charge")
            action = Action(Operation.CHARGE)
            return plan.affordable(facts, action) or action

        return await self._order(contract, decide)

    async def withdraw(self, contract: Address) -> tuple[list[Receipt], Step]:
        """Take back what is above the stake; raises as :meth:`top_up`."""
        return await self._order(contract, plan.withdrawing)

    async def close_contract(
        self, contract: Address, *, force: bool = False
    ) -> tuple[list[Receipt], Step]:
        """Close for good: the money comes back from the proxy, or after the delay without it.

        What cannot be done yet is done in the background, or by the next call.

        Args:
            contract: ours.
            force: do not care for the newest charge: everything that matters is on chain. The proxy
                can still publish it before the delay is over.

        Returns:
            What was sent now, and what remains: ``Wait`` says until when.

        Raises:
            WalletFundsError: the wallet cannot pay.
            PaymentError: refused by a contract.
            ChainError: the chain cannot be reached.
            StoreError: it cannot be written down.
        """
        keeper = self._keeper(contract)
        keeper.set_goal(CLOSE, "ordered")
        receipts, step = await self._order(
            contract, lambda facts: plan.closing(facts, publish=not force)
        )
        if isinstance(step, Done):
            keeper.finish()
        return receipts, step

    async def reopen(self, contract: Address, amount: int) -> tuple[list[Receipt], Step]:
        """Open a closed and empty contract again with a deposit; our contracts can.

        Raises:
            PaymentError: it is not closed, or the network's parameters have changed since.
        """

        def decide(facts: Facts) -> Step:
            if facts.client is None or not plan.is_closed(facts):
                return Blocked("the contract is not closed")
            action = Action(Operation.REOPEN, amount)
            return plan.affordable(facts, action) or action

        keeper = self._keeper(contract)
        version = self._access.root.current.params.params_version
        if keeper.record.params_version != version:
            raise PaymentError("the network's parameters have changed: a new contract is used")
        reason, finished = keeper.record.reason, keeper.record.finished
        keeper.set_goal(RUN)  # before money leaves: a crash must not forget this contract
        receipts: list[Receipt] = []
        try:
            receipts, step = await self._order(contract, decide)
        finally:
            if not receipts and keeper.record.intent is None:
                keeper.set_goal(CLOSE, reason)
                if finished:
                    keeper.finish()
        return receipts, step

    def _deposit(self, facts: Facts, amount: int) -> Step:
        refusal = plan.cannot_deposit(facts, self._setting.limits)
        if refusal is not None:
            return refusal
        if facts.client is None:
            return Blocked("the contract is not deployed; connect to the proxy first")
        if facts.client.phase is not ContractPhase.OPEN:
            return Blocked("the contract is closing or closed")
        action = Action(Operation.TOP_UP, amount)
        return plan.affordable(facts, action) or action

    async def _order(
        self, contract: Address, decide: Callable[[Facts], Step]
    ) -> tuple[list[Receipt], Step]:
        return await self._apart(self._keeper(contract).run_order(decide))

    def _keeper(self, contract: Address) -> ContractKeeper:
        keeper = self._keepers.get(contract)
        if keeper is not None:
            return keeper
        record = self._setting.records.get(contract)
        if record is None:
            raise PaymentError(f"{contract} is no contract of this client")
        proxy, key = Address.parse(record.proxy), bytes.fromhex(record.proxy_key)
        keeper = ContractKeeper(
            self._setting, contract, record, lambda: self._claims(contract, proxy, key)
        )
        self._keepers[contract] = keeper
        return keeper

    async def _apart(self, work: Coroutine[Any, Any, T]) -> T:
        task = asyncio.get_running_loop().create_task(work)
        self._pending.add(task)
        task.add_done_callback(self._forget)
        return await asyncio.shield(task)

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._pending.discard(task)
        if not task.cancelled():
            task.exception()  # its caller may be gone; this marks it as seen
