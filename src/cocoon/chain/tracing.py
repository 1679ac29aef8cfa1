"""Follows messages from account to account until everything that they cause has happened."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from cocoon.chain.address import Address
from cocoon.chain.backend import ChainBackend
from cocoon.chain.history import AccountHistory
from cocoon.chain.message import Message, MessageKind
from cocoon.chain.transaction import Transaction
from cocoon.errors import ChainError

MAX_TRACE = 64
"""Transactions that are followed for one message."""


@dataclass(slots=True)
class Trace:
    """What followed from one message.

    Args:
        root: the message.
        steps: transactions found so far, the destination's first.
        complete: whether nothing is missing down to the depth that was asked for.
    """

    root: Message
    steps: list[Transaction] = field(default_factory=list)
    complete: bool = False


@dataclass(slots=True)
class _Pending:
    """A message whose receiver has not been seen to take it."""

    message: Message
    trace: Trace
    depth: int


class Tracer:
    """Finds the transactions that messages cause.

    Args:
        backend: the chain.
        poll: seconds between two looks.
        clock: local seconds.
        sleep: waits that long.
    """

    def __init__(
        self,
        backend: ChainBackend,
        *,
        poll: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._backend = backend
        self._poll = poll
        self._clock = clock
        self._sleep = sleep

    async def follow(self, roots: Sequence[tuple[Message, int]], limit: float) -> list[Trace]:
        """Follow messages that their senders' transactions contain.

        A chain that cannot be read for a while is waited for; what was not found in time leaves a
        trace incomplete.

        Args:
            roots: each with the number of hops to follow beyond its destination.
            limit: seconds.
        """
        traces = [Trace(root) for root, _ in roots]
        pending = [
            _Pending(trace.root, trace, depth)
            for trace, (_, depth) in zip(traces, roots, strict=True)
        ]
        accounts: dict[Address, _Inbox] = {}
        deadline = self._clock() + limit
        while pending:
            known = sum(len(trace.steps) for trace in traces)
            pending = await self._look(pending, accounts)
            if sum(len(trace.steps) for trace in traces) > known:
                continue  # what those caused may have happened already
            if not pending or self._clock() >= deadline:
                break
            await self._sleep(self._poll)
        unfinished = {id(item.trace) for item in pending}
        for trace in traces:
            trace.complete = id(trace) not in unfinished and len(trace.steps) < MAX_TRACE
        return traces

    async def _look(
        self, pending: list[_Pending], accounts: dict[Address, "_Inbox"]
    ) -> list[_Pending]:
        """One look at every account that something is on its way to."""
        first: dict[Address, int] = {}
        for item in pending:
            if item.message.dest is not None:
                sent = item.message.created_lt
                first[item.message.dest] = min(sent, first.get(item.message.dest, sent))
        for address, since in first.items():
            inbox = accounts.get(address)
            if inbox is None or inbox.since > since:
                inbox = accounts[address] = _Inbox(self._backend, address, since)
            try:
                await inbox.refresh()
            except ChainError:
                continue  # looked at again until the time limit
        left: list[_Pending] = []
        for item in pending:
            self._advance(item, accounts, left)
        return left

    def _advance(
        self, item: _Pending, accounts: dict[Address, "_Inbox"], left: list[_Pending]
    ) -> None:
        """Take note of a message that arrived, and wait for what it caused."""
        inbox = accounts.get(item.message.dest) if item.message.dest else None
        step = inbox.taken.get(item.message.hash) if inbox else None
        if step is None:
            left.append(item)
            return
        if len(item.trace.steps) >= MAX_TRACE:
            return
        item.trace.steps.append(step)
        if item.depth > 0:
            for message in step.out_messages:
                if message.kind is MessageKind.INTERNAL and message.dest is not None:
                    left.append(_Pending(message, item.trace, item.depth - 1))


class _Inbox:
    """An account's transactions by the hash of the message that each took.

    Args:
        backend: the chain.
        address: whose.
        since: logical time after which they are read.
    """

    def __init__(self, backend: ChainBackend, address: Address, since: int) -> None:
        self.since = since
        self.taken: dict[bytes, Transaction] = {}
        self._history = AccountHistory(backend, address, since)

    async def refresh(self) -> None:
        """Read what is new.

        Raises:
            ChainError: the chain cannot be read.
        """
        for step in await self._history.new():
            if step.in_message is not None:
                self.taken[step.in_message.hash] = step
