"""The embedded chain's file: what is promised is there after any end of the process."""

import os
import signal
import sqlite3
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from cocoon.chain import Address
from cocoon.chain.embedded import EmbeddedChain
from cocoon.chain.embedded.store import SCHEMA_VERSION, ChainStore, Commit
from cocoon.chain.message import OutMessage
from cocoon.errors import StoreError
from cocoon.testing.chain import GENESIS, TON
from cocoon.testing.probe import CODE, Probe, add, burst

NOBODY = Address(bytes([0x77]) * 32)


def busy_chain(path: Path) -> EmbeddedChain:
    """With accounts, a library, a moved clock and messages that wait."""
    chain = EmbeddedChain(path, now=GENESIS, testnet=False, max_hops=3)
    probe, other = Probe().deploy(chain), Probe(2).deploy(chain)
    chain.publish_library(CODE)
    chain.advance(100)
    chain.send(probe.order(0, OutMessage(other.address, TON, burst(9, probe.address))))
    return chain


def test_reopened_chain_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    with busy_chain(path) as chain:
        head, waiting, time = chain.head(), chain.waiting, chain.now
        listed, state = chain.recent_transactions(), chain.account(Probe().address)
        assert waiting > 3
    with EmbeddedChain(path, max_hops=3) as chain:
        assert (chain.head(), chain.waiting, chain.now) == (head, waiting, time)
        assert (chain.frozen, chain.testnet) == (True, False)
        assert chain.recent_transactions() == listed
        assert chain.account(Probe().address) == state
        assert chain.library(CODE.hash) == CODE
        chain.settle()
        assert chain.run(Probe().address, "total").stack == (10,)
        assert chain.head().start_lt > head.end_lt


def test_named_snapshots_outlive_the_process(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    with busy_chain(path) as chain:
        chain.save("busy")
        head = chain.head()
        chain.settle()
    with EmbeddedChain(path) as chain:
        assert chain.saved() == ["busy"]
        assert chain.head() != head
        chain.load("busy")
        assert chain.head() == head
        assert chain.waiting > 0
        chain.settle()
        newest = chain.head()
    with EmbeddedChain(path) as chain:
        assert chain.head() == newest


def test_damaged_snapshot_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    with busy_chain(path) as chain:
        chain.save("busy")
        (file,) = (tmp_path / "chain.sqlite.snapshots").iterdir()
        head = chain.head()
        good = file.read_bytes()
        flipped = good[:4096] + bytes(len(good) - 4096)
        for content in (b"", b"nonsense", good[:4096], good[:20_000], flipped):
            file.write_bytes(content)
            with pytest.raises(StoreError, match="snapshot"):
                chain.load("busy")
            assert chain.head() == head
        chain.settle()


def test_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    with busy_chain(path), pytest.raises(StoreError, match="another process"):
        EmbeddedChain(path)
    EmbeddedChain(path).close()


def test_file_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    busy_chain(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version={SCHEMA_VERSION + 1}")
    db.close()
    with pytest.raises(StoreError, match="version"):
        EmbeddedChain(path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE mine(x)")
    db.close()
    with pytest.raises(StoreError, match="no embedded chain"):
        EmbeddedChain(path)
    text = tmp_path / "text"
    text.write_text("this is no database" * 100)
    with pytest.raises(StoreError):
        EmbeddedChain(text)
    assert text.read_text().startswith("this is no database")
    with pytest.raises(StoreError):
        EmbeddedChain(tmp_path / "missing" / "chain.sqlite")


def test_block_that_cannot_be_stored_did_not_happen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: ChainStore, commit: Commit) -> None:
        raise StoreError("the disk is full")

    with EmbeddedChain(tmp_path / "chain.sqlite", now=GENESIS) as chain:
        probe = Probe().deploy(chain)
        head, state = chain.head(), chain.account(probe.address)
        with monkeypatch.context() as patch:
            patch.setattr(ChainStore, "commit", full)
            with pytest.raises(StoreError, match="full"):
                chain.faucet(probe.address, TON, body=add(5))
        assert (chain.head(), chain.account(probe.address)) == (head, state)
        chain.faucet(probe.address, TON, body=add(5))
        assert chain.run(probe.address, "total").stack == (6,)


def test_closed_chain_says_so(tmp_path: Path) -> None:
    chain = EmbeddedChain(tmp_path / "chain.sqlite", now=GENESIS)
    chain.close()
    chain.close()
    with pytest.raises(StoreError):
        chain.transactions(NOBODY)
    with pytest.raises(StoreError):
        chain.faucet(NOBODY, TON)


WRITER = """
import sys
from itertools import pairwise
from pathlib import Path
from cocoon.chain.embedded import EmbeddedChain
from cocoon.chain.message import OutMessage
from cocoon.testing.probe import Probe, add
chain = EmbeddedChain(Path(sys.argv[1]), max_hops=3)
probe, other = Probe(), Probe(2)
seqno = chain.run(probe.address, "seqno").stack[0]
while True:
    orders = [OutMessage(other.address, 100_000_000, add(1)) for _ in range(2)]
    chain.send(probe.order(seqno, *orders))
    seqno += 1
    print(seqno, flush=True)
"""


def test_killed_writer_leaves_whole_blocks(tmp_path: Path) -> None:
    path = tmp_path / "chain.sqlite"
    with EmbeddedChain(path, now=GENESIS) as chain:
        Probe().deploy(chain, 10_000 * TON)
        Probe(2).deploy(chain)
    for blocks in (1, 7, 20):
        promised = _run_and_kill(path, blocks)
        with EmbeddedChain(path) as chain:
            _check(chain, promised)


def _run_and_kill(path: Path, blocks: int) -> int:
    """Returns the last sequence number that the writer promised."""
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(blocks)]
        os.kill(writer.pid, signal.SIGKILL)
        lines += writer.stdout.readlines()
    return int([line for line in lines if line.endswith("\n")][-1])


def _check(chain: EmbeddedChain, promised: int) -> None:
    (seqno,) = chain.run(Probe().address, "seqno").stack
    assert isinstance(seqno, int)
    assert promised <= seqno <= promised + 1
    head = chain.head()
    blocks = [chain.block(number) for number in range(1, head.seqno + 1)]
    listed = []
    for block in blocks:
        assert block is not None
        found = chain.block_transactions(block.seqno)
        assert len(found) == block.transactions
        listed += found
    assert [t.lt for t in listed] == sorted(t.lt for t in listed)
    for probe in (Probe(), Probe(2)):
        chained = [t.parsed for t in listed if t.address == probe.address]
        for before, after in pairwise(chained):
            assert (after.prev_lt, after.prev_hash) == (before.lt, before.hash)
        state = chain.account(probe.address)
        assert (state.last_lt, state.last_hash) == (chained[-1].lt, chained[-1].hash)
    chain.settle()
    assert chain.run(Probe(2).address, "total").stack == (2 + 2 * seqno,)
