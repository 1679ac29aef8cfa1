"""The cocoon wallet in the real virtual machine: what it accepts, from whom, and that it never
wedges."""

from collections.abc import Iterator

import pytest

from cocoon.chain import opcodes
from cocoon.chain.cells import EMPTY_CELL, Builder, Cell
from cocoon.chain.contracts.code import load_code
from cocoon.chain.contracts.wallet import (
    CocoonWalletState,
    owner_send_message,
    owner_text_command,
    wallet_data,
)
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.keys import SecretKey
from cocoon.chain.message import OutMessage, external_in
from cocoon.chain.vm_stack import StackSlice
from cocoon.errors import MessageRejectedError
from cocoon.testing.chain import GENESIS, TON, memory_chain
from cocoon.testing.contracts import Outcome, call, data, deploy, person

OWNER, STRANGER, DEST = person(0x11), person(0x99), person(0x55)
KEY = SecretKey(bytes([7]) * 32)
LATER = GENESIS + 3600
NOTE = OutMessage(DEST, TON // 10, bounce=False, mode=1)


class Wallet:
    """A deployed wallet with 10 TON."""

    def __init__(self, chain: EmbeddedChain) -> None:
        self.chain = chain
        self.address = deploy(chain, "wallet", wallet_data(OWNER, KEY.public_key), 10 * TON)

    def order(
        self,
        *messages: tuple[int, Cell],
        seqno: int = 0,
        valid_until: int = LATER,
        subwallet: int = 0,
        key: SecretKey = KEY,
        tail: Cell = EMPTY_CELL,
    ) -> Outcome:
        out = Builder().uint(subwallet, 32).uint(valid_until, 32).uint(seqno, 32)
        for mode, message in messages:
            out.uint(mode, 8).ref(message)
        signed = out.content(tail).cell()
        body = Builder().raw(key.sign(signed.hash)).content(signed).cell()
        block = self.chain.send(external_in(self.address, body))
        return Outcome(tuple(transaction.parsed for transaction in block))

    def send(self, body: Cell, sender: object = STRANGER, value: int = TON) -> Outcome:
        return call(self.chain, self.address, sender, body, value)  # type: ignore[arg-type]

    @property
    def state(self) -> CocoonWalletState:
        return CocoonWalletState.from_data(data(self.chain, self.address))

    @property
    def balance(self) -> int:
        return self.chain.account(self.address).balance


@pytest.fixture(scope="module")
def shared_chain() -> Iterator[EmbeddedChain]:
    with memory_chain() as chain:
        yield chain


@pytest.fixture
def wallet(shared_chain: EmbeddedChain) -> Iterator[Wallet]:
    before = shared_chain.snapshot()
    yield Wallet(shared_chain)
    shared_chain.restore(before)


def refused(wallet: Wallet, *messages: tuple[int, Cell], **order: object) -> int | None:
    before = wallet.state, wallet.balance
    with pytest.raises(MessageRejectedError) as error:
        wallet.order(*messages, **order)  # type: ignore[arg-type]
    assert (wallet.state, wallet.balance) == before
    return error.value.contract_exit_code


def test_sends_up_to_four_messages(wallet: Wallet) -> None:
    outcome = wallet.order(*[(1, NOTE.cell())] * 4)
    assert outcome.ok
    assert [message.value for message in outcome.to(DEST)] == [TON // 10] * 4
    assert wallet.state.seqno == 1
    assert wallet.order(seqno=1).ok  # none is allowed too
    assert wallet.state.seqno == 2


def test_refuses_what_is_not_for_it(wallet: Wallet) -> None:
    note = (1, NOTE.cell())
    assert refused(wallet, note, valid_until=GENESIS) == 1030
    assert refused(wallet, note, valid_until=GENESIS - 1) == 1030
    assert refused(wallet, note, seqno=1) == 1032
    assert refused(wallet, note, subwallet=1) == 1033
    assert refused(wallet, note, key=SecretKey(bytes(32))) == 1034
    assert wallet.order(note).ok
    assert refused(wallet, note) == 1032  # a replay


def test_refuses_to_spend_its_last_two_ton(wallet: Wallet) -> None:
    everything = OutMessage(DEST, wallet.balance - 199 * TON // 100, bounce=False, mode=1)
    assert wallet.order((1, everything.cell())).ok
    assert wallet.balance < 2 * TON
    assert refused(wallet, (1, NOTE.cell()), seqno=1) == 1035


@pytest.mark.parametrize(
    "tail",
    [
        Builder().uint(0, 1).cell(),
        Builder().uint(1, 8).cell(),
        Builder().ref(EMPTY_CELL).cell(),
        Builder().uint(1, 16).ref(EMPTY_CELL).cell(),
    ],
)
def test_refuses_a_malformed_list(wallet: Wallet, tail: Cell) -> None:
    assert refused(wallet, tail=tail) == 1036


def test_no_mode_can_wedge_it(wallet: Wallet) -> None:
    """A failing action phase would undo the sequence number (defect D15)."""
    allowed = [0, 1, 2, 3, 128, 129, 130, 131]
    for mode in range(256):
        if mode not in allowed:
            assert refused(wallet, (mode, NOTE.cell())) == 1036
    for seqno, mode in enumerate(allowed):
        outcome = wallet.order((mode, NOTE.cell()), (mode, NOTE.cell()), seqno=seqno)
        assert outcome.ok
        assert wallet.state.seqno == seqno + 1
        wallet.chain.faucet(wallet.address, 10 * TON)


BROKEN = {
    "empty": EMPTY_CELL,
    "bits": Cell(5, 9),
    "no source": Builder().uint(0b0110_00, 6).uint(0, 2).cell(),
    "external": external_in(DEST, EMPTY_CELL),
    "nobody": Builder().uint(0b0110_00, 6).uint(0, 2).coins(1).uint(0, 107).cell(),
    "too much": OutMessage(DEST, 10**6 * TON, mode=1).cell(),
    "masterchain": Builder()
    .uint(0b0110_00, 6)
    .uint(0b100, 3)
    .uint(0x7F, 8)
    .uint(1, 256)
    .coins(1)
    .uint(0, 107)
    .cell(),
}


@pytest.mark.parametrize("name", BROKEN)
def test_no_message_can_wedge_it(wallet: Wallet, name: str) -> None:
    outcome = wallet.order((1, BROKEN[name]), (1, NOTE.cell()))
    assert outcome.ok
    assert wallet.state.seqno == 1
    # The one that failed does not take the others with it.
    assert [message.value for message in outcome.to(DEST)][-1:] == [TON // 10]


def test_deposits_are_accepted_from_anybody(wallet: Wallet) -> None:
    head = Builder().uint(opcodes.EXCESSES, 32).uint(1, 64).cell()
    for body in (
        EMPTY_CELL,
        head,
        Builder().uint(opcodes.PAYOUT, 32).uint(1, 64).cell(),
        Builder().uint(opcodes.DO_NOT_PROCESS, 32).uint(1, 3).cell(),
        owner_text_command(b"for my node"),
        owner_text_command(b"w"),
        owner_text_command(b""),
    ):
        before = wallet.balance
        outcome = wallet.send(body)
        assert outcome.ok
        assert not outcome.first.out_messages
        assert wallet.balance > before + 9 * TON // 10
    assert wallet.state.seqno == 0
    assert not wallet.state.is_blocked


def test_strangers_command_nothing(wallet: Wallet) -> None:
    for body in (owner_send_message(1, 0, NOTE.cell()), Builder().uint(5, 32).cell()):
        outcome = wallet.send(body)
        assert outcome.exit_code == 1040
        assert outcome.to(STRANGER)[0].bounced


def test_owner_sends_any_message(wallet: Wallet) -> None:
    outcome = wallet.send(owner_send_message(1, 1, NOTE.cell()), OWNER)
    assert outcome.ok
    assert outcome.to(DEST)[0].value == TON // 10
    assert wallet.state.seqno == 0


def test_owner_blocks_and_unblocks(wallet: Wallet) -> None:
    assert wallet.send(owner_text_command(b"b"), OWNER).ok
    assert wallet.state.is_blocked
    assert refused(wallet, (1, NOTE.cell())) == 1031
    assert wallet.send(owner_send_message(1, 1, NOTE.cell()), OWNER).ok
    assert wallet.send(owner_text_command(b"u"), OWNER).ok
    assert wallet.order((1, NOTE.cell())).ok


def test_owner_withdraws_all(wallet: Wallet) -> None:
    before = wallet.balance
    outcome = wallet.send(owner_text_command(b"w"), OWNER, TON // 10)
    assert outcome.ok
    assert wallet.balance == TON // 100
    (payout,) = outcome.to(OWNER)
    assert payout.value > before
    assert not payout.bounce
    assert payout.body == Builder().uint(opcodes.PAYOUT, 32).uint(0, 64).cell()


def test_owner_may_mistype(wallet: Wallet) -> None:
    for body in (
        owner_text_command(b"x"),
        Builder().uint(5, 32).cell(),
        Builder().uint(opcodes.OWNER_WALLET_SEND_MESSAGE, 32).cell(),
    ):
        outcome = wallet.send(body, OWNER)
        assert outcome.exit_code in (1041, 9)
        assert outcome.to(OWNER)[0].bounced
    assert wallet.send(owner_text_command(b"w, please"), OWNER).ok
    assert wallet.balance > 9 * TON


def test_what_bounces_is_kept(wallet: Wallet) -> None:
    message = OutMessage(DEST, TON, body=EMPTY_CELL, bounce=True, mode=1)
    outcome = wallet.order((1, message.cell()))
    assert [transaction.success for transaction in outcome.transactions] == [True, False, True]
    assert wallet.balance > 99 * TON // 10
    assert wallet.state.seqno == 1


def test_getters(wallet: Wallet) -> None:
    wallet.order()
    run = wallet.chain.run
    assert run(wallet.address, "seqno").stack == (1,)
    key = int.from_bytes(KEY.public_key, "big")
    assert run(wallet.address, "get_public_key").stack == (key,)
    owner = StackSlice(Builder().address(OWNER).cell())
    assert run(wallet.address, "get_owner_address").stack == (owner,)


def test_initial_data_is_the_official_one(wallet: Wallet) -> None:
    """Test vector of ``onchain.md`` §19: the data holds, only the code differs."""
    cell = data(wallet.chain, wallet.address)
    assert cell.bits == 619
    assert cell.hash.hex() == "00701d129b540f9439db9410eeda05a6f7eadfc4c4a336776f54a9b820bfbe67"
    assert load_code("wallet").depth < 20
