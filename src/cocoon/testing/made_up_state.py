"""Masterchain and shard states made up around the accounts of an embedded chain, with proofs.

The embedded chain has no masterchain, so nothing here was signed by anybody. The cells have the
network's layout as far as proofs of accounts need it; two shards share the accounts.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from cocoon.chain.address import HASH_BYTES, Address
from cocoon.chain.backend import AccountState, AccountStatus
from cocoon.chain.cells import EMPTY_CELL, Builder, Cell, Reader
from cocoon.chain.exotic import MERKLE_PROOF, MERKLE_UPDATE, PRUNED, ProofCell
from cocoon.chain.hashmap import _read_label, _write_label, write_hashmap
from cocoon.chain.liteserver.tl import ALL_OF_IT, MASTERCHAIN, BlockId
from cocoon.testing.chain_cells import shard_account

NETWORK_ID = -3
KEY_BITS = HASH_BYTES * 8
_SUM_BITS = 5 + 4 + 1
"""Depth and balance that dictionaries of accounts sum up; left at zero."""


def pruned(cell: Cell) -> ProofCell:
    """What stands for a cell that is cut off."""
    data = (PRUNED << 8 | 1) << 256 | int.from_bytes(cell.hash, "big")
    return ProofCell(data << 16 | cell.depth, 16 + 256 + 16, exotic=True)


def merkle_update(before: Cell, after: Cell) -> ProofCell:
    """What a block says of the state: which it was and which it is."""
    refs = [pruned(before), pruned(after)]
    raw = bytes((MERKLE_UPDATE,)) + b"".join(ref.origin for ref in refs)
    raw += b"".join(ref.depths[0].to_bytes(2, "big") for ref in refs)
    return ProofCell(int.from_bytes(raw, "big"), len(raw) * 8, refs, exotic=True)


def prune(cell: Cell, keep: frozenset[bytes]) -> ProofCell:
    """A tree in which only cells with these hashes are left."""
    if cell.hash not in keep:
        return pruned(cell)
    if isinstance(cell, ProofCell) and cell.exotic:
        return cell
    refs = [prune(ref, keep) for ref in cell.refs]
    return ProofCell(cell.data, cell.bits, refs, exotic=cell.exotic)


def merkle_proof(tree: ProofCell) -> ProofCell:
    """The cell around a pruned tree."""
    raw = bytes((MERKLE_PROOF,)) + tree.origin + tree.depths[0].to_bytes(2, "big")
    return ProofCell(int.from_bytes(raw, "big"), len(raw) * 8, [tree], exotic=True)


def bag(roots: Iterable[Cell]) -> bytes:
    """A bag of cells with several roots, proofs among them."""
    order: list[Cell] = []
    index: dict[bytes, int] = {}

    def visit(cell: Cell) -> None:
        if cell.hash not in index:
            index[cell.hash] = -1
            for ref in cell.refs:
                visit(ref)
            order.append(cell)

    tops = list(roots)
    for top in tops:
        visit(top)
    order.reverse()
    index = {cell.hash: number for number, cell in enumerate(order)}
    body = b""
    for cell in order:
        body += cell.payload()
        body += b"".join(index[ref.hash].to_bytes(2, "big") for ref in cell.refs)
    head = bytes.fromhex("b5ee9c720204") + len(order).to_bytes(2, "big")
    head += len(tops).to_bytes(2, "big") + bytes(2) + len(body).to_bytes(4, "big")
    return head + b"".join(index[top.hash].to_bytes(2, "big") for top in tops) + body


@dataclass(frozen=True, slots=True)
class ShardPart:
    """Half of the accounts.

    Args:
        block: name of the shard's block.
        header: the block.
        state: the state after it.
        accounts: root of the dictionary of accounts.
        cells: ``Account`` cells by address.
    """

    block: BlockId
    header: Cell
    state: Cell
    accounts: Cell | None
    cells: Mapping[Address, Cell]

    def proof(self, address: Address) -> bytes:
        """Proof of an account, or that there is none."""
        keep = {self.state.hash, self.state.refs[1].hash} | path(self.accounts, address.account)
        state = prune(self.state, frozenset(keep))
        return bag((merkle_proof(header_proof(self.header)), merkle_proof(state)))


@dataclass(frozen=True, slots=True)
class MadeUpState:
    """One masterchain block and what is below it.

    Args:
        block: its name.
        header: the block.
        state: the masterchain's state after it.
        shards: the two halves, by the first bit of the address.
    """

    block: BlockId
    header: Cell
    state: Cell
    shards: tuple[ShardPart, ShardPart]

    def shard(self, address: Address) -> ShardPart:
        """The half that an address is in."""
        return self.shards[address.account[0] >> 7]

    def shard_proof(self) -> bytes:
        """Proof that the shards' blocks are the newest ones."""
        extra = self.state.refs[3]
        tree = extra.refs[0].refs[0]
        keep = {self.state.hash, extra.hash, extra.refs[0].hash, extra.refs[2].hash, tree.hash}
        keep |= {leaf.hash for leaf in tree.refs}
        state = prune(self.state, frozenset(keep))
        return bag((merkle_proof(header_proof(self.header)), merkle_proof(state)))

    def header_bag(self) -> bytes:
        """Proof of the masterchain block's header."""
        return bag((merkle_proof(header_proof(self.header)),))


def header_proof(block: Cell) -> ProofCell:
    """A block of which the header is left, and the hash of the state after it."""
    info = block.refs[0]
    others = (ref.hash for ref in info.refs)
    return prune(block, frozenset((block.hash, info.hash, *others, block.refs[2].hash)))


def make_state(seqno: int, time: int, accounts: Iterable[AccountState]) -> MadeUpState:
    """A masterchain block at which the accounts are as given."""
    halves: tuple[list[AccountState], list[AccountState]] = ([], [])
    for account in accounts:
        halves[account.address.account[0] >> 7].append(account)
    shards = (_shard(0, seqno, time, halves[0]), _shard(1, seqno, time, halves[1]))
    leaves = [_description(part.block, seqno, time) for part in shards]
    tree = Builder().uint(1, 1).ref(leaves[0]).ref(leaves[1]).cell()
    known = write_hashmap({0: Builder().ref(tree).cell()}, 32)
    extra = Builder().uint(0xCC26, 16).maybe_ref(known)
    # The network's configuration, other facts and the sum of all balances: not for us.
    others = Builder().uint(0, 16 + 65 + 66 + 2).cell()
    extra.uint(0, 256).ref(Cell(1, 8)).ref(others).uint(0, 4 + 1)
    nothing = Builder().uint(0, 1 + _SUM_BITS).cell()
    state = _state(MASTERCHAIN, 0, ALL_OF_IT, seqno, time, nothing, extra.cell())
    header = _block(MASTERCHAIN, 0, ALL_OF_IT, seqno, time, state)
    block = _name(MASTERCHAIN, ALL_OF_IT, seqno, header)
    return MadeUpState(block, header, state, shards)


def _shard(side: int, seqno: int, time: int, accounts: list[AccountState]) -> ShardPart:
    shown = [state for state in accounts if state.status is not AccountStatus.NONEXISTENT]
    full = {state.address: _shard_account(state) for state in shown}
    zeros = Builder().uint(0, _SUM_BITS).cell()
    values = {
        int.from_bytes(address.account, "big"): Builder().content(zeros).content(cell).cell()
        for address, cell in full.items()
    }
    root = _write_summed(values, sorted(values), KEY_BITS, zeros) if values else None
    dictionary = Builder().maybe_ref(root).content(zeros).cell()
    prefix = (0b01 | side << 1) << 62
    state = _state(0, 1, prefix, seqno, time, dictionary, None)
    header = _block(0, 1, prefix, seqno, time, state)
    cells = {address: cell.refs[0] for address, cell in full.items()}
    return ShardPart(_name(0, prefix, seqno, header), header, state, root, cells)


def _shard_account(state: AccountState) -> Cell:
    last = (state.last_lt, state.last_hash)
    return shard_account(state.address, state.balance, code=state.code, data=state.data, last=last)


def _state(
    workchain: int,
    prefix_bits: int,
    prefix: int,
    seqno: int,
    time: int,
    accounts: Cell,
    custom: Cell | None,
) -> Cell:
    out = Builder().uint(0x9023AFE2, 32).signed(NETWORK_ID, 32)
    out.uint(0, 2).uint(prefix_bits, 6).signed(workchain, 32).uint(prefix, 64)
    out.uint(seqno, 32).uint(0, 32).uint(time, 32).uint(seqno * 10**6, 64).uint(seqno, 32)
    sums = Builder().uint(0, 128).uint(0, 5 + 5 + 1 + 1).cell()
    out.ref(EMPTY_CELL).uint(0, 1).ref(accounts).ref(sums)
    return out.maybe_ref(custom).cell()


def _block(
    workchain: int, prefix_bits: int, prefix: int, seqno: int, time: int, state: Cell
) -> Cell:
    info = Builder().uint(0x9BC7A987, 32).uint(0, 32).uint(workchain == 0, 1).uint(0, 7 + 8)
    info.uint(seqno, 32).uint(0, 32)
    info.uint(0, 2).uint(prefix_bits, 6).signed(workchain, 32).uint(prefix, 64)
    info.uint(time, 32).uint(seqno * 10**6, 64).uint(seqno * 10**6, 64).uint(0, 4 * 32)
    other_block = Builder().uint(0, 64 + 32 + 256 + 256).cell()
    if workchain == 0:
        info.ref(other_block)  # the masterchain block that it knows
    info.ref(other_block)  # the block before
    out = Builder().uint(0x11EF55AA, 32).signed(NETWORK_ID, 32).ref(info.cell())
    return out.ref(EMPTY_CELL).ref(merkle_update(EMPTY_CELL, state)).ref(Cell(1, 8)).cell()


def _name(workchain: int, prefix: int, seqno: int, header: Cell) -> BlockId:
    return BlockId(workchain, prefix, seqno, header.hash, sha256(header.hash).digest())


def _description(block: BlockId, seqno: int, time: int) -> Cell:
    out = Builder().uint(0, 1).uint(0xB, 4).uint(block.seqno, 32).uint(seqno, 32)
    out.uint(seqno * 10**6, 64).uint(seqno * 10**6, 64).raw(block.root_hash).raw(block.file_hash)
    out.uint(0, 8).uint(0, 32).uint(block.shard, 64).uint(seqno, 32).uint(time, 32)
    return out.uint(0, 1 + 5 + 5).cell()


def _write_summed(values: Mapping[int, Cell], keys: list[int], left: int, zeros: Cell) -> Cell:
    """A dictionary with sums: as ``write_hashmap``, with the sum in every node."""
    mask = (1 << left) - 1
    first, last = keys[0] & mask, keys[-1] & mask
    rest = (first ^ last).bit_length()
    out = Builder()
    _write_label(out, first >> rest, left - rest, left)
    if not rest:
        return out.content(values[keys[0]]).cell()
    bit = 1 << (rest - 1)
    for side in (0, bit):
        part = [key for key in keys if key & bit == side]
        out.ref(_write_summed(values, part, rest - 1, zeros))
    return out.content(zeros).cell()


def path(root: Cell | None, key: bytes) -> set[bytes]:
    """Hashes of the cells on the way to a key, or to where it would be."""
    visited: set[bytes] = set()
    number, left = int.from_bytes(key, "big"), len(key) * 8
    while root is not None:
        visited.add(root.hash)
        reader = Reader(root)
        length, label = _read_label(reader, left)
        left -= length
        if not left or label != (number >> left) & ((1 << length) - 1):
            break
        left -= 1
        root = root.refs[number >> left & 1]
    return visited
