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

import structlog

from cocoon.accounting import PriceList
from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.chain.contracts.client_state import ClientState
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.proxy_state import ProxyState
from cocoon.chain.delivery import Delivery, DeliveryStatus
from cocoon.chain.message import OutMessage
from cocoon.chain.sender import WalletSender
from cocoon.chain.transaction import Transaction
from cocoon.errors import ChainError, CocoonError, SignerRegressionError, where
from cocoon.proxy.books import Books
from cocoon.proxy.onchain import due
from cocoon.proxy.onchain.committer import OnChainCommitter
from cocoon.proxy.onchain.holds import Holds
from cocoon.proxy.onchain.inbox import (
    ClientChanged,
    ClientUncertain,
    Committed,
    Registered,
    apply,
    take_snapshot,
)
from cocoon.proxy.onchain.messages import NOTE_VALUE, ProxyMessages
from cocoon.proxy.onchain.outbox import NOTHING, Due, Outbox
from cocoon.proxy.onchain.settings import SettlementSettings
from cocoon.proxy.onchain.watcher import PositionLostError, Watcher
from cocoon.proxy.store import ChainPosition

_random = random.SystemRandom()  # leaves the state of the shared generator alone

UNCERTAIN_LOOKS = 3
"""Rounds in which a client contract is read again after money did not move as announced."""
MAX_READS = 16
"""Client contracts that are read in one round; the others wait for the next."""
DEPLOY_TIME = 300.0
"""Seconds in which our contract must be seen after it was deployed."""
CREDIT_TIME = 900
"""Seconds in which a deposit may still be on its way back to the client's contract."""
HOPS = 2
"""Beyond a destination, as far as contracts of ours act: proxy contract, then receivers. What a
receiver does with its money is not waited for: it could keep us busy."""
CONFIRM_POLL = 1.0
"""Seconds at most between looks for a commit that somebody waits for."""
OLD_MESSAGE = 1000
"""Exit code of a contract whose counter a signed message does not advance."""
STALLED_AFTER = 600.0
"""Seconds without a successful round after which the proxy says that it is not healthy."""

_log = structlog.get_logger(__name__)


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
        self._poll_interval = poll_interval
        self._on_registered = on_registered
        self._on_round = on_round
        self._commit_books = commit_books
        self._watcher = Watcher(backend, books, self._take)
        self._uncertain: dict[Address, int] = {}
        self._topped_up: dict[Address, int] = {}
        self._holds = holds = Holds(settings.retry_delay)
        self._outbox = Outbox(books, prices, settings, messages, backend, holds)
        self._complaint = ""
        self._wake = asyncio.Event()
        self._round_lock = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
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
        return "this proxy is retiring" if self._leaving else None

    @property
    def _leaving(self) -> bool:
        """Whether we retire, or somebody has closed our contract."""
        closed = self.state is not None and self.state.phase is not ContractPhase.OPEN
        return self._retiring or closed

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
        if self._books.position.lt:
            await self._resume()  # a chain that does not know us gets no deposit
        await self._deploy()
        await self._await_contract()
        self._check_books()

    async def _resume(self) -> None:
        """Go on where the books were; from the beginning if a server had invented that place.

        The chain is believed to be ours only if it holds the commit that the store knows.

        Raises:
            PositionLostError: it does not.
        """
        try:
            await self._look()
        except PositionLostError as error:
            await self._read_state()
            ledger = self.state.ledger if self.state else None
            if ledger is None or not self._committer.knows(ledger.commit_seqno, ledger.commit_hash):
                raise
            _log.warning("reading the proxy contract from its beginning", reason=str(error))
            self._books.position = ChainPosition()
            await self._look()

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
        self._holds.forget_times()
        await self._round(what)

    async def confirm(self, timeout: float) -> None:
        """Wait until the commit that is pending was seen on chain.

        Raises:
            ChainError: not in time.
        """
        try:
            async with asyncio.timeout(timeout):
                while self._committer.pending is not None:
                    await self._round(act=False)
                    if self._committer.pending is not None:
                        await asyncio.sleep(min(self._poll_interval[0], CONFIRM_POLL))
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
                self._complain(str(error))
            except Exception as error:
                # Boundary: if this task ended, nothing would ever be settled again.
                _log.error(
                    "settlement failed by a bug", error=type(error).__name__, where=where(error)
                )
            self._on_round()
            delay = _random.uniform(*self._poll_interval)
            try:
                async with asyncio.timeout(delay):
                    await self._wake.wait()
            except TimeoutError:
                pass

    def _complain(self, reason: str) -> None:
        """Say once what keeps settlement waiting; the next round finds the same."""
        if reason != self._complaint:
            self._complaint = reason
            _log.warning("settlement on chain waits", reason=reason)

    async def _round(self, asked: Due = NOTHING, *, act: bool = True) -> None:
        async with self._round_lock:
            if self.fault is not None:
                raise ChainError(f"nothing is settled: {self.fault}")
            await self._backend.head()  # a server that stalls would hide that a client closes
            await self._look()
            await self._read_uncertain()
            closing = self._leaving or due.closing_with_usage(self._books)
            if closing and self._committer.pending is None:
                await self._commit_books()
            await self._commit()
            if act:
                await self._act(asked)
            self._good_at = time.monotonic()
            self._complaint = ""

    def _forbid(self, error: CocoonError) -> None:
        if self.fault is None:
            self.fault = error
            _log.error("the books and the chain disagree; nothing is signed", reason=str(error))

    async def _look(self) -> None:
        """Take what is new."""
        news = await self._watcher.poll()
        if news or self.state is None:
            await self._read_state()

    async def _read_uncertain(self) -> None:
        """Read what is not known for sure."""
        for owner in list(self._uncertain)[:MAX_READS]:
            await self._read_client(owner)

    def _take(self, transaction: Transaction) -> None:
        try:
            event = apply(transaction, self._books, self._wallet)
            if isinstance(event, Committed):
                self._committer.seen(event)
        except SignerRegressionError as error:
            self._forbid(error)
            raise
        if isinstance(event, Registered | ClientChanged):
            self._note_deposit(event, transaction.time)
        if isinstance(event, Registered):
            self._on_registered(event)
        elif isinstance(event, ClientUncertain):
            self._uncertain[event.owner] = UNCERTAIN_LOOKS

    def _note_deposit(self, event: Registered | ClientChanged, now: int) -> None:
        """A client says its balance with a deposit on its way; what it says next may lack it."""
        owner = Address.parse(event.record.account.owner)
        if isinstance(event, ClientChanged) and event.topped_up:
            recent = {who: at for who, at in self._topped_up.items() if at > now - CREDIT_TIME}
            self._topped_up = recent | {owner: now}
        elif self._topped_up.get(owner, 0) > now - CREDIT_TIME:
            self._uncertain[owner] = UNCERTAIN_LOOKS

    async def _read_state(self) -> None:
        account = await self._backend.account(self._books.contract)
        if account.is_active and account.data is not None:
            self.state = ProxyState.from_data(account.data)
            # An older or newer build of our contract has a ledger all the same.
            self._messages.are_ours |= self.state.ledger is not None

    async def _read_client(self, owner: Address) -> None:
        left = self._uncertain[owner] - 1
        contract = self._books.client_contract(owner)
        account = await self._backend.account(contract)
        record = self._books.client(owner)
        if record is not None and account.is_active and account.data is not None:
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
            if state.phase is not ContractPhase.OPEN or self._retiring:
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

    async def _await_contract(self) -> None:
        """Wait for what was sent: whoever starts anew before it arrives pays the stake twice."""
        deadline = time.monotonic() + DEPLOY_TIME
        while True:
            await self._look()
            if self.state is not None:
                return
            if time.monotonic() >= deadline:
                raise ChainError(
                    f"the proxy contract {self._books.contract} is not on chain yet; see what "
                    "became of its messages, then start the proxy again"
                )
            await asyncio.sleep(self._poll_interval[0])

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
        commit, contract = self._committer.pending, self._books.contract
        if commit is None or not self._holds.is_free(contract):
            return
        await self._send("commit", [self._messages.commit(commit)])
        if self._committer.pending is commit:
            # Sent, but not seen yet: the contract would refuse it a second time.
            self._holds.pause(contract)

    async def _act(self, asked: Due) -> None:
        """Send what is due, each kind with what the kinds before it have changed."""
        if self.state is None:
            return
        free = self._holds.is_free(self._books.contract)
        if self._retiring and self.state.phase is ContractPhase.OPEN and free:
            await self._send("close", [self._messages.close_request()])
        outbox, closing = self._outbox, self.state.phase is ContractPhase.CLOSING
        # Our contract gives everybody what is theirs even after its owner has closed it.
        leaving = closing or (self._messages.are_ours and self.state.phase is ContractPhase.CLOSED)
        await self._send("refund", outbox.refunds(everybody=leaving))
        await self._send("charge", outbox.charges(self.state, asked))
        await self._send("payout", await outbox.payouts(self.state, asked, last=leaving))
        if closing:
            await self._send("close", await outbox.completion(self.state))
        await self._send("commission", outbox.commission(self.state, asked))

    async def _send(self, kind: str, messages: list[OutMessage]) -> None:
        if not messages:
            return
        deliveries = await self._sender.send(*messages, follow=HOPS)
        for delivery in deliveries:
            self._note(kind, delivery)
        await self._look()

    def _note(self, kind: str, delivery: Delivery) -> None:
        if delivery.transaction is not None:
            self.sent[kind] = delivery.transaction.hash.hex()
        if self._took_effect(delivery):
            self._holds.succeeded(delivery.message.dest)
            _log.info("settled on chain", kind=kind, contract=str(delivery.message.dest))
            return
        if kind == "refund" and delivery.exit_code == OLD_MESSAGE:
            self._outbox.cannot_be_granted(delivery.message.dest)
        self._holds.failed(delivery.message.dest)
        _log.warning(
            "a settlement message failed",
            kind=kind,
            contract=str(delivery.message.dest),
            outcome=delivery.describe(),
        )

    def _took_effect(self, delivery: Delivery) -> bool:
        """Whether every contract of ours did its part.

        What becomes of the money at an owner's account is the owner's affair: one without code
        keeps it although nothing runs there.
        """
        if delivery.message.value == NOTE_VALUE:
            return True  # only there to be read
        ours = (delivery.message.dest, self._books.contract)
        failed = any(step.address in ours for step in delivery.failures)
        return delivery.status is DeliveryStatus.DELIVERED and delivery.complete and not failed
