"""Gets one batch of messages through a wallet, exactly once.

The wallet's sequence number decides: of all external messages signed for one number, at most one
is ever executed. So it is always safe to sign again for the same number, and a new number is used
only after the chain has shown that the old one is gone, together with every transaction up to
there.
"""

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from cocoon.chain import exit_codes
from cocoon.chain.backend import AccountState, AccountStatus, ChainBackend
from cocoon.chain.cells import Cell
from cocoon.chain.delivery import describe_failure
from cocoon.chain.history import AccountHistory
from cocoon.chain.message import MessageKind, OutMessage, parse_message
from cocoon.chain.transaction import Transaction
from cocoon.chain.wallets.base import Wallet
from cocoon.errors import ChainDataError, ChainError, DecodeError, MessageRejectedError

MAX_EXPIRED = 3
"""Signed messages of one batch that may expire before it counts as not sent."""
MAX_FOREIGN = 20
"""Times that another user of the wallet may be faster."""
MAX_REJECTED = 4
"""Refusals of one signed message, with none accepted, before it counts as not sent."""
EXPIRY_MARGIN = 15
"""Seconds of chain time past a message's validity: blocks of accounts are older than their use."""

_TRANSIENT_CODES = frozenset({exit_codes.WALLET_SEQNO, exit_codes.WALLET_EXPIRED, 33, 36, 133, 136})
"""Wallets' exit codes for another sequence number and for an expired message: cocoon, v4r2, v5r1.
What to do then is decided by the state."""


@dataclass(frozen=True, slots=True)
class SenderTiming:
    """Time limits of a sender.

    Args:
        validity: seconds of chain time for which a signed message can be included.
        poll: seconds between two looks at the chain.
        resend: seconds after which the same bytes are handed over again.
        track: seconds to wait for destinations after the wallet's transaction.
        give_up: seconds to wait for the chain before a message is given up.
    """

    validity: int = 90
    poll: float = 2.0
    resend: float = 10.0
    track: float = 180.0
    give_up: float = 900.0


class Parcel(Protocol):
    """Messages that go together."""

    @property
    def messages(self) -> Sequence[OutMessage]:
        """What to send."""
        ...

    @property
    def wanted(self) -> bool:
        """Whether somebody still waits for it."""
        ...


@dataclass(frozen=True, slots=True)
class Included:
    """A batch whose number is used up by one of its own messages.

    Args:
        parcels: what that message contained.
        transaction: the wallet's.
    """

    parcels: tuple[Parcel, ...]
    transaction: Transaction


@dataclass(frozen=True, slots=True)
class NotSent:
    """A batch that was not executed and never will be; ``reason`` says why, for people."""

    reason: str


@dataclass(slots=True)
class _Attempt:
    """One signed message."""

    parcels: tuple[Parcel, ...]
    seqno: int
    valid_until: int
    cell: Cell
    body_hash: bytes
    handed_over: float | None = None
    maybe_out: bool = False
    rejected: int = 0
    rejection: MessageRejectedError | None = None
    failed: Transaction | None = None


class Inclusion:
    """Gets batches of one wallet into blocks, one after another.

    Args:
        backend: the chain.
        wallet: whose key signs.
        timing: time limits.
        clock: local seconds.
        sleep: waits that long.
    """

    def __init__(
        self,
        backend: ChainBackend,
        wallet: Wallet,
        timing: SenderTiming,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._backend = backend
        self._wallet = wallet
        self._timing = timing
        self._clock = clock
        self._sleep = sleep
        self._next_seqno = 0
        """No smaller number is free; guards against a server that lags."""
        self._signed: set[int] = set()
        """Numbers for which the chain shows messages that our key has signed."""

    async def state(self) -> AccountState:
        """The wallet's account, not older than what was seen before.

        Raises:
            ChainError: the chain cannot be read, lags or the wallet is frozen.
        """
        deadline = self._clock() + self._timing.give_up
        while True:
            problem = ChainError(f"the chain shows an old state of wallet {self._wallet.address}")
            try:
                state = await self._backend.account(self._wallet.address)
            except ChainError as error:
                problem = error
            else:
                if state.status is AccountStatus.FROZEN:
                    raise ChainDataError(f"wallet {state.address} is frozen: send TON to it")
                if self._seqno(state) >= self._next_seqno:
                    return state
            if self._clock() >= deadline:
                raise problem
            await self._sleep(self._timing.poll)

    async def include(self, parcels: Sequence[Parcel], state: AccountState) -> Included | NotSent:
        """Send a batch and wait until it is included or never will be.

        Args:
            parcels: together at most ``wallet.max_messages`` messages.
            state: from :meth:`state`.

        Raises:
            MessageRejectedError: the wallet refuses, and nothing is known to be on its way.
            ChainError: the chain stalls; whether the batch is executed is not known yet.
        """
        history = AccountHistory(self._backend, self._wallet.address, state.last_lt)
        attempts: list[_Attempt] = []
        self._signed.clear()
        expired = foreign = 0
        while expired < MAX_EXPIRED and foreign < MAX_FOREIGN:
            wanted = tuple(parcel for parcel in parcels if parcel.wanted)
            if not wanted:
                return NotSent("nobody waits for it any more")
            attempts.append(await self._sign(wanted, state))
            outcome = await self._push(attempts, history)
            if isinstance(outcome, Included):
                return outcome
            state, last = outcome, attempts[-1]
            if last.failed is not None:
                return NotSent(f"the wallet failed: {describe_failure(last.failed)}")
            if self._seqno(state) > last.seqno:
                foreign += 1
                attempts.clear()  # none of them can be executed any more
            else:
                expired += 1
        if foreign >= MAX_FOREIGN:
            return NotSent("somebody else uses the wallet all the time")
        return NotSent(f"not taken into a block {MAX_EXPIRED} times; is the wallet blocked?")

    async def _sign(self, parcels: tuple[Parcel, ...], state: AccountState) -> _Attempt:
        now = state.time
        with contextlib.suppress(ChainError):  # then the account's time is good enough
            now = max(now, (await self._backend.head()).time)
        seqno, valid_until = self._seqno(state), now + self._timing.validity
        messages = [message for parcel in parcels for message in parcel.messages]
        cell = self._wallet.transfer(messages, seqno, valid_until)
        return _Attempt(parcels, seqno, valid_until, cell, parse_message(cell).body.hash)

    async def _push(
        self, attempts: list[_Attempt], history: AccountHistory
    ) -> Included | AccountState:
        """Hand over the newest message until it, or one before it, is decided.

        Returns:
            The inclusion, or a state in which the newest message cannot be executed any more.
        """
        attempt, problem = attempts[-1], "it stands still"
        deadline = self._clock() + self._timing.give_up
        while True:
            if self._clock() >= deadline:
                raise ChainError(
                    f"the chain stands still or cannot be read ({problem}); a message of wallet "
                    f"{self._wallet.address} may still be executed until {attempt.valid_until} "
                    f"(Unix time of the chain)"
                )
            await self._hand_over(attempt)
            try:
                decided = await self._look(attempts, history)
            except ChainError as error:
                decided, problem = None, str(error)
            if decided is not None:
                return decided
            if attempt.rejection and attempt.rejected >= MAX_REJECTED and not attempt.maybe_out:
                raise attempt.rejection
            await self._sleep(self._timing.poll)

    async def _hand_over(self, attempt: _Attempt) -> None:
        now = self._clock()
        last, waits = attempt.handed_over, self._timing.resend
        if attempt.failed or (last is not None and attempt.maybe_out and now < last + waits):
            return
        attempt.handed_over = now
        try:
            await self._backend.send(attempt.cell)
        except MessageRejectedError as error:
            attempt.rejected += error.contract_exit_code not in _TRANSIENT_CODES
            attempt.rejection = error
        except ChainError:
            attempt.maybe_out = True  # an answer that was lost, perhaps
        else:
            attempt.maybe_out = True

    async def _look(
        self, attempts: list[_Attempt], history: AccountHistory
    ) -> Included | AccountState | None:
        """What the chain says of the newest attempt; None while that is open.

        Raises:
            ChainError: the chain cannot be read.
        """
        newest = attempts[-1]
        state = await self._backend.account(self._wallet.address)
        seqno = self._seqno(state)
        if seqno < self._next_seqno:
            return None  # a server that lags
        if state.last_lt > history.read_to:
            included = self._find(await history.new(), attempts)
            if included is not None:
                return included
        if state.last_lt > history.read_to:
            return None  # the list of transactions lags behind the state
        if seqno > newest.seqno:
            for attempt in attempts:
                if attempt.failed is not None:
                    return self._use_up(attempt, attempt.failed)
            if newest.seqno not in self._signed:
                # Believing that, we would send all messages once more, for the next number.
                raise ChainDataError(
                    f"number {newest.seqno} of the wallet is said to be used, but no transaction "
                    "shows a message that its key has signed for it: the server hides or invents "
                    "transactions, use another one"
                )
            self._next_seqno = max(self._next_seqno, seqno)
            return state
        return state if state.time > newest.valid_until + EXPIRY_MARGIN else None

    def _find(self, new: list[Transaction], attempts: list[_Attempt]) -> Included | None:
        by_hash = {attempt.body_hash: attempt for attempt in attempts}
        for step in new:
            message = step.in_message
            if message is None:
                continue
            seqno = self._wallet.signed_seqno(message.body)
            if seqno is not None:
                self._signed.add(seqno)
            if message.kind is not MessageKind.EXTERNAL_IN:
                continue
            attempt = by_hash.get(message.body.hash)
            if attempt is None:
                continue
            if step.success:
                return self._use_up(attempt, step)
            attempt.failed = step  # its number may be used up or not: the state tells
        return None

    def _use_up(self, attempt: _Attempt, step: Transaction) -> Included:
        self._next_seqno = max(self._next_seqno, attempt.seqno + 1)
        return Included(attempt.parcels, step)

    def _seqno(self, state: AccountState) -> int:
        if state.data is None:
            return 0
        try:
            return self._wallet.read_seqno(state.data)
        except DecodeError as error:
            raise ChainDataError(
                f"the contract at {state.address} is no wallet of this kind: {error}"
            ) from None
