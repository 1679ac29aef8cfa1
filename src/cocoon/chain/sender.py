"""A wallet's outgoing queue: every message is sent once, and followed to where it goes.

Nothing is kept on disk, because nothing need be: what a role must send follows from the state of
its contracts, which it reads again after a restart, and the wallet's sequence number keeps a
message signed before the restart and its successor from both being executed.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from cocoon.chain.backend import AccountState, ChainBackend
from cocoon.chain.delivery import Delivery, DeliveryStatus, describe_failure, is_deposit
from cocoon.chain.inclusion import Included, Inclusion, NotSent, SenderTiming
from cocoon.chain.message import Message, OutMessage
from cocoon.chain.tracing import Trace, Tracer
from cocoon.chain.transaction import Transaction
from cocoon.chain.wallets.base import Wallet
from cocoon.errors import ChainError, WalletFundsError

__all__ = ["FEE_ALLOWANCE", "WHOLE_TRACE", "SenderTiming", "WalletSender"]

WHOLE_TRACE = 16
"""A depth of following that no chain of messages of Cocoon reaches."""
FEE_ALLOWANCE = 20_000_000
"""NanoTON kept for fees of each message, several times what it costs."""
DEPLOY_ALLOWANCE = 100_000_000
"""More for one that deploys a contract; that of a proxy costs 0.076 TON, for the codes in it."""

_FEES_APART = 1
_IGNORE_ERRORS = 2
_ALL_BALANCE = 128
_TON = 10**9


@dataclass(slots=True, eq=False)
class _Entry:
    """Messages that go into one external message.

    Args:
        messages: at most what the wallet takes at once.
        follow: hops beyond the destinations.
        need: nanoTON that the wallet must have, for this and what belongs to it.
        group: the same object for what was handed over together.
        future: where its outcome goes.
    """

    messages: tuple[OutMessage, ...]
    follow: int
    need: int
    group: object
    future: "asyncio.Future[list[Delivery]]"

    @property
    def wanted(self) -> bool:
        """Whether somebody still waits for it."""
        return not self.future.done()

    @property
    def alone(self) -> bool:
        """Whether it takes all money, so that nothing can go with it."""
        return any(message.mode & _ALL_BALANCE for message in self.messages)

    def end(self, outcome: "list[Delivery] | Exception") -> None:
        """Tell whoever waits."""
        if self.future.done():
            return
        if isinstance(outcome, Exception):
            self.future.set_exception(outcome)
        else:
            self.future.set_result(outcome)


class WalletSender:
    """Sends messages from one wallet, one batch after another, and follows what they do.

    Other users of the same wallet are no danger, only slow: who loses the race for a sequence
    number tries again with the next one.

    Args:
        backend: the chain.
        wallet: whose key signs.
        timing: time limits; None for those of a public network.
        clock: local seconds.
        sleep: waits that long.
    """

    def __init__(
        self,
        backend: ChainBackend,
        wallet: Wallet,
        *,
        timing: SenderTiming | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._backend = backend
        self._wallet = wallet
        self._timing = timing or SenderTiming()
        self._inclusion = Inclusion(backend, wallet, self._timing, clock, sleep)
        self._tracer = Tracer(backend, poll=self._timing.poll, clock=clock, sleep=sleep)
        self._queue: deque[_Entry] = deque()
        self._runner: asyncio.Task[None] | None = None
        self._following: set[asyncio.Task[None]] = set()
        self._closed = False

    @property
    def wallet(self) -> Wallet:
        """The wallet that it sends from."""
        return self._wallet

    async def send(self, *messages: OutMessage, follow: int = 0) -> list[Delivery]:
        """Send messages and wait for what became of each, in order.

        Mode 2 is added to every message: one that the wallet cannot send then does not take the
        others with it, and is ``NOT_SENT``. Who stops waiting takes back what is not yet signed;
        what is signed may still be executed.

        Args:
            messages: any number; as many as fit share a transaction of the wallet.
            follow: how many hops beyond the destination to follow; ``WHOLE_TRACE`` for all.

        Raises:
            WalletFundsError: the wallet has too little money; nothing was sent.
            MessageRejectedError: the wallet refuses; nothing was sent.
            ChainError: the chain cannot be reached or stalls; says whether something may have been
                sent. Where only a part failed, its deliveries say so instead.
            DecodeError: a message does not fit a cell.
        """
        if self._closed:
            raise ChainError("the wallet's queue is closed")
        entries = self._entries(messages, follow)
        self._queue.extend(entries)
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        outcomes = await asyncio.gather(
            *(entry.future for entry in entries), return_exceptions=True
        )
        return _join(entries, outcomes)

    async def close(self) -> None:
        """Stop; who waits gets ``ChainError``."""
        self._closed = True
        tasks = [task for task in (self._runner, *self._following) if task and not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._fail_queue(ChainError("the wallet's queue was closed; nothing was sent"))

    def _entries(self, messages: Sequence[OutMessage], follow: int) -> list[_Entry]:
        for message in messages:
            message.cell()  # a message that does not fit is the caller's problem alone
        ready = [replace(message, mode=message.mode | _IGNORE_ERRORS) for message in messages]
        most = self._wallet.max_messages
        parts = [tuple(ready[start : start + most]) for start in range(0, len(ready), most)]
        loop, group = asyncio.get_running_loop(), object()
        entries = [_Entry(part, follow, _need(part), group, loop.create_future()) for part in parts]
        if entries:  # all or nothing, as far as the balance is concerned
            entries[0].need = sum(entry.need for entry in entries)
        return entries

    async def _run(self) -> None:
        """Work until the queue is empty; every entry's future ends."""
        while self._queue:
            batch: list[_Entry] = []
            try:
                state = await self._inclusion.state()
                batch = self._take(state)
                if batch:
                    self._follow(await self._inclusion.include(batch, state), batch)
            except asyncio.CancelledError:
                closed = ChainError("the wallet's queue was closed; a message may be on its way")
                for entry in batch:
                    entry.end(closed)
                raise
            except Exception as error:
                if not batch:
                    self._fail_queue(error)  # the chain is down: nobody need wait in turn for that
                for entry in batch:
                    entry.end(error)

    @property
    def _floor(self) -> int:
        """What the wallet must hold to accept anything, after the rent that it pays first."""
        return self._wallet.min_balance + FEE_ALLOWANCE

    def _take(self, state: AccountState) -> list[_Entry]:
        """The entries that go next: they fit, and the wallet can pay for them."""
        batch: list[_Entry] = []
        room, need, floor = self._wallet.max_messages, 0, self._floor
        while self._queue:
            entry = self._queue[0]
            if not entry.wanted:
                self._queue.popleft()
                continue
            if len(entry.messages) > room or (batch and (entry.alone or batch[0].alone)):
                break
            if state.balance < max(need + entry.need, floor):
                if batch:
                    break  # its turn comes when the money of these is gone
                self._refuse(entry, state)
                continue
            batch.append(self._queue.popleft())
            room -= len(entry.messages)
            need += entry.need
        return batch

    def _refuse(self, poor: _Entry, state: AccountState) -> None:
        """Drop an entry that the wallet cannot pay, with all that was handed over together."""
        error = self._too_little(state, max(poor.need, self._floor))
        while self._queue and self._queue[0].group is poor.group:
            self._queue.popleft().end(error)

    def _too_little(self, state: AccountState, need: int) -> WalletFundsError:
        # Not bounceable, because the wallet's contract may not exist yet.
        address = self._wallet.address.friendly(testnet=self._backend.is_testnet)
        missing = need - state.balance
        return WalletFundsError(
            f"wallet holds {_ton(state.balance)} TON and this needs {_ton(need)} TON: "
            f"send {_ton(missing)} TON to {address}",
            missing,
            address,
        )

    def _fail_queue(self, error: Exception) -> None:
        while self._queue:
            self._queue.popleft().end(error)

    def _follow(self, outcome: Included | NotSent, batch: list[_Entry]) -> None:
        """Let the next batch go while this one's messages travel."""
        if isinstance(outcome, NotSent):
            for entry in batch:
                entry.end([_not_sent(message, outcome.reason) for message in entry.messages])
            return
        sent = [entry for entry in batch if entry in outcome.parcels]
        task = asyncio.create_task(self._trace(sent, outcome.transaction))
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    async def _trace(self, entries: list[_Entry], step: Transaction) -> None:
        wanted = [(message, entry) for entry in entries for message in entry.messages]
        out = _match([message for message, _ in wanted], step)
        roots = [
            (found, entry.follow)
            for found, (_, entry) in zip(out, wanted, strict=True)
            if found is not None
        ]
        try:
            traces = iter(await self._tracer.follow(roots, self._timing.track))
        except asyncio.CancelledError:
            for entry in entries:
                entry.end([_undecided(message, step, "closed") for message in entry.messages])
            raise
        except Exception as error:
            for entry in entries:
                entry.end(error)
            return
        found_traces = iter(next(traces) if found is not None else None for found in out)
        for entry in entries:
            entry.end([_delivery(message, step, next(found_traces)) for message in entry.messages])


def _need(messages: Sequence[OutMessage]) -> int:
    """NanoTON that the wallet must hold for these."""
    value = sum(message.value for message in messages if not message.mode & _ALL_BALANCE)
    deployments = sum(message.init is not None for message in messages)
    return value + FEE_ALLOWANCE * len(messages) + DEPLOY_ALLOWANCE * deployments


def _match(messages: Sequence[OutMessage], step: Transaction) -> list[Message | None]:
    """Which of a wallet's outgoing messages is which; None for one that it could not send.

    Equal messages cannot be told apart, and need not be.
    """
    left = list(step.out_messages)
    found: list[Message | None] = []
    for message in messages:
        match = next((sent for sent in left if _is_same(sent, message)), None)
        if match is not None:
            left.remove(match)
        found.append(match)
    return found


def _is_same(sent: Message, wanted: OutMessage) -> bool:
    if sent.dest != wanted.dest or sent.body != wanted.body:
        return False
    if wanted.mode & _ALL_BALANCE:
        return True
    if wanted.mode & _FEES_APART:
        return sent.value == wanted.value
    return sent.value <= wanted.value


def _ton(nano: int) -> str:
    whole, rest = divmod(nano, _TON)
    return f"{whole}.{rest:09d}".rstrip("0").rstrip(".")


def _delivery(message: OutMessage, step: Transaction, trace: Trace | None) -> Delivery:
    if trace is None:
        reason = "the wallet had too little money for it"
        if not step.success:
            reason = f"the wallet failed: {describe_failure(step)}"
        return replace(_not_sent(message, reason), wallet_transaction=step)
    if not trace.steps:
        return _undecided(message, step, "not taken by its destination in time")
    first = trace.steps[0]
    if first.success or is_deposit(first):
        status = DeliveryStatus.DELIVERED
    else:
        status = DeliveryStatus.BOUNCED if first.bounced else DeliveryStatus.FAILED
    return Delivery(message, status, step, first, tuple(trace.steps), trace.complete)


def _not_sent(message: OutMessage, reason: str) -> Delivery:
    return Delivery(message, DeliveryStatus.NOT_SENT, reason=reason)


def _undecided(message: OutMessage, step: Transaction, reason: str) -> Delivery:
    return Delivery(message, DeliveryStatus.UNDECIDED, step, reason=reason)


def _join(
    entries: Sequence[_Entry], outcomes: Sequence["list[Delivery] | BaseException"]
) -> list[Delivery]:
    """All deliveries; an error only if no part was sent.

    Raises:
        ChainError: as the first part.
    """
    errors = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
    if errors and len(errors) == len(outcomes):
        raise errors[0]
    deliveries: list[Delivery] = []
    for entry, outcome in zip(entries, outcomes, strict=True):
        if isinstance(outcome, BaseException):
            # Only a refusal for lack of money says for sure that nothing is on its way.
            known = isinstance(outcome, WalletFundsError)
            status = DeliveryStatus.NOT_SENT if known else DeliveryStatus.UNDECIDED
            deliveries += [
                Delivery(message, status, reason=str(outcome)) for message in entry.messages
            ]
        else:
            deliveries += outcome
    return deliveries
