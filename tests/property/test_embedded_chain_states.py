"""The embedded chain under any order of messages, time, going back and reopening."""

import tempfile
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from cocoon.chain import Address
from cocoon.chain.embedded import EmbeddedChain
from cocoon.chain.embedded.snapshots import Snapshot
from cocoon.chain.message import MessageKind, OutMessage
from cocoon.errors import MessageRejectedError
from cocoon.testing.chain import GENESIS, TON
from cocoon.testing.probe import Probe, add, burst, hop

PROBES = (Probe(1), Probe(2))
NOBODY = Address(bytes([0x77]) * 32)
MAX_HOPS = 4


class ChainMachine(RuleBasedStateMachine):
    """Two contracts that call each other and an address where nobody lives."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "chain.sqlite"
        self.chain = EmbeddedChain(self.path, now=GENESIS, max_hops=MAX_HOPS)
        for probe in PROBES:
            probe.deploy(self.chain, 1000 * TON)
        self.kept: list[tuple[Snapshot, int, int]] = []

    def teardown(self) -> None:
        self.chain.close()
        self.folder.cleanup()

    def seqno(self, probe: Probe) -> int:
        (value,) = self.chain.run(probe.address, "seqno").stack
        assert isinstance(value, int)
        return value

    @rule(who=st.sampled_from(PROBES), kind=st.integers(0, 4), number=st.integers(1, 20))
    def order(self, who: Probe, kind: int, number: int) -> None:
        other = PROBES[1 - PROBES.index(who)]
        body = (add(number), hop(number, who.address), burst(number, who.address))[kind % 3]
        dest = NOBODY if kind == 4 else other.address
        before = self.seqno(who)
        self.chain.send(who.order(before, OutMessage(dest, TON, body)))
        assert self.seqno(who) == before + 1

    @rule(who=st.sampled_from(PROBES))
    def replay(self, who: Probe) -> None:
        head = self.chain.head()
        with pytest.raises(MessageRejectedError) as caught:
            self.chain.send(who.order(self.seqno(who) + 1, OutMessage(NOBODY, TON)))
        assert caught.value.contract_exit_code == 35
        assert self.chain.head() == head

    @rule(seconds=st.integers(0, 86_400))
    def time_passes(self, seconds: int) -> None:
        now = self.chain.now
        assert self.chain.advance(seconds).time == now + seconds

    @rule()
    def tick(self) -> None:
        waiting = self.chain.waiting
        assert len(self.chain.tick()) >= min(waiting, 1)

    @rule()
    def keep(self) -> None:
        self.kept.append((self.chain.snapshot(), self.chain.head().seqno, self.chain.now))

    @precondition(lambda self: self.kept)
    @rule(data=st.data())
    def go_back(self, data: st.DataObject) -> None:
        snapshot, seqno, now = data.draw(st.sampled_from(self.kept))
        self.chain.restore(snapshot)
        assert (self.chain.head().seqno, self.chain.now) == (seqno, now)

    @rule()
    def reopen(self) -> None:
        before = self.chain.head(), self.chain.waiting, self.chain.now
        self.chain.close()
        self.chain = EmbeddedChain(self.path, max_hops=MAX_HOPS)
        assert (self.chain.head(), self.chain.waiting, self.chain.now) == before

    @invariant()
    def blocks_hold_all_transactions_in_order(self) -> None:
        blocks = self.chain.blocks(limit=1000)
        assert [block.seqno for block in blocks] == list(range(len(blocks), 0, -1))
        listed = [t for b in reversed(blocks) for t in self.chain.block_transactions(b.seqno)]
        assert sum(block.transactions for block in blocks) == len(listed)
        assert all(block.transactions <= MAX_HOPS for block in blocks)
        assert all(earlier.time <= later.time for later, earlier in pairwise(blocks))
        newest = self.chain.recent_transactions(limit=1000)
        assert newest == listed[::-1]

    @invariant()
    def accounts_are_chains_of_transactions(self) -> None:
        for state in self.chain.accounts():
            listed = [t.parsed for t in self.chain.transactions(state.address, limit=1000)]
            assert (state.last_lt, state.last_hash) == (listed[0].lt, listed[0].hash)
            for newer, older in pairwise(listed):
                assert (newer.prev_lt, newer.prev_hash) == (older.lt, older.hash)
            assert (listed[-1].prev_lt, listed[-1].prev_hash) == (0, bytes(32))

    @invariant()
    def every_message_is_delivered_once_or_waits(self) -> None:
        listed = [t.parsed for t in self.chain.recent_transactions(limit=1000)]
        sent = [
            message.hash
            for t in listed
            for message in t.out_messages
            if message.kind is MessageKind.INTERNAL
        ]
        come = [t.in_message.hash for t in listed if t.in_message is not None]
        assert len(set(sent)) == len(sent)
        delivered = set(sent) & set(come)
        assert len(sent) - len(delivered) == self.chain.waiting


TestChainMachine = ChainMachine.TestCase
TestChainMachine.settings = settings(max_examples=10, stateful_step_count=15, deadline=None)
