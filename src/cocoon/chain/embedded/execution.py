"""Running messages: one block's worth, in memory, before anything is stored."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import structlog

from cocoon.chain.address import Address
from cocoon.chain.boc import from_boc, to_boc
from cocoon.chain.cells import Builder, Cell, Reader
from cocoon.chain.embedded.emulator import Emulator
from cocoon.chain.embedded.outcomes import Emulated
from cocoon.chain.embedded.records import MAX_RECORD_BYTES, MAX_RECORD_CELLS, ChainTransaction
from cocoon.chain.hashmap import read_hashmap
from cocoon.errors import ChainError, DecodeError, MessageRejectedError

LT_STEP = 1_000_000
"""Logical time between transactions; the messages of one take the times between."""
MAX_EXTERNAL_BYTES = 65535
"""Largest external message of the network, as a bag of cells."""
MAX_EXTERNAL_DEPTH = 512
"""Deepest one."""
MAX_OUT_MESSAGES = 255

_NO_ACCOUNT = to_boc(Builder().ref(Cell(0, 1)).uint(0, 256).uint(0, 64).cell())
"""``ShardAccount`` of an address where nothing ever was."""
_EXTERNAL_IN = 0b10
_BEFORE_LT = 4 + 256
_LT_TO_OUT_COUNT = 256 + 64 + 32
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a block runs in.

    Args:
        emulator: the virtual machine.
        config: network configuration, bag of cells.
        libraries: dictionary of published cells, bag of cells; empty for none.
        account: reads a stored ``ShardAccount``; None if there is none.
        seqno: number of the block.
        time: Unix seconds.
        last_lt: logical time of the newest transaction before it.
        seed: 32 bytes.
        max_hops: most transactions.
        verbosity: of the virtual machine's log, 0…5.
        ignore_signature: whether every signature is right; for estimates.
    """

    emulator: Emulator
    config: bytes
    libraries: bytes
    account: Callable[[Address], bytes | None]
    seqno: int
    time: int
    last_lt: int
    seed: bytes
    max_hops: int
    verbosity: int = 0
    ignore_signature: bool = False


@dataclass(slots=True)
class Execution:
    """A block while it is made.

    Args:
        around: what it runs in.
        queue: messages that wait, oldest first.
    """

    around: Surroundings
    queue: deque[Cell]
    transactions: list[ChainTransaction] = field(default_factory=list)
    accounts: dict[Address, bytes] = field(default_factory=dict)

    def external(self, message: Cell) -> None:
        """Run an external message, which its contract must accept.

        Raises:
            MessageRejectedError: it does not, or the message is not one; nothing has changed.
        """
        dest = check_external(message)
        outcome = self._emulate(dest, to_boc(message))
        if not outcome.success:
            raise MessageRejectedError(
                f"the message was not accepted: {outcome.error}", outcome.vm_exit_code
            )
        self._record(dest, message.hash, outcome)

    def internal(self, message: Cell) -> None:
        """Run a message from nowhere, as the faucet makes them.

        Raises:
            ChainError: it cannot be run.
        """
        dest = _internal_destination(message)
        if dest is None:
            raise ChainError("the message has no destination in workchain 0")
        outcome = self._emulate(dest, to_boc(message))
        if not outcome.success:
            raise ChainError(f"the message cannot be run: {outcome.error}")
        self._record(dest, message.hash, outcome)

    def deliver(self) -> None:
        """Run what waits and all that it causes, up to the limit of the block."""
        while self.queue and len(self.transactions) < self.around.max_hops:
            message = self.queue.popleft()
            try:
                self.internal(message)
            except ChainError as error:
                # Kept in the queue it would stop every later block; the network has no such case.
                _log.warning("message dropped", message=message.hash.hex(), reason=str(error))

    def _emulate(self, dest: Address, message: bytes) -> Emulated:
        account = self.accounts.get(dest) or self.around.account(dest) or _NO_ACCOUNT
        around = self.around
        return around.emulator.transaction(
            account,
            message,
            config=around.config,
            now=around.time,
            lt=self.last_lt + LT_STEP,
            seed=around.seed,
            libraries=around.libraries,
            verbosity=around.verbosity,
            ignore_signature=around.ignore_signature,
        )

    @property
    def last_lt(self) -> int:
        """Logical time of the newest transaction."""
        return self.transactions[-1].lt if self.transactions else self.around.last_lt

    def _record(self, dest: Address, in_hash: bytes, outcome: Emulated) -> None:
        cell = from_boc(
            outcome.transaction, max_bytes=MAX_RECORD_BYTES, max_cells=MAX_RECORD_CELLS, proofs=True
        )
        lt, out_messages = _read_outcome(cell)
        transaction = ChainTransaction(
            address=dest,
            lt=lt,
            hash=cell.hash,
            boc=outcome.transaction,
            block=self.around.seqno,
            time=self.around.time,
            in_hash=in_hash,
            vm_log=outcome.vm_log if self.around.verbosity else "",
        )
        self.transactions.append(transaction)
        self.accounts[dest] = outcome.shard_account
        self.queue.extend(m for m in out_messages if _internal_destination(m) is not None)


def check_external(message: Cell) -> Address:
    """The destination of an external message that the network would look at.

    Raises:
        MessageRejectedError: it is none, or too large or too deep.
    """
    try:
        read = Reader(message)
        dest = None
        if read.uint(2) == _EXTERNAL_IN:
            read.any_address()
            dest = read.any_address()
    except DecodeError as error:
        raise MessageRejectedError(f"not an external message: {error}") from error
    if dest is None:
        raise MessageRejectedError("not an external message to an account in workchain 0")
    if message.depth > MAX_EXTERNAL_DEPTH:
        raise MessageRejectedError(f"the message is nested deeper than {MAX_EXTERNAL_DEPTH}")
    size = len(to_boc(message))
    if size > MAX_EXTERNAL_BYTES:
        raise MessageRejectedError(
            f"the message has {size} bytes, at most {MAX_EXTERNAL_BYTES} allowed"
        )
    return dest


def faucet_message(
    source: Address, dest: Address, value: int, body: Cell, init: Cell | None, *, bounce: bool,
    lt: int, time: int,
) -> Cell:  # fmt: skip
    """An internal message with everything that the network fills in.

    Raises:
        DecodeError: a value does not fit.
    """
    out = Builder().uint(0b0110 if bounce else 0b0100, 4).address(source).address(dest)
    out.coins(value).uint(0, 1 + 4 + 4).uint(lt, 64).uint(time, 32)
    if init is None:
        out.uint(0, 1)
    else:
        out.uint(0b11, 2).ref(init)
    return out.uint(1, 1).ref(body).cell()


def block_hash(before: bytes, time: int, transactions: Iterable[ChainTransaction]) -> bytes:
    """A number for the block that depends on all before it; the network's is another."""
    digest = hashlib.sha256(b"cocoon block" + before + time.to_bytes(8, "big"))
    for transaction in transactions:
        digest.update(transaction.hash)
    return digest.digest()


def _internal_destination(message: Cell) -> Address | None:
    """Where an internal message goes; None for other messages and other workchains."""
    read = Reader(message)
    if read.uint(1):
        return None
    read.uint(3)
    read.any_address()
    return read.any_address()


def _read_outcome(transaction: Cell) -> tuple[int, list[Cell]]:
    """Logical time and outgoing messages, in order; the rest is parsed when somebody asks."""
    read = Reader(transaction)
    read.uint(_BEFORE_LT)
    lt = read.uint(64)
    read.uint(_LT_TO_OUT_COUNT)
    count = read.uint(15)
    if not count:
        return lt, []
    messages = Reader(read.ref())
    if messages.uint(1):
        messages.ref()
    root = messages.maybe_ref()
    by_number = read_hashmap(root, 15, lambda leaf: leaf.ref(), max_entries=MAX_OUT_MESSAGES)
    return lt, list(by_number.values())
