"""What every chain backend must do, as checks that run against any of them.

A check takes a :class:`Subject`: the backend, and the embedded chain that is behind it. What the
backend says is compared with what the chain did.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from cocoon.chain.address import Address
from cocoon.chain.backend import AccountState, AccountStatus, ChainBackend, TransactionRef
from cocoon.chain.cells import EMPTY_CELL, Builder, Cell
from cocoon.chain.contracts.state_init import state_init
from cocoon.chain.embedded.backend import EmbeddedBackend
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.keys import SecretKey
from cocoon.chain.message import OutMessage
from cocoon.chain.vm_stack import StackSlice, StackValue
from cocoon.chain.wallets.v4r2 import WalletV4R2
from cocoon.errors import ContractError, MessageRejectedError
from cocoon.testing.chain import TON

STRANGER = Address(b"\x77" * 32)
NEIGHBOUR = Address(b"\xf7" * 32)
NOBODY = Address(b"\x99" * 32)
COMMENT = Builder().uint(0, 32).raw(b"hello").cell()
WRONG_SEQNO = 33
UNKNOWN_METHOD = 11
ECHO = Cell(0xFF0030, 24)
"""A contract that answers every get-method with its arguments: it drops the method's number."""
ECHOED: tuple[StackValue, ...] = (
    -1,
    2**255,
    -(2**256),
    Builder().uint(5, 9).ref(COMMENT).cell(),
    StackSlice(COMMENT),
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked.

    Args:
        backend: started.
        chain: what is behind it.
    """

    backend: ChainBackend
    chain: EmbeddedChain

    @property
    def truth(self) -> EmbeddedBackend:
        """What the chain says without anybody between."""
        return EmbeddedBackend(self.chain)

    def wallet(self) -> WalletV4R2:
        """A wallet with 10 TON that is not deployed."""
        wallet = WalletV4R2(SecretKey(b"\x05" * 32))
        self.chain.faucet(wallet.address, 10 * TON)
        return wallet

    async def pay(self, wallet: WalletV4R2, seqno: int, *messages: OutMessage) -> None:
        """Send from the wallet."""
        deadline = self.chain.now + 60
        await self.backend.send(wallet.transfer(messages, seqno, deadline))


Check = Callable[[Subject], Awaitable[None]]


async def check_head(subject: Subject) -> None:
    """The head is the newest block, and grows."""
    before = await subject.backend.head()
    subject.chain.faucet(STRANGER, TON)
    block = subject.chain.head()
    for _ in range(50):
        after = await subject.backend.head()
        if after.seqno >= block.seqno:
            break
        subject.chain.advance(1)
    assert after.seqno > before.seqno
    assert after.time >= before.time


async def check_nobody(subject: Subject) -> None:
    """An account that does not exist is a state, not an error."""
    state = await subject.backend.account(NOBODY)
    assert (state.address, state.status) == (NOBODY, AccountStatus.NONEXISTENT)
    assert (state.balance, state.code, state.data, state.last_lt) == (0, None, None, 0)
    assert await subject.backend.transactions(NOBODY) == []


async def check_coins_only(subject: Subject) -> None:
    """An account that somebody sent coins to, in either half of the addresses."""
    for address in (STRANGER, NEIGHBOUR):
        subject.chain.faucet(address, 3 * TON)
        state = await subject.backend.account(address)
        assert (state.status, state.balance) == (AccountStatus.UNINIT, 3 * TON)
        assert (state.code, state.data) == (None, None)
        await same_account(subject, address)


async def check_contract(subject: Subject) -> None:
    """A contract's code and data, before and after it changes."""
    wallet = subject.wallet()
    await subject.pay(wallet, 0, OutMessage(STRANGER, TON, COMMENT, bounce=False))
    state = await same_account(subject, wallet.address)
    assert state.is_active
    assert state.code == wallet.state_init.refs[0]
    assert state.data is not None
    assert wallet.read_seqno(state.data) == 1
    await subject.pay(wallet, 1, OutMessage(NEIGHBOUR, TON, bounce=False))
    again = await same_account(subject, wallet.address)
    assert again.data is not None
    assert wallet.read_seqno(again.data) == 2
    assert again.last_lt > state.last_lt


async def check_transactions(subject: Subject) -> None:
    """Transactions as they were, newest first, without a gap."""
    wallet = subject.wallet()
    both = (OutMessage(STRANGER, TON, COMMENT, bounce=False), OutMessage(NEIGHBOUR, 2 * TON))
    await subject.pay(wallet, 0, *both)
    found = await subject.backend.transactions(wallet.address)
    # The second message bounces: nobody lives there.
    assert [len(item.out_messages) for item in found] == [0, 2, 0]
    assert found == await subject.truth.transactions(wallet.address)
    sent = found[1].out_messages[0]
    assert (sent.dest, sent.value, sent.body) == (STRANGER, TON, COMMENT)
    assert found[0].in_message is not None
    assert found[0].in_message.bounced
    assert found[2].prev_lt == 0
    state = await subject.backend.account(wallet.address)
    assert (state.last_lt, state.last_hash) == (found[0].lt, found[0].hash)
    (received,) = await subject.backend.transactions(STRANGER)
    assert received.in_message == sent


async def check_pages(subject: Subject) -> None:
    """A long history in pieces, each going on where the last one ended."""
    for number in range(40):
        subject.chain.faucet(STRANGER, TON + number)
    everything = await subject.backend.transactions(STRANGER, limit=100)
    assert len(everything) == 40
    pieces: list[int] = []
    before: TransactionRef | None = None
    while page := await subject.backend.transactions(STRANGER, limit=17, before=before):
        assert len(page) <= 17
        pieces += [item.lt for item in page]
        before = TransactionRef(page[-1].lt, page[-1].hash)
    assert pieces == [item.lt for item in everything]
    values = [item.in_message.value for item in everything if item.in_message is not None]
    assert values == [TON + number for number in range(39, -1, -1)]
    assert await subject.backend.transactions(STRANGER, limit=0) == []


async def check_rejection(subject: Subject) -> None:
    """A message that its contract does not accept changes nothing and says why."""
    wallet = subject.wallet()
    await subject.pay(wallet, 0, OutMessage(STRANGER, TON, bounce=False))
    before = await subject.backend.account(wallet.address)
    try:
        await subject.pay(wallet, 7, OutMessage(STRANGER, TON, bounce=False))
    except MessageRejectedError as error:
        code = error.contract_exit_code
    else:
        raise AssertionError("a message with a wrong number was accepted")
    assert code == WRONG_SEQNO
    after = await subject.backend.account(wallet.address)
    assert replace(after, time=0) == replace(before, time=0)


async def check_messages_to_nobody(subject: Subject) -> None:
    """Nobody can accept what is sent to an address without a contract."""
    try:
        await subject.backend.send(Builder().uint(0b1000, 4).address(NOBODY).uint(0, 6).cell())
    except MessageRejectedError:
        return
    raise AssertionError("a message to nobody was accepted")


async def check_methods(subject: Subject) -> None:
    """Get-methods with and without arguments, and those that fail."""
    wallet = subject.wallet()
    await subject.pay(wallet, 0, OutMessage(STRANGER, TON, bounce=False))
    assert (await subject.backend.run(wallet.address, "seqno")).stack == (1,)
    key = (await subject.backend.run(wallet.address, "get_public_key")).stack
    assert key == (int.from_bytes(SecretKey(b"\x05" * 32).public_key, "big"),)
    arguments = (0, int.from_bytes(NOBODY.account, "big"))
    found = await subject.backend.run(wallet.address, "is_plugin_installed", arguments)
    assert found.stack == (0,)
    listed = await subject.backend.run(wallet.address, "get_plugin_list")
    assert listed.stack == (None,)
    await fails(subject, wallet.address, "no_such_method", UNKNOWN_METHOD)
    await fails(subject, NOBODY, "seqno", None)


async def check_values_in_methods(subject: Subject) -> None:
    """Cells, slices, negative and large numbers go in and come out unchanged."""
    init = state_init(ECHO, EMPTY_CELL)
    echo = Address(init.hash)
    subject.chain.faucet(echo, TON, init=init)
    assert (await same_account(subject, echo)).code == ECHO
    result = await subject.backend.run(echo, "anything", ECHOED)
    assert result.stack == ECHOED
    assert (await subject.backend.run(echo, "anything")).stack == ()


async def check_code_in_a_library(subject: Subject) -> None:
    """A contract may have a reference to a library as its code."""
    init = state_init(Cell.library(subject.chain.publish_library(ECHO)), EMPTY_CELL)
    subject.chain.faucet(Address(init.hash), TON, init=init)
    state = await same_account(subject, Address(init.hash))
    assert state.code is not None
    assert (state.is_active, state.code.exotic) == (True, True)


async def same_account(subject: Subject, address: Address) -> AccountState:
    """The account as the backend says, which must be as the chain says."""
    said, true = await subject.backend.account(address), await subject.truth.account(address)
    assert replace(said, time=0) == replace(true, time=0)
    assert said.time <= true.time
    return said


async def fails(subject: Subject, address: Address, method: str, code: int | None) -> None:
    """Expect a get-method to fail."""
    try:
        await subject.backend.run(address, method)
    except ContractError as error:
        actual = error.contract_exit_code
    else:
        raise AssertionError(f"{method} succeeded")
    assert code is None or actual == code


CHECKS: dict[str, Check] = {
    name.removeprefix("check_"): check
    for name, check in list(globals().items())
    if name.startswith("check_")
}
"""Every check by its name."""
