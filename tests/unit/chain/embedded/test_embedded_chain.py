"""The embedded chain: messages into blocks, the clock, limits, snapshots."""

import threading
from collections.abc import Iterator

import pytest

from cocoon.chain import Address, Builder, Cell, to_boc
from cocoon.chain.backend import AccountStatus
from cocoon.chain.cells import Reader
from cocoon.chain.embedded import FAUCET, Block, EmbeddedChain
from cocoon.chain.embedded.chain import BLOCK_SECONDS
from cocoon.chain.hashmap import read_hashmap, write_hashmap
from cocoon.chain.message import MessageKind, OutMessage, external_in
from cocoon.errors import ChainError, ContractError, MessageRejectedError
from cocoon.testing.chain import GENESIS, TON, memory_chain
from cocoon.testing.probe import ADD_FAILS, CODE, Probe, add, burst, draw, hop, log, spin

NOBODY = Address(bytes([0x77]) * 32)


@pytest.fixture
def chain() -> Iterator[EmbeddedChain]:
    with memory_chain() as chain:
        yield chain


@pytest.fixture
def probe(chain: EmbeddedChain) -> Probe:
    return Probe().deploy(chain)


@pytest.fixture
def other(chain: EmbeddedChain) -> Probe:
    return Probe(2).deploy(chain)


def total(chain: EmbeddedChain, probe: Probe) -> int:
    (value,) = chain.run(probe.address, "total").stack
    assert isinstance(value, int)
    return value


def test_faucet_brings_coins_and_deploys(chain: EmbeddedChain) -> None:
    (transaction,) = chain.faucet(NOBODY, 5 * TON)
    state = chain.account(NOBODY)
    assert (state.status, state.balance) == (AccountStatus.UNINIT, 5 * TON)
    assert (state.last_lt, state.last_hash) == (transaction.lt, transaction.hash)
    incoming = transaction.parsed.in_message
    assert incoming is not None
    assert (incoming.source, incoming.value) == (FAUCET, 5 * TON)
    probe = Probe().deploy(chain)
    state = chain.account(probe.address)
    assert state.status is AccountStatus.ACTIVE
    assert state.code == CODE
    assert state.time == GENESIS


def test_faucet_refuses_what_is_no_amount(chain: EmbeddedChain) -> None:
    for amount in (-1, 1 << 64):
        with pytest.raises(ChainError, match="faucet"):
            chain.faucet(NOBODY, amount)
    assert chain.head().seqno == 1


def test_a_message_runs_with_all_that_it_causes(
    chain: EmbeddedChain, probe: Probe, other: Probe
) -> None:
    before = chain.head()
    message = probe.order(0, OutMessage(other.address, TON, add(40)))
    wallet, called, answered = chain.send(message)
    assert [t.address for t in (wallet, called, answered)] == [
        probe.address,
        other.address,
        probe.address,
    ]
    assert wallet.success
    assert called.success
    assert answered.exit_code == 0xFFFF  # it does not know the answer
    assert wallet.lt < called.lt < answered.lt
    assert total(chain, other) == 42
    for transaction in (wallet, called, answered):
        for sent in transaction.parsed.out_messages:
            assert transaction.lt < sent.created_lt
    assert called.parsed.in_message is not None
    assert called.parsed.in_message.created_lt < called.lt
    # Transactions of an account form a chain of hashes.
    assert answered.parsed.prev_hash == wallet.hash
    assert answered.parsed.prev_lt == wallet.lt
    block = chain.head()
    assert (block.seqno, block.transactions) == (before.seqno + 1, 3)
    assert (block.start_lt, block.end_lt) == (wallet.lt, answered.lt)
    assert chain.block_transactions(block.seqno) == [wallet, called, answered]


def test_a_message_that_is_not_accepted_leaves_nothing(chain: EmbeddedChain, probe: Probe) -> None:
    before = chain.snapshot()
    with pytest.raises(MessageRejectedError) as caught:
        chain.send(probe.order(7))
    assert caught.value.contract_exit_code == 35
    assert chain.snapshot() == before
    with pytest.raises(MessageRejectedError) as caught:
        chain.send(external_in(NOBODY, add(1)))
    assert caught.value.contract_exit_code is None
    assert chain.snapshot() == before


def deep(levels: int) -> Cell:
    cell = Builder().cell()
    for _ in range(levels):
        cell = Builder().ref(cell).cell()
    return cell


def large(cells: int) -> Cell:
    cell = Builder().cell()
    for number in range(cells):
        cell = Builder().uint(number, 1000).ref(cell).cell()
    return cell


@pytest.mark.parametrize(
    "message",
    [
        Builder().cell(),
        Builder().uint(0b11, 2).cell(),
        Builder().uint(0b10, 2).uint(0, 4).cell(),
        OutMessage(NOBODY, 1).cell(),
        external_in(NOBODY, deep(513)),
        external_in(NOBODY, Builder().ref(large(400)).ref(large(500)).cell()),
        Builder().uint(0b10, 2).uint(0, 2).uint(0b100, 3).uint(0xFF, 8).uint(0, 260).cell(),
    ],
    ids=["empty", "outgoing", "nowhere", "internal", "deep", "large", "masterchain"],
)
def test_what_is_no_external_message_is_refused(chain: EmbeddedChain, message: Cell) -> None:
    with pytest.raises(MessageRejectedError):
        chain.send(message)
    assert chain.head().seqno == 1


def test_the_largest_message_is_looked_at(chain: EmbeddedChain, probe: Probe) -> None:
    for body in (deep(511), large(450)):
        with pytest.raises(MessageRejectedError) as caught:
            chain.send(external_in(probe.address, Builder().uint(9, 32).ref(body).cell()))
        assert caught.value.contract_exit_code == 35


def test_failure_bounces(chain: EmbeddedChain, probe: Probe, other: Probe) -> None:
    wallet, failed, back = chain.send(
        probe.order(0, OutMessage(other.address, TON, add(ADD_FAILS)))
    )
    assert wallet.success
    assert (failed.success, failed.exit_code) == (False, 113)
    assert failed.parsed.bounced
    assert back.parsed.in_message is not None
    assert back.parsed.in_message.bounced
    assert total(chain, other) == 2


def test_no_contract_bounces_and_a_plain_transfer_stays(chain: EmbeddedChain, probe: Probe) -> None:
    sent = chain.send(probe.order(0, OutMessage(NOBODY, TON)))
    assert len(sent) == 3
    assert sent[1].exit_code is None
    assert chain.account(NOBODY).balance == 0
    chain.send(probe.order(1, OutMessage(NOBODY, TON, bounce=False)))
    assert chain.account(NOBODY).balance == TON


def test_messages_for_outside_stay_in_their_transaction(chain: EmbeddedChain, probe: Probe) -> None:
    (transaction,) = chain.faucet(probe.address, TON, body=log(42))
    (message,) = transaction.parsed.out_messages
    assert message.kind is MessageKind.EXTERNAL_OUT
    assert message.body == Builder().uint(42, 64).cell()


def test_an_endless_loop_ends(chain: EmbeddedChain, probe: Probe) -> None:
    (transaction,) = chain.faucet(probe.address, TON, body=spin())
    assert (transaction.success, transaction.exit_code) == (False, -14)
    with pytest.raises(ContractError) as caught:
        chain.run(probe.address, "forever")
    assert caught.value.contract_exit_code == -14


def test_a_crowded_block_leaves_the_rest_to_the_next() -> None:
    with memory_chain(max_hops=5) as chain:
        probe = Probe().deploy(chain)
        other = Probe(2).deploy(chain)
        first = chain.send(probe.order(0, OutMessage(other.address, TON, burst(10, probe.address))))
        assert len(first) == 5
        assert chain.waiting == 7
        # A message from outside comes first, then those that wait longest.
        second = chain.send(probe.order(1, OutMessage(other.address, TON, add(1))))
        assert len(second) == 5
        assert second[1].in_hash != second[0].in_hash
        rest = chain.settle()
        assert chain.waiting == 0
        assert total(chain, other) == 3
        assert total(chain, probe) == 11
        everything = [*first, *second, *rest]
        assert [t.lt for t in everything] == sorted(t.lt for t in everything)


def test_an_endless_ping_pong_does_not_stop_the_chain() -> None:
    with memory_chain(max_hops=10) as chain:
        probe, other = Probe().deploy(chain), Probe(2).deploy(chain)
        chain.send(probe.order(0, OutMessage(other.address, TON, hop(1 << 31, probe.address))))
        with pytest.raises(ChainError, match="still wait"):
            chain.settle(max_blocks=3)
        assert chain.waiting == 1
        assert len(chain.tick()) == 10


def test_random_numbers_depend_on_the_chain_only(chain: EmbeddedChain, probe: Probe) -> None:
    before = chain.snapshot()
    chain.faucet(probe.address, TON, body=draw())
    (first,) = chain.run(probe.address, "drawn").stack
    chain.restore(before)
    chain.faucet(probe.address, TON, body=draw())
    assert chain.run(probe.address, "drawn").stack == (first,)
    chain.faucet(probe.address, TON, body=draw())
    assert chain.run(probe.address, "drawn").stack != (first,)


def test_get_methods(chain: EmbeddedChain, probe: Probe) -> None:
    result = chain.run(probe.address, "sum", (1 << 200, -5))
    assert result.stack == ((1 << 200) - 5,)
    assert result.gas_used > 0
    depth, cell, _slice, _address = chain.run(probe.address, "echo", (deep(3),)).stack
    assert (depth, cell) == (3, deep(3))
    assert chain.run(probe.address, "clock").stack == (
        GENESIS,
        chain.account(probe.address).balance,
    )
    for method, code in (("nosuch", 11), ("sum", 2)):
        with pytest.raises(ContractError) as caught:
            chain.run(probe.address, method)
        assert caught.value.contract_exit_code == code
    with pytest.raises(ContractError) as caught:
        chain.run(probe.address, "fails", (77,))
    assert caught.value.contract_exit_code == 77
    with pytest.raises(ContractError, match="no contract"):
        chain.run(NOBODY, "sum")


def test_estimate_changes_nothing(chain: EmbeddedChain, probe: Probe) -> None:
    before = chain.snapshot()
    estimated = chain.estimate(probe.order(0, OutMessage(NOBODY, TON)))
    assert estimated.success
    assert chain.snapshot() == before
    assert chain.send(probe.order(0, OutMessage(NOBODY, TON)))[0].hash == estimated.hash


def test_code_in_a_library(chain: EmbeddedChain) -> None:
    probe = Probe(3, Cell.library(CODE.hash)).deploy(chain)
    with pytest.raises(ContractError):
        total(chain, probe)
    assert chain.library(CODE.hash) is None
    assert chain.publish_library(CODE) == CODE.hash
    assert chain.library(CODE.hash) == CODE
    assert total(chain, probe) == 3
    chain.faucet(probe.address, TON, body=add(4))
    assert total(chain, probe) == 7


def test_lists(chain: EmbeddedChain, probe: Probe, other: Probe) -> None:
    sent = chain.send(probe.order(0, OutMessage(other.address, TON, add(40))))
    wallet, called, answered = sent
    assert chain.transactions(probe.address, limit=2) == [answered, wallet]
    assert len(chain.transactions(probe.address)) == 3
    assert chain.transactions(probe.address, before=answered.lt, limit=1) == [wallet]
    assert chain.recent_transactions(limit=3) == [answered, called, wallet]
    assert chain.recent_transactions(limit=1, before=called.lt) == [wallet]
    assert chain.transaction_by_hash(called.hash) == called
    assert chain.transaction_by_hash(bytes(32)) is None
    assert chain.transaction_by_message(wallet.in_hash) == wallet
    assert chain.transaction_by_message(bytes(32)) is None
    assert [state.address for state in chain.accounts()] == [probe.address, other.address]
    head = chain.head()
    assert chain.blocks(limit=2) == [head, chain.block(head.seqno - 1)]
    assert chain.block(99) is None
    assert chain.block_transactions(1) == []


def test_clock_stands_still_and_moves(chain: EmbeddedChain, probe: Probe) -> None:
    assert chain.frozen
    assert chain.now == GENESIS
    assert chain.tick() == ()
    head = chain.advance(3600)
    assert (head.time, head.transactions) == (GENESIS + 3600, 0)
    (now, _balance) = chain.run(probe.address, "clock").stack
    assert now == GENESIS + 3600
    chain.freeze(GENESIS + 7200)
    assert chain.now == GENESIS + 7200
    for back in (lambda: chain.advance(-1), lambda: chain.freeze(GENESIS)):
        with pytest.raises(ChainError, match="forward"):
            back()
    for beyond in (lambda: chain.advance(1 << 32), lambda: chain.freeze(1 << 32)):
        with pytest.raises(ChainError, match="2106"):
            beyond()


def test_clock_runs_with_real_time_and_never_back() -> None:
    real = [1_700_000_000.0]
    with EmbeddedChain(real_time=lambda: real[0]) as chain:
        assert not chain.frozen
        real[0] += BLOCK_SECONDS - 1
        chain.tick()
        assert chain.head().seqno == 1
        real[0] += 1
        chain.tick()
        assert chain.head().seqno == 2
        assert chain.head().time == int(real[0])
        chain.advance(100)
        real[0] -= 1000
        assert chain.now == chain.head().time
        chain.freeze()
        real[0] += 5000
        assert chain.now == chain.head().time
        chain.unfreeze()
        real[0] += 7
        assert chain.now == chain.head().time + 7


def test_rent_is_taken_with_time(chain: EmbeddedChain, probe: Probe) -> None:
    before = chain.account(probe.address).balance
    chain.advance(365 * 86400)
    chain.faucet(probe.address, TON, body=log(1))
    assert chain.account(probe.address).balance < before + TON - TON // 1000


def test_snapshots(chain: EmbeddedChain, probe: Probe) -> None:
    chain.save("before")
    seqno = chain.head().seqno
    chain.advance(60)
    chain.faucet(probe.address, TON, body=add(5))
    assert total(chain, probe) == 6
    chain.load("before")
    assert (total(chain, probe), chain.now, chain.head().seqno) == (1, GENESIS, seqno)
    assert chain.recent_transactions(limit=1)[0].block == seqno
    chain.faucet(probe.address, TON, body=add(6))
    assert total(chain, probe) == 7
    assert chain.saved() == ["before"]
    with pytest.raises(ChainError, match="no snapshot"):
        chain.load("after")
    for name in ("", "../x", "a/b", ".hidden", "x" * 65):
        with pytest.raises(ChainError, match="name"):
            chain.save(name)


def test_waiters_and_subscribers_hear_of_blocks(chain: EmbeddedChain) -> None:
    heard: list[Block] = []
    chain.subscribe(lambda block: [].pop())  # one that fails harms nobody
    stop = chain.subscribe(heard.append)
    seqno = chain.head().seqno
    seen: list[Block] = []
    waiter = threading.Thread(target=lambda: seen.append(chain.wait(seqno, 30)))
    waiter.start()
    chain.faucet(NOBODY, TON)
    waiter.join()
    assert seen == heard == [chain.head()]
    stop()
    chain.faucet(NOBODY, TON)
    assert len(heard) == 1
    assert chain.wait(chain.head().seqno, 0.0) == chain.head()


def test_threads_share_a_chain(chain: EmbeddedChain) -> None:
    def work() -> None:
        for _ in range(10):
            chain.faucet(NOBODY, 1)
            chain.account(NOBODY)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert chain.account(NOBODY).balance == 40
    assert chain.head().seqno == 41
    lts = [t.lt for t in chain.recent_transactions(limit=100)]
    assert lts == sorted(set(lts), reverse=True)


def test_log_of_the_virtual_machine(chain: EmbeddedChain, probe: Probe) -> None:
    assert chain.faucet(probe.address, TON, body=add(1))[0].vm_log == ""
    chain.verbosity = 3
    assert "execute" in chain.faucet(probe.address, TON, body=add(1))[0].vm_log


def test_a_message_to_another_workchain_leaves_the_chain(
    chain: EmbeddedChain, probe: Probe
) -> None:
    away = Builder().uint(0b0100, 4).uint(0, 2).uint(0b100, 3).uint(0xFF, 8).hash256(bytes(32))
    body = Builder().uint(0, 32).ref(away.coins(TON).uint(0, 1 + 4 + 4 + 64 + 32 + 2).cell())
    (transaction,) = chain.send(external_in(probe.address, body.cell()))
    assert len(transaction.parsed.out_messages) == 1
    assert chain.waiting == 0


def test_config_has_the_parameters(chain: EmbeddedChain) -> None:
    assert len(to_boc(chain.config())) > 1000
    assert chain.testnet


def test_config_is_replaced_by_a_valid_one_only(chain: EmbeddedChain, probe: Probe) -> None:
    config = chain.config()
    # Basic gas prices: the price of a unit, times 2¹⁶, behind a flat limit and its price.
    parameters = read_hashmap(config, 32, Reader.ref, max_entries=100)
    gas = Reader(parameters[21])
    head, price, left = gas.uint(8 + 64 + 64 + 8), gas.uint(64), gas.left
    parameters[21] = Builder().uint(head, 144).uint(2 * price, 64).uint(gas.uint(left), left).cell()
    dearer = write_hashmap({k: Builder().ref(v).cell() for k, v in parameters.items()}, 32)
    assert dearer is not None
    before = chain.faucet(probe.address, TON, body=log(1))[0].parsed.compute
    chain.set_config(dearer)
    after = chain.faucet(probe.address, TON, body=log(1))[0].parsed.compute
    assert before is not None
    assert after is not None
    assert (after.gas_used, after.gas_fees > before.gas_fees) == (before.gas_used, True)
    for wrong in (Builder().cell(), Builder().uint(1, 8).cell(), deep(3)):
        with pytest.raises(ChainError):
            chain.set_config(wrong)
    assert chain.config() == dearer
    chain.faucet(probe.address, TON)
