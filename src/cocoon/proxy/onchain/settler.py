"""The loop that keeps a proxy's books and the chain together.

Each round: take what is new on the proxy contract, publish a commit that waits, then send what is
due: refunds first (somebody waits), then charges, then payouts, then commission. One round at a
time, and its messages are followed to their destinations before the next one starts, so nothing is
sent twice for one reason. While the chain cannot be reached requests go on within what clients have
deposited; what is signed and sent waits.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from cocoon.accounting import PriceList
from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.chain.contracts.client_state import ClientState
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.payment import MAX_TOKENS
from cocoon.chain.contracts.proxy_state import ProxyState
from cocoon.chain.contracts.worker_state import WorkerState
from cocoon.chain.delivery import Delivery
from cocoon.chain.message import OutMessage
from cocoon.chain.sender import WHOLE_TRACE, WalletSender
from cocoon.chain.transaction import Transaction
from cocoon.errors import ChainError, CocoonError, SignerRegressionError, where
from cocoon.proxy.books import Books, WorkerRecord
from cocoon.proxy.onchain import due
from cocoon.proxy.onchain.committer import OnChainCommitter
from cocoon.proxy.onchain.inbox import (
    ClientUncertain,
    Committed,
    Registered,
    apply,
    take_snapshot,
)
from cocoon.proxy.onchain.messages import NOTE_VALUE, ProxyMessages
from cocoon.proxy.onchain.settings import SettlementSettings
from cocoon.proxy.onchain.watcher import Watcher

MAX_SENT_PER_ROUND = 16
UNCERTAIN_LOOKS = 3
"""Rounds in which a client contract is read again after money did not move as announced."""
STALLED_AFTER = 600.0
"""Seconds without a successful round after which the proxy says that it is not healthy."""
MAX_RETRY_DELAY = 3600.0
"""Seconds; a contract that refuses again and again is asked more and more rarely."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """What shall be sent whatever the thresholds.

    Attributes:
        charges, payouts, commission: everything of that kind that is above zero.
    """

    charges: bool = False
    payouts: bool = False
    commission: bool = False


class ChainSettlement:
    """One proxy contract's settlement.

    Args:
        backend: the chain; started and closed by whoever made it.
        sender: our wallet's queue.
        wallet: its address.
        books: the accounts.
        committer: decides about commits.
        messages: makes what is sent.
        settings: thresholds.
        prices: of the contract.
        poll_interval: seconds between rounds, shortest and longest.
        on_registered: a client has proven itself on chain.
        on_round: called after every round, for what depends on :attr:`refusal`.
        commit_books: store everything and make a commit of it, whatever it is worth.

    Attributes:
        state: the proxy contract as last read; None before it is there.
        fault: why nothing may be signed any more; None while all is well.
        sent: hash of the newest transaction of each kind of message, for status pages.
    """

    def __init__(
        self,
        *,
        backend: ChainBackend,
        sender: WalletSender,
        wallet: Address,
        books: Books,
        committer: OnChainCommitter,
        messages: ProxyMessages,
        settings: SettlementSettings,
        prices: PriceList,
        poll_interval: tuple[float, float],
        on_registered: Callable[[Registered], None],
        on_round: Callable[[], None],
        commit_books: Callable[[], Awaitable[None]],
    ) -> None:
        self._backend = backend
        self._sender = sender
        self._wallet = wallet
        self._books = books
        self._committer = committer
        self._messages = messages
        self._settings = settings
        self._prices = prices
        self._poll_interval = poll_interval
        self._on_registered = on_registered
        self._on_round = on_round
        self._commit_books = commit_books
        self._watcher = Watcher(backend, books, self._take)
        self._uncertain: dict[Address, int] = {}
        self._held: dict[Address, float] = {}
        self._failures: dict[Address, int] = {}
        self._wake = asyncio.Event()
        self._round_lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._asked = Due()
        self._good_at = time.monotonic()
        self._retiring = False
        self.state: ProxyState | None = None
        self.fault: CocoonError | None = None
        self.sent: dict[str, str] = {}

    # --- what the proxy asks ---------------------------------------------------------------------

    @property
    def healthy(self) -> bool:
        """Whether the chain was reached recently and nothing forbids to sign."""
        return self.fault is None and time.monotonic() - self._good_at < STALLED_AFTER

    @property
    def refusal(self) -> str | None:
        """Why new requests are not taken; None if they are.

        A proxy that cannot see the chain would not notice a client that closes, and its usage
        would be lost with the refund: it stops well before that client's delay is over.
        """
        if self.fault is not None:
            return "this proxy cannot settle"
        delay = self._messages.client_delay
        if delay and time.monotonic() - self._good_at > delay / 2:
            return "this proxy has not seen TON for too long"
        if self._retiring or (self.state and self.state.phase is not ContractPhase.OPEN):
            return "this proxy is retiring"
        return None

    @property
    def pending_commit(self) -> int | None:
        """Number of the flush whose commit is not on chain yet; None if all are."""
        commit = self._committer.pending
        return None if commit is None else commit.seqno

    def wake(self) -> None:
        """Start the next round now."""
        self._wake.set()

    async def start(self) -> None:
        """Deploy the contract if it is missing, catch up with the chain, and check the books.

        Raises:
            ChainError: the chain cannot be reached, or the wallet has too little money.
            SignerRegressionError: the chain has more than the books: they are an older copy.
        """
        await self._deploy()
        await self._look()
        self._check_books()

    def run(self) -> None:
        """Go on in the background."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Stop; what is under way at the chain stays under way."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._sender.close()

    async def settle_now(self, what: Due) -> None:
        """Send what is asked for in a round of its own, and wait for it.

        Raises:
            ChainError: the chain cannot be reached, or the wallet has too little money.
        """
        self._held.clear()
        self._asked = what
        try:
            await self._round()
        finally:
            self._asked = Due()

    async def confirm(self, timeout: float) -> None:
        """Wait until the commit that is pending was seen on chain.

        Raises:
            ChainError: not in time.
        """
        try:
            async with asyncio.timeout(timeout):
                while self._committer.pending is not None:
                    await self._round(act=False)
        except TimeoutError:
            raise ChainError("the commit of the books was not seen on chain in time") from None

    def retire(self) -> None:
        """Wind the contract down: refund every client, pay every worker, close, take the stake."""
        self._retiring = True
        self.wake()

    # --- rounds ----------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            try:
                await self._round()
            except SignerRegressionError as error:
                self._forbid(error)
            except CocoonError as error:
                _log.warning("settlement on chain waits", reason=str(error))
            except Exception as error:
                # Boundary: if this task ended, nothing would ever be settled again.
                _log.error(
                    "settlement failed by a bug", error=type(error).__name__, where=where(error)
                )
            self._on_round()
            delay = random.uniform(*self._poll_interval)  # noqa: S311 - spreads the load
            try:
                async with asyncio.timeout(delay):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _round(self, *, act: bool = True) -> None:
        async with self._round_lock:
            if self.fault is not None:
                raise ChainError(f"nothing is settled: {self.fault}")
            await self._look()
            if self._retiring or due.closing_with_usage(self._books):
                await self._commit_books()
            await self._commit()
            if act:
                await self._act()
            self._good_at = time.monotonic()

    def _forbid(self, error: CocoonError) -> None:
        if self.fault is None:
            self.fault = error
            _log.error("the books and the chain disagree; nothing is signed", reason=str(error))

    async def _look(self) -> None:
        """Take what is new, and read what is not known for sure."""
        news = await self._watcher.poll()
        if news or self.state is None:
            await self._read_state()
        for owner in list(self._uncertain):
            await self._read_client(owner)

    def _take(self, transaction: Transaction) -> None:
        event = apply(transaction, self._books, self._wallet)
        if isinstance(event, Committed):
            try:
                self._committer.seen(event)
            except SignerRegressionError as error:
                self._forbid(error)
                raise
        elif isinstance(event, Registered):
            self._on_registered(event)
        elif isinstance(event, ClientUncertain):
            self._uncertain[event.owner] = UNCERTAIN_LOOKS

    async def _read_state(self) -> None:
        account = await self._backend.account(self._books.contract)
        if account.is_active and account.data is not None:
            self.state = ProxyState.from_data(account.data)

    async def _read_client(self, owner: Address) -> None:
        left = self._uncertain[owner] - 1
        contract = self._books.client_contract(owner)
        account = await self._backend.account(contract)
        if account.is_active and account.data is not None:
            record = self._books.register_client(owner)
            take_snapshot(self._books, record, ClientState.from_data(account.data).snapshot)
        if left:
            self._uncertain[owner] = left
        else:
            del self._uncertain[owner]

    # --- start -----------------------------------------------------------------------------------

    async def _deploy(self) -> None:
        account = await self._backend.account(self._books.contract)
        messages: list[OutMessage] = []
        stake = 0
        if account.is_active and account.data is not None:
            state = ProxyState.from_data(account.data)
            if state.phase is not ContractPhase.OPEN:
                return
            stake, needed = state.stake, state.params.min_proxy_stake
        else:
            messages.append(self._messages.deploy())
            needed = self._messages.min_stake
        if stake < needed:
            messages.append(self._messages.increase_stake(needed - stake))
        if messages:
            _log.info("deploying the proxy contract", stake_nanoton=needed - stake)
            await self._send("deploy", messages)

    def _check_books(self) -> None:
        """Refuse books that the chain has overtaken.

        Raises:
            SignerRegressionError: they are an older copy.
        """
        ledger = self.state.ledger if self.state else None
        if ledger is not None and ledger.commit_seqno:
            last = self._committer.last
            known = self._committer.knows(ledger.commit_seqno, ledger.commit_hash)
            if not known and (last is None or last.seqno != ledger.commit_seqno):
                raise SignerRegressionError(
                    f"the chain has commit {ledger.commit_seqno} of this proxy, which the store "
                    "does not know: it is an older copy, or another proxy runs with this key"
                )
        for record in self._books.clients:
            if record.account.funds.charged > record.account.counter.max:
                raise SignerRegressionError(
                    f"client {record.account.owner} was charged more than the store has counted: "
                    "the store is an older copy; restore the newest one"
                )

    # --- sending ---------------------------------------------------------------------------------

    async def _commit(self) -> None:
        commit = self._committer.pending
        if commit is None or self._is_held(self._books.contract):
            return
        await self._send("commit", [self._messages.commit(commit)])
        if self._committer.pending is commit:
            # Sent, but not seen yet: the contract would refuse it a second time.
            self._hold(self._books.contract)

    async def _act(self) -> None:
        """Send what is due, each kind with what the kinds before it have changed."""
        if self._retiring and self._phase is ContractPhase.OPEN:
            await self._send("close", self._free([self._messages.close_request()]))
        await self._send("refund", self._refunds(everybody=self._is_closing))
        await self._send("charge", self._charges())
        await self._send("payout", await self._payouts(last=self._is_closing))
        if self._is_closing:
            await self._send("close", await self._completion())
        await self._send("commission", self._commission())

    @property
    def _phase(self) -> ContractPhase | None:
        return self.state.phase if self.state else None

    @property
    def _is_closing(self) -> bool:
        return self._phase is ContractPhase.CLOSING

    def _commission(self) -> list[OutMessage]:
        commission = self.state.balance if self.state else 0
        if not commission:
            return []
        if self._asked.commission or commission >= self._settings.commission_value:
            return self._free([self._messages.withdraw_commission()])
        return []

    def _free(self, messages: list[OutMessage]) -> list[OutMessage]:
        """Without those to contracts that just refused one."""
        return [item for item in messages if not self._is_held(item.dest)][:MAX_SENT_PER_ROUND]

    def _hold(self, contract: Address, failures: int = 1) -> None:
        delay = self._settings.retry_delay * 2 ** min(failures - 1, 16)
        self._held[contract] = time.monotonic() + min(delay, MAX_RETRY_DELAY)

    def _is_held(self, contract: Address) -> bool:
        return self._held.get(contract, 0.0) > time.monotonic()

    def _refunds(self, *, everybody: bool) -> list[OutMessage]:
        records = due.refunds(self._books, everybody=everybody)
        return self._free([self._messages.grant_refund(record) for record in records])

    def _charges(self) -> list[OutMessage]:
        everything = self._asked.charges or self._payouts_need_charges()
        threshold = 0 if everything else self._settings.charge_value
        records = due.charges(self._books, self._prices, threshold)
        refunded = {item.dest for item in self._refunds(everybody=False)}
        return self._free(
            [self._messages.charge(item) for item in records if item.contract not in refunded]
        )

    def _payout_threshold(self, *, last: bool = False) -> int:
        return 0 if self._asked.payouts or last else self._settings.payout_value

    def _payouts_need_charges(self) -> bool:
        """Whether workers wait for more than the charges on chain cover."""
        wanted = sum(
            due.unpaid(record)
            for record in due.payouts(self._books, self._prices, self._payout_threshold())
        )
        return self._messages.are_ours and wanted > self._covered()

    def _covered(self) -> int:
        """Tokens that can be paid from charges on chain; our contracts pay no more than that."""
        price = int(self._prices.price_per_token)
        earned = self.state.ledger.earned if self.state and self.state.ledger else 0
        return earned // price if price and self._messages.are_ours else MAX_TOKENS

    async def _payouts(self, *, last: bool) -> list[OutMessage]:
        covered = self._covered()
        messages = []
        records = (
            list(self._books.workers)
            if last
            else list(due.payouts(self._books, self._prices, self._payout_threshold()))
        )
        for record in records:
            if self._is_held(record.contract):
                continue
            message = await self._payout(record, covered, last=last)
            if message is not None:
                messages.append(message)
                covered -= min(covered, due.unpaid(record))
        return self._free(messages)

    async def _payout(self, record: WorkerRecord, covered: int, *, last: bool) -> OutMessage | None:
        """A payout of what the charges on chain cover; the rest waits for more charges."""
        wanted = due.unpaid(record)
        account = await self._backend.account(record.contract)
        if last and covered >= wanted:
            if not account.is_active or account.data is None:
                return self._messages.payout(record, deploy=True) if wanted else None
            closed = WorkerState.from_data(account.data).phase is ContractPhase.CLOSED
            return None if closed else self._messages.last_payout(record)
        if not covered or not wanted:
            return None
        limit = covered if covered < wanted else None
        return self._messages.payout(record, limit=limit, deploy=not account.is_active)

    async def _completion(self) -> list[OutMessage]:
        """The last step, once everybody has theirs and the delay is over."""
        head = await self._backend.head()
        waits = any(record.state != ContractPhase.CLOSED for record in self._books.clients)
        if self.state is None or waits or head.time < self.state.unlock_time:
            return []
        return self._free([self._messages.close_complete()])

    async def _send(self, kind: str, messages: list[OutMessage]) -> None:
        if not messages:
            return
        deliveries = await self._sender.send(*messages, follow=WHOLE_TRACE)
        for delivery in deliveries:
            self._note(kind, delivery)
        await self._look()

    def _note(self, kind: str, delivery: Delivery) -> None:
        if delivery.transaction is not None:
            self.sent[kind] = delivery.transaction.hash.hex()
        if delivery.ok or delivery.message.value == NOTE_VALUE:  # which is only there to be read
            self._failures.pop(delivery.message.dest, None)
            _log.info("settled on chain", kind=kind, contract=str(delivery.message.dest))
            return
        failures = self._failures[delivery.message.dest] = (
            self._failures.get(delivery.message.dest, 0) + 1
        )
        self._hold(delivery.message.dest, failures)
        _log.warning(
            "a settlement message failed",
            kind=kind,
            contract=str(delivery.message.dest),
            outcome=delivery.describe(),
        )
