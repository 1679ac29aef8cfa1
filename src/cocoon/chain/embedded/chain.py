"""The embedded chain: accounts, messages between them, blocks and a clock that can be set."""

import hashlib
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import structlog

from cocoon.chain.address import Address
from cocoon.chain.boc import to_boc
from cocoon.chain.cells import EMPTY_CELL, Cell
from cocoon.chain.embedded.clock import ChainClock
from cocoon.chain.embedded.emulator import Emulator, shared_emulator
from cocoon.chain.embedded.execution import Execution, Surroundings, block_hash, faucet_message
from cocoon.chain.embedded.ledger import Ledger
from cocoon.chain.embedded.libraries import pack_libraries
from cocoon.chain.embedded.records import Block, ChainTransaction
from cocoon.chain.embedded.snapshots import Snapshot, SnapshotShelf
from cocoon.chain.embedded.store import Commit
from cocoon.errors import ChainError, DecodeError

FAUCET = Address(bytes([0x11]) * 32)
"""Where the faucet's coins come from; coins sent there are gone."""
DEFAULT_MAX_HOPS = 1000
"""Transactions in one block; messages beyond wait for the next."""
BLOCK_SECONDS = 5
"""How old the newest block may be before :meth:`EmbeddedChain.tick` makes an empty one."""

_log = structlog.get_logger()


class EmbeddedChain(Ledger):
    """A TON chain with one shard, no validators and no proofs.

    An external message is run at once, with all that it causes, and becomes a block. Every method
    may be called from any thread and raises ``ChainError`` and ``StoreError`` classes only.

    Args:
        path: database file, made if it does not exist; None keeps everything in memory.
        emulator: the virtual machine; None shares one of this process.
        now: freeze the clock of a new chain at this time, Unix seconds; None follows real time.
        testnet: flag of friendly addresses on a new chain.
        max_hops: transactions in one block.
        real_time: reads real time, Unix seconds.

    Attributes:
        verbosity: how much of the virtual machine's work goes into ``ChainTransaction.vm_log``,
            0…5; for people who write contracts.

    Raises:
        ConfigError: the emulator is not installed.
        StoreError: the file is in use, of another version, or no chain.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        emulator: Emulator | None = None,
        now: int | None = None,
        testnet: bool = True,
        max_hops: int = DEFAULT_MAX_HOPS,
        real_time: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(path, emulator or shared_emulator(), real_time)
        self.verbosity = 0
        self._max_hops = max_hops
        self._subscribers: list[Callable[[Block], None]] = []
        self._shelf = SnapshotShelf(path)
        try:
            if self._store.head() is None:
                self._create(now, testnet=testnet)
            self._load()
        except BaseException:
            self._store.close()
            raise

    def _create(self, now: int | None, *, testnet: bool) -> None:
        clock = ChainClock(frozen=now, real=self._real_time)
        self._store.set_meta(
            config=self._emulator.default_config,
            testnet=int(testnet),
            offset=clock.offset,
            frozen=clock.frozen,
        )
        first = Block(1, clock.now, 0, 0, block_hash(bytes(32), clock.now, ()), 0)
        self._store.commit(Commit(first))

    # Clock

    @property
    def frozen(self) -> bool:
        """Whether the clock stands still."""
        return self._clock.frozen is not None

    def advance(self, seconds: int) -> Block:
        """Move the clock forward, and make a block at the new time.

        Raises:
            ChainError: backwards, or beyond what 32 bits can hold.
        """
        if seconds < 0:
            raise ChainError("the clock only goes forward")
        with self._changed:
            self._set_clock(self._clock.moved_to(self.now + seconds))
            self._make_block(None)
            block = self._head
        self._notify(block)
        return block

    def freeze(self, at: int | None = None) -> None:
        """Stop the clock, now or at a later time.

        Raises:
            ChainError: at a time that is past, or beyond what 32 bits can hold.
        """
        with self._changed:
            now = self.now
            if at is not None and at < now:
                raise ChainError(f"the clock is at {now} and only goes forward")
            self._set_clock(self._clock.stopped_at(now if at is None else at))

    def unfreeze(self) -> None:
        """Let the clock run on from where it stands."""
        with self._changed:
            self._set_clock(self._clock.running())

    def _set_clock(self, clock: ChainClock) -> None:
        self._store.set_meta(offset=clock.offset, frozen=clock.frozen)
        self._clock = clock

    # Doing

    def send(self, message: Cell) -> tuple[ChainTransaction, ...]:
        """Run an external message and all that it causes, as one block.

        Returns:
            The block's transactions, first the one of the message.

        Raises:
            MessageRejectedError: its contract did not accept it; nothing was stored.
        """
        return self._run_block(lambda block: block.external(message))

    def faucet(
        self,
        dest: Address,
        value: int,
        *,
        body: Cell = EMPTY_CELL,
        init: Cell | None = None,
        bounce: bool = False,
        source: Address = FAUCET,
    ) -> tuple[ChainTransaction, ...]:
        """Make coins out of nothing and run the message that brings them, as one block.

        Args:
            dest: receiver.
            value: nanoTON.
            body: body of the message.
            init: state that deploys the receiver.
            bounce: whether a failure sends the coins back to ``source``.
            source: whose message the receiver shall see; the devnet's way to play any sender.

        Raises:
            ChainError: the amount does not fit, or the message cannot be run.
        """

        def start(block: Execution) -> None:
            try:
                message = faucet_message(
                    source, dest, value, body, init, bounce=bounce,
                    lt=block.last_lt + 1, time=block.around.time,
                )  # fmt: skip
            except DecodeError as error:
                raise ChainError(f"the faucet cannot do that: {error}") from error
            block.internal(message)

        return self._run_block(start)

    def tick(self) -> tuple[ChainTransaction, ...]:
        """Make a block of the messages that wait, or an empty one if it is time for one."""
        with self._changed:
            if not self._waiting and self.now < self._head.time + BLOCK_SECONDS:
                return ()
        return self._run_block(None)

    def settle(self, max_blocks: int = 100) -> tuple[ChainTransaction, ...]:
        """Make blocks until no message waits; what a crowded block left over goes on so.

        Raises:
            ChainError: messages still wait after so many blocks.
        """
        done: list[ChainTransaction] = []
        for _ in range(max_blocks):
            if not self.waiting:
                return tuple(done)
            done += self._run_block(None)
        raise ChainError(f"messages still wait after {max_blocks} blocks")

    def _run_block(self, start: Callable[[Execution], None] | None) -> tuple[ChainTransaction, ...]:
        with self._changed:
            transactions = self._make_block(start)
            block = self._head
        self._notify(block)
        return transactions

    def _make_block(
        self, start: Callable[[Execution], None] | None
    ) -> tuple[ChainTransaction, ...]:
        """Run, store, and only then show a block."""
        head = self._head
        execution = Execution(self._surroundings(), deque(self._waiting))
        if start is not None:
            start(execution)
        execution.deliver()
        transactions, now = tuple(execution.transactions), execution.around.time
        block = Block(
            seqno=execution.around.seqno,
            time=now,
            start_lt=transactions[0].lt if transactions else head.end_lt,
            end_lt=execution.last_lt,
            hash=block_hash(head.hash, now, transactions),
            transactions=len(transactions),
        )
        waiting = list(execution.queue)
        same = not waiting and not self._waiting
        queue = None if same else [to_boc(message) for message in waiting]
        self._store.commit(Commit(block, transactions, execution.accounts.items(), queue))
        self._head, self._waiting = block, waiting
        self._accounts.update(execution.accounts)
        self._changed.notify_all()
        return transactions

    def _surroundings(self, *, ignore_signature: bool = False) -> Surroundings:
        head = self._head
        return Surroundings(
            emulator=self._emulator,
            config=self._config,
            libraries=self._libraries,
            account=self._accounts.boc,
            seqno=head.seqno + 1,
            time=self.now,
            last_lt=head.end_lt,
            seed=hashlib.sha256(b"cocoon seed" + head.hash).digest(),
            max_hops=self._max_hops,
            verbosity=self.verbosity,
            ignore_signature=ignore_signature,
        )

    def estimate(self, message: Cell, *, ignore_signature: bool = False) -> ChainTransaction:
        """The transaction that an external message would be now; nothing is stored.

        Args:
            message: as for :meth:`send`.
            ignore_signature: whether every signature is right, so that fees can be asked for
                before signing.

        Raises:
            MessageRejectedError: its contract would not accept it.
        """
        with self._changed:
            execution = Execution(self._surroundings(ignore_signature=ignore_signature), deque())
            execution.external(message)
            return execution.transactions[0]

    # Controls

    def publish_library(self, cell: Cell) -> bytes:
        """Make a cell available to contracts by its hash, which is returned."""
        boc = to_boc(cell)
        with self._changed:
            packed = pack_libraries([*self._store.libraries(), boc])
            self._store.add_library(cell.hash, boc)
            self._libraries = packed
        return cell.hash

    def set_config(self, config: Cell) -> None:
        """Replace the network configuration, as a vote of the validators does.

        Args:
            config: a dictionary of its parameters.

        Raises:
            ChainError: the virtual machine refuses it; the old one stays.
        """
        boc = to_boc(config)
        with self._changed:
            self._emulator.check_config(boc)
            self._store.set_meta(config=boc)
            self._config = boc

    def snapshot(self) -> Snapshot:
        """The whole chain as it is now, in memory."""
        with self._changed:
            return Snapshot(self._store.dump())

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot of this chain; clock and numbers of blocks go back too."""
        with self._changed:
            self._store.load(snapshot.data)
            self._load()
            self._changed.notify_all()
            block = self._head
        self._notify(block)

    def save(self, name: str) -> None:
        """Keep a snapshot under a name, beside the database file."""
        self._shelf.put(name, self.snapshot())

    def load(self, name: str) -> None:
        """Go back to the snapshot of that name."""
        self.restore(self._shelf.get(name))

    def saved(self) -> list[str]:
        """Names of the snapshots."""
        return self._shelf.names()

    def subscribe(self, notify: Callable[[Block], None]) -> Callable[[], None]:
        """Call ``notify`` after each block, from the thread that made it; returns how to stop.

        The function must be quick and may not wait for the chain.
        """
        self._subscribers = [*self._subscribers, notify]

        def stop() -> None:
            self._subscribers = [known for known in self._subscribers if known is not notify]

        return stop

    def _notify(self, block: Block) -> None:
        for notify in self._subscribers:
            try:
                notify(block)
            except Exception:  # the block is there, whoever could not take the news
                _log.exception("subscriber failed", block=block.seqno)
