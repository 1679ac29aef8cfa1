"""Messages, transactions, accounts, stacks and dictionaries against an independent library."""

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from pytoniq_core import Cell as OtherCell
from pytoniq_core import HashMap
from pytoniq_core.tlb.account import Account as OtherAccount
from pytoniq_core.tlb.transaction import MessageAny
from pytoniq_core.tlb.transaction import Transaction as OtherTransaction
from pytoniq_core.tlb.vm_stack import VmStack, VmTuple

from cocoon.chain.account import parse_account, parse_shard_account
from cocoon.chain.address import Address
from cocoon.chain.backend import AccountStatus
from cocoon.chain.boc import from_boc, to_boc
from cocoon.chain.cells import EMPTY_CELL, Builder, Cell, Reader
from cocoon.chain.exotic import ProofCell
from cocoon.chain.hashmap import read_hashmap, write_hashmap
from cocoon.chain.message import MessageKind, OutMessage, external_in, parse_message
from cocoon.chain.transaction import parse_transaction
from cocoon.chain.vm_stack import (
    MAX_NESTING,
    StackSlice,
    StackValue,
    as_list,
    parse_stack,
    serialize_stack,
)
from cocoon.errors import DecodeError
from cocoon.testing.made_up_state import merkle_proof, merkle_update, prune

accounts = st.binary(min_size=32, max_size=32).map(Address)
coins = st.integers(0, 2**64 - 1)
lts = st.integers(0, 2**64 - 1)
times = st.integers(0, 2**32 - 1)


def small_cell(data: int, bits: int, refs: list[Cell]) -> Cell:
    return Cell(data & ((1 << bits) - 1), bits, refs)


leaves = st.builds(small_cell, st.integers(0, 2**1023 - 1), st.integers(0, 1023), st.just([]))
bodies = st.builds(
    small_cell, st.integers(0, 2**1023 - 1), st.integers(0, 1023), st.lists(leaves, max_size=4)
)


def theirs(cell: Cell) -> OtherCell:
    return OtherCell.one_from_boc(to_boc(cell))


# Dictionaries


@st.composite
def dictionaries(draw: st.DrawFn) -> tuple[int, dict[int, Cell]]:
    bits = draw(st.sampled_from([1, 15, 32, 256]))
    keys = st.integers(0, 2**bits - 1) | st.integers(0, min(2**bits - 1, 7))
    values = st.integers(0, 2**16 - 1).map(lambda value: Cell(value, 16))
    return bits, draw(st.dictionaries(keys, values, max_size=12))


@given(dictionaries())
def test_dictionaries_agree_with_an_independent_library(case: tuple[int, dict[int, Cell]]) -> None:
    bits, values = case
    root = write_hashmap(values, bits)
    other = HashMap(bits, value_serializer=lambda source, dest: dest.store_uint(source, 16))
    for key, value in values.items():
        other.set_int_key(key, value.data)
    expected = other.serialize()
    assert (None if root is None else root.hash) == (None if expected is None else expected.hash)
    read = read_hashmap(root, bits, lambda reader: reader.uint(16), max_entries=12)
    assert read == {key: values[key].data for key in values}
    assert list(read) == sorted(values)


def test_every_form_of_a_label_is_read() -> None:
    value = 0xAB
    short = Builder().uint(0b0_1110, 5).uint(0b111, 3).uint(value, 8).cell()
    long = Builder().uint(0b10, 2).uint(3, 2).uint(0b111, 3).uint(value, 8).cell()
    same = Builder().uint(0b111, 3).uint(3, 2).uint(value, 8).cell()
    for root in (short, long, same):
        assert read_hashmap(root, 3, lambda reader: reader.uint(8), max_entries=1) == {7: value}


def test_a_dictionary_of_shared_branches_stops_at_the_limit() -> None:
    cell = Builder().uint(0, 2).cell()
    for _ in range(64):  # 2^64 entries in 65 cells
        cell = Builder().uint(0, 2).ref(cell).ref(cell).cell()
    with pytest.raises(DecodeError, match="more than 50"):
        read_hashmap(cell, 64, lambda reader: None, max_entries=50)


@pytest.mark.parametrize(
    "root",
    [
        Builder().uint(0b111, 3).uint(4, 3).cell(),
        Builder().uint(0b0_0, 2).cell(),
        Builder().uint(0b0_1_0_1, 4).uint(1, 1).uint(1, 1).cell(),
        Cell.library(bytes(32)),
    ],
    ids=["label too long", "fork without branches", "value too long", "library"],
)
def test_malformed_dictionaries(root: Cell) -> None:
    with pytest.raises(DecodeError):
        read_hashmap(root, 3, lambda reader: None, max_entries=5)


def test_keys_that_do_not_fit() -> None:
    for key in (-1, 8):
        with pytest.raises(DecodeError):
            write_hashmap({key: EMPTY_CELL}, 3)


# Stacks

numbers = st.integers(-(2**256), 2**256 - 1) | st.integers(-(2**63) - 1, 2**63)
flat = st.none() | numbers | leaves | bodies.map(StackSlice)
values: st.SearchStrategy[StackValue] = st.recursive(
    flat, lambda inner: st.lists(inner, max_size=5).map(tuple), max_leaves=10
)


def to_theirs(value: StackValue) -> Any:
    if isinstance(value, Cell):
        return theirs(value)
    if isinstance(value, StackSlice):
        return theirs(value.cell).begin_parse()
    if isinstance(value, tuple):
        return VmTuple([to_theirs(item) for item in value])
    return value


@given(st.lists(values, max_size=6))
def test_stacks_agree_with_an_independent_library(stack: list[StackValue]) -> None:
    cell = serialize_stack(stack)
    assert parse_stack(cell) == tuple(stack)
    # It counts the least integer of each width as too wide for it.
    if not any(value == -(2**63) for value in flatten(stack)):
        assert VmStack.serialize([to_theirs(value) for value in stack]).hash == cell.hash
    assert parse_stack(from_boc(to_boc(cell))) == tuple(stack)


def flatten(items: Any) -> list[Any]:
    return [leaf for item in items for leaf in (flatten(item) if type(item) is tuple else [item])]


def test_a_slice_within_a_cell_is_cut_out() -> None:
    cell = Builder().uint(0xABCD, 16).ref(EMPTY_CELL).ref(Cell(1, 1)).cell()
    item = Builder().ref(EMPTY_CELL).uint(4, 8).ref(cell)
    stack = (
        Builder().uint(1, 24).content(item.uint(4, 10).uint(12, 10).uint(1, 3).uint(2, 3).cell())
    )
    assert parse_stack(stack.cell()) == (StackSlice(Cell(0xBC, 8, [Cell(1, 1)])),)


def test_lists_are_chains_of_pairs() -> None:
    assert as_list((1, (2, (None, None)))) == [1, 2, None]
    assert as_list(None) == []
    for value in (5, (1, 2), (1, 2, 3)):
        with pytest.raises(DecodeError):
            as_list(value)


def test_limits_of_a_stack() -> None:
    deep: StackValue = None
    for _ in range(MAX_NESTING):
        deep = (deep,)
    cell = serialize_stack([deep])
    assert parse_stack(cell) == (deep,)
    with pytest.raises(DecodeError, match="nested"):
        parse_stack(serialize_stack([(deep,)]))
    with pytest.raises(DecodeError, match="at most"):
        parse_stack(Builder().uint(2**24 - 1, 24).ref(EMPTY_CELL).cell())
    with pytest.raises(DecodeError):
        serialize_stack([2**256])
    shared: StackValue = 0
    for _ in range(30):
        shared = (shared, shared)
    with pytest.raises(DecodeError, match="more than"):
        parse_stack(shared_pairs(30))


def shared_pairs(depth: int) -> Cell:
    """A stack of one value: nested pairs, both halves of each the same cell."""
    value = Builder().uint(0, 8).cell()
    for _ in range(depth):
        value = Builder().uint(7, 8).uint(2, 16).ref(value).ref(value).cell()
    return Builder().uint(1, 24).ref(EMPTY_CELL).content(value).cell()


@pytest.mark.parametrize("tag", ["02ff", "06", "08", "0202"])
def test_values_that_no_method_returns(tag: str) -> None:
    cell = Builder().uint(1, 24).ref(EMPTY_CELL).raw(bytes.fromhex(tag)).raw(bytes(40)).cell()
    with pytest.raises(DecodeError):
        parse_stack(cell)


# Messages


@given(accounts, coins, bodies, st.booleans(), st.none() | leaves)
def test_internal_messages(
    dest: Address, value: int, body: Cell, bounce: bool, init: Cell | None
) -> None:
    state = None if init is None else Builder().uint(0b00110, 5).ref(init).ref(init).cell()
    cell = OutMessage(dest, value, body, bounce, state).cell()
    message = parse_message(cell)
    assert (message.kind, message.source, message.dest) == (MessageKind.INTERNAL, None, dest)
    assert (message.value, message.bounce, message.bounced) == (value, bounce, False)
    assert (message.body, message.has_init) == (body, init is not None)
    assert message.hash == cell.hash
    other = MessageAny.deserialize(theirs(cell).begin_parse())
    assert other.info.value_coins == value
    assert other.info.dest.hash_part == dest.account
    assert other.body.hash == body.hash
    if init is None:  # it writes a state inline
        assert other.serialize().hash == cell.hash


@given(accounts, bodies)
def test_external_messages(dest: Address, body: Cell) -> None:
    cell = external_in(dest, body)
    message = parse_message(cell)
    assert (message.kind, message.dest, message.body) == (MessageKind.EXTERNAL_IN, dest, body)
    other = MessageAny.deserialize(theirs(cell).begin_parse())
    assert other.serialize().hash == cell.hash


def test_a_library_as_body_is_no_inline_body() -> None:
    body = Cell.library(bytes(32))
    assert parse_message(external_in(Address(bytes(32)), body)).body == body


ADDRESSES = {
    "none": ("00", False),
    "external": ("01" + f"{12:09b}" + "0" * 12, False),
    "masterchain": ("100" + "1" * 8 + "0" * 256, False),
    "anycast": ("101" + f"{3:05b}" + "101" + "0" * 264, False),
    "variable": ("110" + f"{20:09b}" + "0" * 32 + "1" * 20, False),
    "plain": ("100" + "0" * 264, True),
}


@pytest.mark.parametrize(("bits", "ours"), ADDRESSES.values(), ids=ADDRESSES)
def test_addresses_of_every_kind(bits: str, ours: bool) -> None:
    reader = Reader(Builder().uint(int(bits, 2), len(bits)).uint(5, 3).cell())
    assert reader.any_address() == (Address(bytes(32)) if ours else None)
    assert (reader.uint(3), reader.left) == (5, 0)


# Merkle proofs


@st.composite
def pruned_trees(draw: st.DrawFn) -> tuple[Cell, ProofCell]:
    """A tree, and the same with branches cut off."""
    tree = draw(
        st.recursive(
            leaves,
            lambda inner: st.builds(
                small_cell,
                st.integers(0, 2**1023 - 1),
                st.integers(0, 1023),
                st.lists(inner, max_size=4),
            ),
            max_leaves=10,
        )
    )
    hashes = sorted(all_hashes(tree))
    keep = draw(st.sets(st.sampled_from(hashes)))
    return tree, prune(tree, frozenset(keep))


def all_hashes(cell: Cell) -> set[bytes]:
    return {cell.hash}.union(*(all_hashes(ref) for ref in cell.refs))


@given(pruned_trees(), pruned_trees())
def test_pruned_trees_keep_the_hash_of_the_whole(
    one: tuple[Cell, ProofCell], two: tuple[Cell, ProofCell]
) -> None:
    for whole, pruned_tree in (one, two):
        assert pruned_tree.origin == whole.hash
        assert pruned_tree.depths[0] == whole.depth
        check_proof(merkle_proof(pruned_tree))
    # Proofs of what holds proofs: three levels.
    update = merkle_update(one[0], two[0])
    holder = Builder().uint(7, 8).ref(update).ref(merkle_proof(one[1])).cell()
    check_proof(merkle_proof(prune(holder, frozenset((holder.hash,)))))
    check_proof(merkle_proof(prune(holder, frozenset((holder.hash, update.hash)))))


def check_proof(proof: ProofCell) -> None:
    boc = to_boc(proof)
    other = OtherCell.one_from_boc(boc)
    assert other.hash == proof.hash
    assert [other[0].get_hash(level) for level in range(4)] == proof.refs[0].hashes
    again = from_boc(boc, proofs=True)
    assert isinstance(again, ProofCell)
    assert (again, again.origin, again.mask) == (proof, proof.origin, 0)
    with pytest.raises(DecodeError):
        from_boc(boc)


# Transactions, made here because the other library cannot write them


def maybe(draw: st.DrawFn, out: Builder, write: Any) -> bool:
    present = draw(st.booleans())
    out.uint(present, 1)
    if present:
        write()
    return present


def storage_phase(draw: st.DrawFn, out: Builder) -> None:
    out.coins(draw(coins))
    maybe(draw, out, lambda: out.coins(draw(coins)))
    status = draw(st.sampled_from(["0", "10", "11"]))
    out.uint(int(status, 2), len(status))


def credit_phase(draw: st.DrawFn, out: Builder) -> None:
    maybe(draw, out, lambda: out.coins(draw(coins)))
    out.coins(draw(coins)).uint(0, 1)


def var_uint(out: Builder, value: int, width: int) -> None:
    size = (value.bit_length() + 7) // 8
    out.uint(size, width).uint(value, size * 8)


def compute_phase(draw: st.DrawFn, out: Builder) -> None:
    if draw(st.booleans()):
        reason = draw(st.sampled_from(["000", "001", "010", "0110"]))
        out.uint(int(reason, 2), len(reason))
        return
    out.uint(1, 1).uint(draw(st.integers(0, 7)), 3).coins(draw(coins))
    more = Builder()
    var_uint(more, draw(st.integers(0, 2**40)), 3)
    var_uint(more, draw(st.integers(0, 2**40)), 3)
    maybe(draw, more, lambda: var_uint(more, draw(st.integers(0, 2**20)), 2))
    more.signed(0, 8).signed(draw(st.integers(-(2**31), 2**31 - 1)), 32)
    maybe(draw, more, lambda: more.signed(-1, 32))
    out.ref(more.uint(7, 32).uint(1, 256).uint(2, 256).cell())


def action_phase(draw: st.DrawFn) -> Cell:
    out = Builder().uint(draw(st.integers(0, 7)), 3)
    status = draw(st.sampled_from(["0", "10", "11"]))
    out.uint(int(status, 2), len(status))
    maybe(draw, out, lambda: out.coins(draw(coins)))
    maybe(draw, out, lambda: out.coins(draw(coins)))
    out.signed(draw(st.integers(-(2**31), 2**31 - 1)), 32)
    maybe(draw, out, lambda: out.signed(-1, 32))
    out.uint(0, 64).uint(9, 256)
    var_uint(out, 3, 3)
    var_uint(out, 300, 3)
    return out.cell()


def bounce_phase(draw: st.DrawFn, out: Builder) -> None:
    kind = draw(st.sampled_from(["00", "01", "1"]))
    out.uint(int(kind, 2), len(kind))
    if kind != "00":
        var_uint(out, 3, 3)
        var_uint(out, 300, 3)
        out.coins(draw(coins))
    if kind == "1":
        out.coins(draw(coins))


@st.composite
def descriptions(draw: st.DrawFn) -> Cell:
    kind = draw(st.sampled_from(["ordinary", "storage", "tick", "tock"]))
    out = Builder()
    if kind == "storage":
        out.uint(0b0001, 4)
        storage_phase(draw, out)
        return out.cell()
    if kind == "ordinary":
        out.uint(0, 4).uint(draw(st.integers(0, 1)), 1)
        maybe(draw, out, lambda: storage_phase(draw, out))
        maybe(draw, out, lambda: credit_phase(draw, out))
    else:
        out.uint(0b0011 if kind == "tock" else 0b0010, 4)
        storage_phase(draw, out)
    compute_phase(draw, out)
    maybe(draw, out, lambda: out.ref(action_phase(draw)))
    out.uint(draw(st.integers(0, 1)), 1)
    if kind == "ordinary":
        maybe(draw, out, lambda: bounce_phase(draw, out))
    return out.uint(0, 1).cell()


@st.composite
def messages(draw: st.DrawFn) -> Cell:
    if draw(st.booleans()):
        return external_in(draw(accounts), draw(leaves))
    return OutMessage(draw(accounts), draw(coins), draw(leaves), draw(st.booleans())).cell()


@st.composite
def transactions(draw: st.DrawFn) -> Cell:
    out_messages = draw(st.lists(messages(), max_size=5))
    out = Builder().uint(7, 4).hash256(draw(accounts).account).uint(draw(lts), 64)
    out.hash256(draw(accounts).account).uint(draw(lts), 64).uint(draw(times), 32)
    out.uint(len(out_messages), 15).uint(0b1010, 4)
    by_number = {
        number: Builder().ref(message).cell() for number, message in enumerate(out_messages)
    }
    inner = (
        Builder().maybe_ref(draw(st.none() | messages())).maybe_ref(write_hashmap(by_number, 15))
    )
    out.ref(inner.cell()).coins(draw(coins)).uint(0, 1)
    out.ref(Builder().uint(0x72, 8).uint(1, 256).uint(2, 256).cell())
    return out.ref(draw(descriptions())).cell()


@given(transactions())
def test_transactions_agree_with_an_independent_library(cell: Cell) -> None:
    ours = parse_transaction(cell)
    other = OtherTransaction.deserialize(theirs(cell).begin_parse())
    assert ours.hash == cell.hash
    assert ours.cell is cell
    assert ours.address.account == other.account_addr
    assert (ours.lt, ours.prev_lt, ours.prev_hash, ours.time) == (
        other.lt,
        other.prev_trans_lt,
        other.prev_trans_hash,
        other.now,
    )
    assert ours.total_fees == other.total_fees.grams
    assert (ours.in_message is None) == (other.in_msg is None)
    assert [message.body.hash for message in ours.out_messages] == [
        message.body.hash for message in other.out_msgs
    ]
    description = other.description
    assert ours.aborted == getattr(description, "aborted", False)
    bounce = getattr(description, "bounce", None)
    assert ours.bounced == (bounce is not None and bounce.type_ == "ok")
    action = getattr(description, "action", None)
    assert ours.action_code == (None if action is None else action.result_code)
    check_compute(ours.compute, getattr(description, "compute_ph", None))


def check_compute(ours: Any, other: Any) -> None:
    if other is None:
        assert ours is None
    elif other.type_ == "skipped":
        assert ours.skipped == other.reason.type_.replace("_", " ")
        assert not ours.success
    else:
        assert ours.skipped is None
        assert (ours.success, ours.exit_code, ours.gas_used, ours.gas_fees) == (
            other.success,
            other.exit_code,
            other.gas_used,
            other.gas_fees,
        )


@given(transactions(), st.data())
def test_damaged_transactions_are_refused_or_have_another_hash(
    cell: Cell, data: st.DataObject
) -> None:
    boc = bytearray(to_boc(cell))
    boc[data.draw(st.integers(0, len(boc) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        damaged = parse_transaction(from_boc(bytes(boc)))
    except DecodeError:
        return
    assert damaged.hash != cell.hash or damaged == parse_transaction(cell)


# Accounts


@st.composite
def account_cells(draw: st.DrawFn) -> tuple[Address, Cell]:
    address = draw(accounts)
    out = Builder().uint(1, 1).address(address)
    var_uint(out, draw(st.integers(0, 2**40)), 3)
    var_uint(out, draw(st.integers(0, 2**40)), 3)
    kind = draw(st.sampled_from(["uninit", "active", "frozen"]))
    if kind != "frozen" and draw(st.booleans()):  # all largest at once would not fit a cell
        out.uint(1, 3).uint(5, 256)
    else:
        out.uint(0, 3)
    out.uint(draw(times), 32)
    maybe(draw, out, lambda: out.coins(draw(st.integers(0, 2**40))))
    out.uint(draw(lts), 64).coins(draw(coins))
    currencies = write_hashmap({1: Builder().uint(1, 5).uint(7, 8).cell()}, 32)
    out.maybe_ref(draw(st.sampled_from([None, currencies])))
    if kind == "uninit":
        out.uint(0, 2)
    elif kind == "frozen":
        out.uint(0b01, 2).uint(draw(st.integers(0, 2**256 - 1)), 256)
    else:
        out.uint(1, 1)
        maybe(draw, out, lambda: out.uint(3, 5))
        maybe(draw, out, lambda: out.uint(1, 2))
        code = draw(st.none() | leaves | st.just(Cell.library(bytes(32))))
        out.maybe_ref(code).maybe_ref(draw(st.none() | leaves)).uint(0, 1)
    return address, out.cell()


@given(account_cells(), lts, st.binary(min_size=32, max_size=32))
def test_accounts_agree_with_an_independent_library(
    case: tuple[Address, Cell], lt: int, last: bytes
) -> None:
    address, cell = case
    state = parse_account(cell, address, 99)
    other = OtherAccount.deserialize(theirs(cell).begin_parse())
    assert state.balance == other.storage.balance.grams
    assert state.due_payment == (other.storage_stat.due_payment or 0)
    assert state.time == 99
    assert f"account_{state.status.value}" == other.storage.state.type_
    if state.is_active:
        theirs_init = other.storage.state.state_init
        for ours, expected in ((state.code, theirs_init.code), (state.data, theirs_init.data)):
            assert (ours and ours.hash) == (expected and expected.hash)
    if state.frozen_hash is not None:
        assert state.frozen_hash.hex() == other.storage.state.state_hash
    shard = Builder().ref(cell).hash256(last).uint(lt, 64).cell()
    full = parse_shard_account(shard, address, 99)
    assert (full.last_lt, full.last_hash, full.balance) == (lt, last, state.balance)
    with pytest.raises(DecodeError, match="another address"):
        parse_account(cell, Address(bytes(31) + b"\x77"), 99)


def test_an_account_that_does_not_exist() -> None:
    state = parse_account(Builder().uint(0, 1).cell(), Address(bytes(32)), 5)
    assert (state.status, state.balance, state.code) == (AccountStatus.NONEXISTENT, 0, None)
