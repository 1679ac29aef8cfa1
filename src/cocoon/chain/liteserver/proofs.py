"""From the hash of a masterchain block to an account, each step by a Merkle proof.

1. The masterchain block's header names the hash of the masterchain's state after it.
2. That state lists, for each shard, the newest block.
3. The shard block's header names the hash of the shard's state.
4. That state holds the account and its last transaction; or it shows that there is none.
"""

from dataclasses import dataclass

from cocoon.chain.address import HASH_BYTES, Address
from cocoon.chain.boc import from_boc_roots
from cocoon.chain.cells import Cell, Reader
from cocoon.chain.exotic import MERKLE_PROOF, MERKLE_UPDATE, ProofCell
from cocoon.chain.hashmap import find_in_hashmap
from cocoon.chain.liteserver.tl import BlockId
from cocoon.chain.message import read_currencies
from cocoon.errors import DecodeError

MAX_PROOF_BYTES = 4 * 1024 * 1024
MAX_PROOF_CELLS = 64 * 1024
BASECHAIN = 0

_BLOCK = 0x11EF55AA
_BLOCK_INFO = 0x9BC7A987
_SHARD_STATE = 0x9023AFE2
_MASTERCHAIN_EXTRA = 0xCC26
_SHARD_DESCRIPTIONS = (0xA, 0xB)
_WORKCHAIN_BITS = 32


@dataclass(frozen=True, slots=True)
class Header:
    """What a block says of itself.

    Args:
        network_id: number of the network.
        seqno: its number.
        time: Unix seconds.
    """

    network_id: int
    seqno: int
    time: int


@dataclass(frozen=True, slots=True)
class ProvenAccount:
    """An account in a shard's state.

    Args:
        cell_hash: hash of its ``Account`` cell; None if there is no such account.
        last_lt: logical time of its last transaction.
        last_hash: hash of that transaction.
        time: Unix seconds of the shard's block.
    """

    cell_hash: bytes | None
    last_lt: int
    last_hash: bytes
    time: int


def read_header(proof: bytes, block: BlockId) -> Header:
    """Read the header of a block that is known by hash.

    Raises:
        DecodeError: the proof is malformed or of another block.
    """
    root = _proofs(proof, 1)[0]
    _check(root, block.root_hash, "block")
    read = Reader(root)
    if read.uint(32) != _BLOCK:
        raise DecodeError("not a block")
    network_id = read.signed(32)
    info = Reader(read.ref())
    if info.uint(32) != _BLOCK_INFO:
        raise DecodeError("not the header of a block")
    info.uint(32 + 8 + 8)  # version and flags
    seqno = info.uint(32)
    info.uint(32)
    workchain, _ = _read_shard(info)
    if (seqno, workchain) != (block.seqno, block.workchain):
        raise DecodeError("block is not the one that it should be")
    return Header(network_id, seqno, info.uint(32))


def check_shard(proof: bytes, masterchain: BlockId, shard: BlockId, address: Address) -> None:
    """Check that a masterchain block knows a shard block as the newest one of an address.

    Raises:
        DecodeError: the proof is malformed, or shows another block.
    """
    state = _state_after(proof, masterchain)
    read = Reader(state)
    _read_state_head(read)
    read.ref()  # queue of messages
    read.uint(1)
    read.ref()  # accounts
    read.ref()  # sums
    custom = read.maybe_ref()
    if custom is None:
        raise DecodeError("state is not the masterchain's")
    extra = Reader(custom)
    if extra.uint(16) != _MASTERCHAIN_EXTRA:
        raise DecodeError("state is not the masterchain's")
    workchain = find_in_hashmap(extra.maybe_ref(), BASECHAIN, _WORKCHAIN_BITS)
    if workchain is None:
        raise DecodeError("masterchain knows no basechain")
    leaf = _find_shard(workchain.ref(), address)
    if leaf.uint(4) not in _SHARD_DESCRIPTIONS:
        raise DecodeError("unknown description of a shard")
    seqno = leaf.uint(32)
    leaf.uint(32 + 64 + 64)
    known = (seqno, leaf.raw(HASH_BYTES), leaf.raw(HASH_BYTES))
    if known != (shard.seqno, shard.root_hash, shard.file_hash):
        raise DecodeError("shard block is not the one that the masterchain knows")


def prove_account(proof: bytes, shard: BlockId, address: Address) -> ProvenAccount:
    """Find an account, or that there is none, in the state after a shard block.

    Raises:
        DecodeError: the proof is malformed, or does not show the account's place.
    """
    state = _state_after(proof, shard)
    read = Reader(state)
    time = _read_state_head(read)
    read.ref()  # queue of messages
    read.uint(1)
    accounts = Reader(read.ref())
    place = find_in_hashmap(
        accounts.maybe_ref(), int.from_bytes(address.account, "big"), HASH_BYTES * 8
    )
    if place is None:
        return ProvenAccount(None, 0, bytes(HASH_BYTES), time)
    place.uint(5)  # depth and balance, which the dictionary sums up
    read_currencies(place)
    account, last_hash, last_lt = place.ref(), place.raw(HASH_BYTES), place.uint(64)
    assert isinstance(account, ProofCell)  # as all cells of the tree
    return ProvenAccount(account.origin, last_lt, last_hash, time)


def _proofs(proof: bytes, roots: int) -> list[ProofCell]:
    """The trees inside a bag of so many Merkle proofs."""
    found = from_boc_roots(
        proof, max_bytes=MAX_PROOF_BYTES, max_cells=MAX_PROOF_CELLS, max_roots=roots, proofs=True
    )
    if len(found) != roots:
        raise DecodeError(f"{roots} proofs expected, not {len(found)}")
    trees = [
        cell.refs[0]
        for cell in found
        if isinstance(cell, ProofCell) and cell.kind == MERKLE_PROOF and not cell.mask
    ]
    if len(trees) != roots:
        raise DecodeError("not a Merkle proof")
    return trees


def _state_after(proof: bytes, block: BlockId) -> ProofCell:
    """The state that a block leads to."""
    header, state = _proofs(proof, 2)
    _check(header, block.root_hash, "block")
    read = Reader(header)
    if read.uint(32) != _BLOCK:
        raise DecodeError("not a block")
    read.ref()
    read.ref()
    update = read.ref()
    if not isinstance(update, ProofCell) or update.kind != MERKLE_UPDATE:
        raise DecodeError("block does not say what state it leads to")
    _check(state, update.refs[1].origin, "state")
    return state


def _check(cell: ProofCell, expected: bytes, what: str) -> None:
    if cell.origin != expected:
        raise DecodeError(f"proof is of another {what}")


def _read_state_head(read: Reader) -> int:
    """The part of a shard's state before its references; returns its time."""
    if read.uint(32) != _SHARD_STATE:
        raise DecodeError("not the state of a shard")
    read.uint(32)
    _read_shard(read)
    read.uint(32 + 32)
    time = read.uint(32)
    read.uint(64 + 32)
    return time


def _read_shard(read: Reader) -> tuple[int, int]:
    """Workchain and prefix of a shard."""
    if read.uint(2):
        raise DecodeError("not the name of a shard")
    read.uint(6)
    return read.signed(32), read.uint(64)


def _find_shard(tree: Cell, address: Address) -> Reader:
    """Follow the address's bits through the tree of shards."""
    key = int.from_bytes(address.account, "big")
    read = Reader(tree)
    for position in range(HASH_BYTES * 8 - 1, -1, -1):
        if not read.uint(1):
            return read
        left, right = read.ref(), read.ref()
        read = Reader(right if key >> position & 1 else left)
    raise DecodeError("tree of shards has no end")
