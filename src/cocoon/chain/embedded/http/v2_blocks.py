"""Blocks in the JSON of the v2 indexers.

Every block stands for a masterchain block and the one shard's block with the same number at once.
"""

from typing import Any

from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.embedded.http.arguments import MAX_LT, Arguments
from cocoon.chain.embedded.http.refusal import RefusedCallError
from cocoon.chain.embedded.http.shapes import (
    BASECHAIN,
    MASTERCHAIN,
    SHARD,
    b64,
    block_id,
    global_id,
    zero_block_id,
)
from cocoon.chain.embedded.http.v2_transactions import transaction
from cocoon.chain.embedded.records import Block, ChainTransaction

MAX_SEQNO = (1 << 31) - 1
MAX_TIME = (1 << 32) - 1
MAX_COUNT = 256
DEFAULT_COUNT = 40
_SHARDS = (SHARD, str(1 << 63), "8000000000000000")


def masterchain_info(chain: EmbeddedChain, _args: Arguments) -> dict[str, Any]:
    """``getMasterchainInfo``."""
    head = chain.head()
    return {
        "@type": "blocks.masterchainInfo",
        "last": block_id(head),
        "state_root_hash": b64(head.hash),
        "init": zero_block_id(chain),
    }


def consensus_block(chain: EmbeddedChain, _args: Arguments) -> dict[str, Any]:
    """``getConsensusBlock``: every block is final at once."""
    head = chain.head()
    return {"@type": "ext.blocks.consensusBlock", "consensus_block": head.seqno} | {
        "timestamp": head.time
    }


def shards(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``shards``, also called ``getShards``."""
    block = _block(chain, args.integer("seqno", low=0, high=MAX_SEQNO))
    return {"@type": "blocks.shards", "shards": [block_id(block, BASECHAIN)]}


def block_header(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``getBlockHeader``."""
    workchain = _workchain(args)
    block = _block(chain, args.integer("seqno", low=0, high=MAX_SEQNO))
    before = chain.block(block.seqno - 1)
    return {
        "@type": "blocks.header",
        "id": block_id(block, workchain),
        "global_id": global_id(chain),
        "version": 0,
        "after_merge": False,
        "after_split": False,
        "before_split": False,
        "want_merge": False,
        "want_split": False,
        "validator_list_hash_short": 0,
        "catchain_seqno": 0,
        "min_ref_mc_seqno": max(0, block.seqno - 1),
        "is_key_block": False,
        "prev_key_block_seqno": 0,
        "start_lt": str(block.start_lt),
        "end_lt": str(block.end_lt),
        "gen_utime": block.time,
        "prev_blocks": [] if before is None else [block_id(before, workchain)],
    }


def lookup_block(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``lookupBlock`` by number, or the first that ends at or after a logical or real time."""
    workchain = _workchain(args)
    if args.has("seqno"):
        seqno = args.integer("seqno", low=0, high=MAX_SEQNO)
        return block_id(_block(chain, seqno), workchain)
    if args.has("lt"):
        lt = args.integer("lt", low=0, high=MAX_LT)
        return block_id(_first(chain, lambda block: block.end_lt >= lt), workchain)
    time = args.integer("unixtime", low=0, high=MAX_TIME)
    return block_id(_first(chain, lambda block: block.time >= time), workchain)


def block_transactions(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``getBlockTransactions``: names only."""
    block, count, page, more = _page(chain, args)
    names = [
        {
            "@type": "blocks.shortTxId",
            "mode": 135,
            "account": item.address.raw(),
            "lt": str(item.lt),
            "hash": b64(item.hash),
        }
        for item in page
    ]
    return _list("blocks.transactions", block, count, more) | {"transactions": names}


def block_transactions_ext(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``getBlockTransactionsExt``: whole transactions."""
    block, count, page, more = _page(chain, args)
    found = [transaction(item) for item in page]
    return _list("blocks.transactionsExt", block, count, more) | {"transactions": found}


def _list(kind: str, block: dict[str, Any], count: int, more: bool) -> dict[str, Any]:
    return {"@type": kind, "id": block, "req_count": count, "incomplete": more}


def _page(
    chain: EmbeddedChain, args: Arguments
) -> tuple[dict[str, Any], int, list[ChainTransaction], bool]:
    """Name of the block, number of transactions asked for, those, and whether there are more."""
    workchain = _workchain(args)
    block = _block(chain, args.integer("seqno", low=0, high=MAX_SEQNO))
    count = args.integer("count", DEFAULT_COUNT, low=1, high=MAX_COUNT)
    after = args.integer("after_lt", 0, low=0, high=MAX_LT)
    inside = chain.block_transactions(block.seqno) if workchain == BASECHAIN else []
    left = [item for item in inside if item.lt > after]
    return block_id(block, workchain), count, left[:count], len(left) > count


def _workchain(args: Arguments) -> int:
    workchain = args.integer("workchain", low=MASTERCHAIN, high=BASECHAIN)
    if args.has("shard") and str(args.raw("shard")) not in _SHARDS:
        raise RefusedCallError(f"there is one shard only, {SHARD}", 404)
    return workchain


def _block(chain: EmbeddedChain, seqno: int) -> Block:
    block = chain.block(seqno)
    if block is None:
        raise RefusedCallError(f"there is no block {seqno}", 404)
    return block


def _first(chain: EmbeddedChain, reached: Any) -> Block:
    """The first block for which ``reached`` holds; it holds for all that follow."""
    low, high = 1, chain.head().seqno
    found = None
    while low <= high:
        middle = (low + high) // 2
        block = chain.block(middle)
        if block is not None and reached(block):
            found, high = block, middle - 1
        else:
            low = middle + 1
    if found is None:
        raise RefusedCallError("there is no such block yet", 404)
    return found
