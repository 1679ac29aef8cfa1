"""One client contract: what the chain says of it, and messages to it.

A deposit is written down before its message leaves (``records``) and looked up on chain until its
end is known (``deposit_trace``). A step that failed is tried again later and later, because each
try costs fees.
"""

import secrets as randomness
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import structlog

from cocoon.accounting import PaymentClaim
from cocoon.chain.address import Address
from cocoon.chain.cells import Cell
from cocoon.chain.contracts.client import client_data
from cocoon.chain.contracts.client_state import ClientState
from cocoon.chain.contracts.code import code_info
from cocoon.chain.contracts.proxy_state import ProxyState
from cocoon.chain.contracts.state_init import state_init
from cocoon.chain.delivery import Delivery, DeliveryStatus
from cocoon.chain.message import OutMessage
from cocoon.client.chain.deposit_trace import DepositState, trace_deposit
from cocoon.client.chain.limits import DepositLimits
from cocoon.client.chain.orders import order, repacked_charge
from cocoon.client.chain.plan import Action, Facts, Operation, Wait
from cocoon.client.chain.records import ContractRecord, Intent, Records
from cocoon.client.chain.secret import Secrets
from cocoon.errors import (
    ChainDataError,
    ChainError,
    MessageRejectedError,
    PaymentError,
    WalletFundsError,
)
from cocoon.net.chain_access import ChainAccess, Moment

MESSAGE_LIFE = 600
"""Seconds of chain time after which a message that a crash left behind can no longer arrive."""
CREDIT_PATIENCE = 900
"""Seconds after which a deposit that our contract took is no longer waited for."""
RETRY_FIRST = 60
RETRY_LONGEST = 3600
"""Seconds between tries of a step that failed; doubled from the first to the longest."""

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


class ClientContract:
    """One contract; whoever uses it does so one call at a time.

    Args:
        setting: shared with the others.
        contract: its address.
        record: what is remembered of it.
        claim: what the proxy has signed and counted, as far as we know.

    Attributes:
        proxy, proxy_key: of the proxy's contract, and its machine key.
        facts: as last read; None before.
        failures: steps that failed in a row.
        not_before: Unix seconds until which nothing is tried unasked.
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
        self.claim = claim
        self.facts: Facts | None = None
        self.failures = 0
        self.not_before = 0
        self._setting = setting
        self._access = setting.access
        self._own_intent = False
        self._last_lt = 0

    # --- looking ---

    async def read(self, moment: Moment) -> Facts:
        """Read the contract and the proxy's.

        Raises:
            ChainError: it cannot be reached, does not make sense, or is behind what we did.
        """
        access = self._access
        account, client = await access.contract(self.contract, ClientState.from_data)
        _, proxy = await access.contract(self.proxy, ProxyState.from_data)
        self._check(client)
        if account.last_lt < self.record.seen:
            raise ChainError("the backend does not show our last message yet")
        self._last_lt = account.last_lt
        params = access.root.current.params
        # The proxy's contract was made with the same parameters as ours, the root may be newer.
        mine = next((known.params for known in (client, proxy) if known is not None), params)
        claim = self.claim()
        self.facts = Facts(
            now=moment.now,
            wallet=moment.wallet,
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

    async def settle_intent(self, now: int) -> Wait | None:
        """Find out how a deposit ended; None when there is none on its way any more.

        Args:
            now: time of the chain.

        Raises:
            ChainError: the chain cannot be reached.
            StoreError: what came out cannot be written down.
        """
        record, records = self.record, self._setting.records
        intent = record.intent
        if intent is None:
            return None
        if not self._own_intent and not intent.not_after:
            intent.not_after = now + MESSAGE_LIFE  # from before a crash
            records.save()
        traced = await trace_deposit(
            self._access.backend,
            contract=self.contract,
            wallet=self._access.wallet,
            proxy=self.proxy,
            query_id=intent.query_id,
            since=intent.since,
        )
        paid = await self._how_it_ended(intent, traced.state, now)
        if paid is None:
            return Wait(f"a deposit is {traced.state.value}")
        _log.info("deposit", contract=self.contract.raw(), amount=intent.amount, paid=paid)
        self._own_intent = False
        record.seen = max(record.seen, traced.lt)
        records.end(record, paid=paid)
        if paid:
            self.failures = 0
        else:
            self.failed(now)
        return None

    async def _how_it_ended(self, intent: Intent, state: DepositState, now: int) -> bool | None:
        """Whether the money is there (True), came back or never left (False), or travels (None)."""
        if state is DepositState.CREDITED:
            return True
        if state is DepositState.RETURNED:
            return False
        if state is DepositState.UNSEEN:
            return False if intent.not_after and now > intent.not_after else None
        account, client = await self._access.contract(self.contract, ClientState.from_data)
        ours = account.code is not None and account.code.hash == code_info("client").code.hash
        if client is not None and client.ledger is None and not ours:
            return True  # an official contract credits at once; ours has no ledger while it is zero
        intent.first_seen = intent.first_seen or now
        return True if now > intent.first_seen + CREDIT_PATIENCE else None

    # --- doing ---

    async def perform(
        self, facts: Facts, actions: Sequence[Action], *, nonce: int = 0, automatic: bool = True
    ) -> list[Receipt]:
        """Send the messages of these actions together, with at most one deposit among them.

        Raises:
            WalletFundsError: the wallet cannot pay; nothing was sent.
            PaymentError: a contract refused.
            ChainError: the chain cannot be reached; a deposit that may have left is looked up.
            StoreError: a deposit cannot be written down; nothing was sent.
        """
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
        try:
            deliveries = await self._access.sender.send(*messages)
        except (WalletFundsError, MessageRejectedError) as error:
            self.failed(facts.now)
            if deposit is not None:  # an intent from before is another deposit's
                self._end_unpaid(signed=isinstance(error, MessageRejectedError))
            raise
        except BaseException:
            if deposit is not None:
                self._own_intent = False  # unclear whether it was sent: the chain will show
            raise
        if deposit is not None:
            self._note_deposit(deliveries[deposit])
        self._note(deliveries)
        return self._receipts(facts, actions, deliveries)

    def _note_deposit(self, delivery: Delivery) -> None:
        if delivery.status is DeliveryStatus.UNDECIDED:
            # What is seen to have left the wallet arrives, however long that takes.
            self._own_intent = delivery.wallet_transaction is not None
        elif delivery.status is not DeliveryStatus.DELIVERED:
            self._end_unpaid()

    def _end_unpaid(self, *, signed: bool = True) -> None:
        self._own_intent = False
        self._setting.records.end(self.record, paid=False, signed=signed)

    def _note(self, deliveries: Sequence[Delivery]) -> None:
        record = self.record
        for delivery in deliveries:
            if delivery.transaction is not None:
                record.seen = max(record.seen, delivery.transaction.lt)
        record.last_transaction = (deliveries[0].wallet_hash or b"").hex()
        self._setting.records.save()

    def _receipts(
        self, facts: Facts, actions: Sequence[Action], deliveries: Sequence[Delivery]
    ) -> list[Receipt]:
        """What was delivered; an exception for the first that was not."""
        receipts = []
        for action, delivery in zip(actions, deliveries, strict=True):
            if delivery.status is not DeliveryStatus.DELIVERED:
                self.failed(facts.now)
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
            self.failures = 0  # a deposit has succeeded only when it is credited
        return receipts

    def failed(self, now: int) -> None:
        """A step failed: the next try comes later."""
        wait = min(RETRY_FIRST << min(self.failures, 10), RETRY_LONGEST)
        self.failures += 1
        self.not_before = now + wait

    def _message(self, action: Action, query_id: int, nonce: int) -> OutMessage:
        wallet = self._access.wallet
        charge = None
        if action.operation is Operation.CHARGE:
            charge = repacked_charge(
                self.claim().envelope or b"",
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
