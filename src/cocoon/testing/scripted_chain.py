"""A chain of one wallet and simple receivers that does what a test says, good or bad.

It knows wallets v4r2 only, takes no fees, and makes up transactions instead of running contracts.
Every fault that a public network or an indexer shows can be switched on: messages that get lost or
come late, answers that get lost, servers that lag or are down, time that stands still or jumps.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from cocoon.chain.address import Address
from cocoon.chain.backend import AccountState, AccountStatus, Head, MethodResult, TransactionRef
from cocoon.chain.cells import EMPTY_CELL, Builder, Cell, Reader
from cocoon.chain.message import Message, MessageKind, OutMessage, parse_message
from cocoon.chain.transaction import ComputePhase, Transaction
from cocoon.chain.vm_stack import StackValue
from cocoon.chain.wallets.v4r2 import WalletV4R2
from cocoon.errors import ChainError, ContractError, MessageRejectedError

T = TypeVar("T")

GENESIS = 1_800_000_000
_SIGNATURE_BITS = 512


@dataclass
class Receiver:
    """What an account does with a message.

    Args:
        exit_code: 0 = takes it.
        bounces: whether a failure sends it back.
        skipped: why the contract does not run, or None.
        forward: where it sends a message on to, with the same body.
    """

    exit_code: int = 0
    bounces: bool = True
    skipped: str | None = None
    forward: Address | None = None


@dataclass
class Faults:
    """What goes wrong now; all off by default."""

    lose_messages: bool = False
    message_delay: float = 0.0
    lose_answers: bool = False
    unreachable: bool = False
    stalled: bool = False
    state_lag: int = 0
    """Transactions of the wallet that the account's state does not show yet."""
    fresh_time: bool = False
    """A state that lags claims to be of now: what an answer put together from two servers does."""
    list_lag: int = 0
    """Newest transactions of each account that lists do not show yet."""
    hop_delay: float = 0.0
    reject: int | None = None
    """Exit code with which every external message is refused."""
    abort_with: int | None = None
    """Action code with which the wallet fails, its sequence number unmoved."""


@dataclass
class _Account:
    transactions: list[Transaction] = field(default_factory=list)
    snapshots: list[AccountState] = field(default_factory=list)


class ScriptedChain:
    """Implements ``ChainBackend``; everything happens when somebody looks.

    Args:
        wallet: the wallet that sends.
        balance: nanoTON that it has.
    """

    name = "scripted"
    is_testnet = True

    def __init__(self, wallet: WalletV4R2, balance: int = 10**12) -> None:
        self.wallet = wallet
        self.balance = balance
        self.seqno = 0
        self.faults = Faults()
        self.receivers: dict[Address, Receiver] = {}
        self.executed: list[Message] = []
        """Messages that the wallet sent, in order."""
        self.submitted = 0
        self.jumped = 0.0
        self._accounts: dict[Address, _Account] = {}
        self._external: list[tuple[float, Cell]] = []
        self._internal: list[tuple[float, Message]] = []
        self._lt = 1000
        self._stood_still = 0.0
        self._last = 0.0
        self._snapshot()

    # What tests do.

    @property
    def now(self) -> int:
        """Unix seconds of the newest block."""
        self._sync()
        return self._time()

    def foreign_send(self) -> None:
        """Somebody else with the same key was faster."""
        self._sync()
        other = OutMessage(self.wallet.address, self._lt, EMPTY_CELL)
        cell = self.wallet.transfer([other], self.seqno, self._lt)
        body = parse_message(cell).body
        self.seqno += 1
        self._record(Message(MessageKind.EXTERNAL_IN, None, self.wallet.address, body=body))

    def deposit(self, value: int) -> None:
        """Somebody sends money to the wallet."""
        self._sync()
        self.balance += value
        stranger = Address(bytes([9]) * 32)
        message = Message(MessageKind.INTERNAL, stranger, self.wallet.address, value)
        self._record(replace(message, hash=self._hash()))

    # The backend.

    async def start(self) -> None:
        """Nothing to do."""

    async def close(self) -> None:
        """Nothing to do."""

    async def head(self) -> Head:
        """The newest block."""
        self._answer()
        return Head(self._lt, self.now)

    async def account(self, address: Address) -> AccountState:
        """The wallet, as far as the faults let it be seen; other accounts do not exist."""
        self._answer()
        snapshots = self._account(address).snapshots
        if not snapshots:
            return AccountState(address, AccountStatus.NONEXISTENT, 0, time=self.now)
        shown = snapshots[max(0, len(snapshots) - 1 - self.faults.state_lag)]
        # A server that lags in its state lags in time; a block is never newer than what it holds.
        following = snapshots[snapshots.index(shown) + 1 :]
        if self.faults.fresh_time:
            following = []
        return replace(shown, time=min(self.now, following[0].time) if following else self.now)

    async def transactions(
        self, address: Address, *, limit: int = 20, before: TransactionRef | None = None
    ) -> list[Transaction]:
        """Newest first."""
        self._answer()
        known = self._account(address).transactions
        if self.faults.list_lag:
            known = known[: -self.faults.list_lag]
        older = [step for step in known if before is None or step.lt < before.lt]
        return older[::-1][:limit]

    async def send(self, message: Cell) -> None:
        """Take an external message, or pretend to."""
        self._answer()
        self.submitted += 1
        if self.faults.reject is not None:
            raise MessageRejectedError("refused", self.faults.reject)
        if not self.faults.lose_messages:
            due = self._clock() + self.faults.message_delay
            self._external.append((due, message))
        if self.faults.lose_answers:
            raise ChainError("the answer was lost")

    async def run(
        self, address: Address, method: str, stack: Sequence[StackValue] = ()
    ) -> MethodResult:
        """No contract has methods."""
        raise ContractError(f"no method {method}")

    # What happens.

    def _clock(self) -> float:
        return asyncio.get_event_loop().time()

    def _answer(self) -> None:
        self._sync()
        if self.faults.unreachable:
            raise ChainError("unreachable")

    def _sync(self) -> None:
        """Let everything happen that is due."""
        now = self._clock()
        if self.faults.stalled:
            self._stood_still += now - self._last
            self._last = now
            return
        self._last = now
        self._external, due = _split(self._external, now)
        for cell in due:
            self._run_wallet(cell)
        while True:
            self._internal, arrived = _split(self._internal, now)
            if not arrived:
                return
            for message in arrived:
                self._receive(message)

    def _run_wallet(self, cell: Cell) -> None:
        message = parse_message(cell)
        read = Reader(message.body)
        read.uint(_SIGNATURE_BITS)
        read.uint(32)
        valid_until, seqno = read.uint(32), read.uint(32)
        read.uint(8)
        if seqno != self.seqno or valid_until <= self._time():
            return
        if self.faults.abort_with is not None:
            self._record(message, aborted=self.faults.abort_with)
            return
        self.seqno += 1
        sent: list[Message] = []
        for ref in message.body.refs:
            read.uint(8)
            out = parse_message(ref)
            if out.value > self.balance:
                continue  # mode 2
            self.balance -= out.value
            sent.append(
                replace(out, source=self.wallet.address, created_lt=self._lt + 1, hash=self._hash())
            )
        self.executed += sent
        self._record(message, sent)

    def _receive(self, message: Message) -> None:
        address = message.dest
        assert address is not None
        receiver = self.receivers.get(address, Receiver())
        failed = bool(receiver.exit_code or receiver.skipped)
        bounced = failed and receiver.bounces and message.bounce
        out: list[Message] = []
        if bounced and message.source is not None:
            out = [self._reply(address, message.source, message, bounced=True)]
        elif receiver.forward is not None and not failed:
            out = [self._reply(address, receiver.forward, message)]
        step = self._make(address, message, out)
        compute = ComputePhase(receiver.skipped, not failed, receiver.exit_code)
        self._account(address).transactions.append(
            replace(step, compute=compute, aborted=failed, bounced=bounced)
        )
        if address == self.wallet.address:
            self.balance += message.value
            self._snapshot()

    def _reply(
        self, source: Address, dest: Address, message: Message, *, bounced: bool = False
    ) -> Message:
        return replace(
            message,
            source=source,
            dest=dest,
            bounced=bounced,
            bounce=False,
            created_lt=self._lt + 1,
            hash=self._hash(),
        )

    def _record(
        self, message: Message, sent: Sequence[Message] = (), aborted: int | None = None
    ) -> None:
        step = self._make(self.wallet.address, message, list(sent))
        step = replace(
            step,
            compute=ComputePhase(None, True, 0),
            aborted=aborted is not None,
            action_code=aborted or 0,
        )
        self._account(self.wallet.address).transactions.append(step)
        self._snapshot()

    def _make(self, address: Address, message: Message, out: list[Message]) -> Transaction:
        past = self._account(address).transactions
        self._lt += 10
        out = [replace(item, created_lt=self._lt + 1) for item in out]
        due = self._clock() + self.faults.hop_delay
        self._internal += [(due, item) for item in out]
        return Transaction(
            address,
            self._lt,
            self._hash(),
            self._time(),
            past[-1].lt if past else 0,
            past[-1].hash if past else bytes(32),
            message,
            tuple(out),
        )

    def _time(self) -> int:
        return int(GENESIS + self._last - self._stood_still + self.jumped)

    def _snapshot(self) -> None:
        account = self._account(self.wallet.address)
        last = account.transactions[-1] if account.transactions else None
        data = Builder().uint(self.seqno, 32).uint(0, 32).uint(0, 256).uint(0, 1).cell()
        account.snapshots.append(
            AccountState(
                self.wallet.address,
                AccountStatus.ACTIVE,
                self.balance,
                EMPTY_CELL,
                data,
                last.lt if last else 0,
                last.hash if last else bytes(32),
                last.time if last else GENESIS,
            )
        )

    def _account(self, address: Address) -> _Account:
        return self._accounts.setdefault(address, _Account())

    def _hash(self) -> bytes:
        self._lt += 1
        return hashlib.sha256(self._lt.to_bytes(8, "big")).digest()


def _split(queue: list[tuple[float, T]], now: float) -> tuple[list[tuple[float, T]], list[T]]:
    return [item for item in queue if item[0] > now], [item for due, item in queue if due <= now]
