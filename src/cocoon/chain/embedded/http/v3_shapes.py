"""Accounts, transactions, messages and blocks in the JSON of the v3 indexers."""

from typing import Any

from cocoon.chain.backend import AccountState, AccountStatus
from cocoon.chain.cells import Cell
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.embedded.http import phases
from cocoon.chain.embedded.http.operations import comment, operation
from cocoon.chain.embedded.http.shapes import BASECHAIN, MASTERCHAIN, b64, global_id, raw
from cocoon.chain.embedded.http.stack import boc_text
from cocoon.chain.embedded.http.v2_transactions import message_cells
from cocoon.chain.embedded.records import Block, ChainTransaction
from cocoon.chain.message import Message, MessageKind

SHARD = "8000000000000000"
STATUSES = {
    AccountStatus.NONEXISTENT: "nonexist",
    AccountStatus.UNINIT: "uninit",
    AccountStatus.ACTIVE: "active",
    AccountStatus.FROZEN: "frozen",
}


def account(state: AccountState, *, with_boc: bool) -> dict[str, Any]:
    """An account, as ``accountStates`` tells it."""
    out: dict[str, Any] = {
        "address": raw(state.address),
        "balance": str(state.balance),
        "status": STATUSES[state.status],
        "last_transaction_lt": str(state.last_lt),
        "last_transaction_hash": b64(state.last_hash),
        "frozen_hash": None if state.frozen_hash is None else b64(state.frozen_hash),
        "code_hash": None if state.code is None else b64(state.code.hash),
        "data_hash": None if state.data is None else b64(state.data.hash),
        "extra_currencies": {},
    }
    if with_boc:
        out["code_boc"] = None if state.code is None else boc_text(state.code)
        out["data_boc"] = None if state.data is None else boc_text(state.data)
    return out


def block(item: Block, chain: EmbeddedChain) -> dict[str, Any]:
    """A masterchain block."""
    return {
        "workchain": MASTERCHAIN,
        "shard": SHARD,
        "seqno": item.seqno,
        "root_hash": b64(item.hash),
        "file_hash": b64(item.hash),
        "global_id": global_id(chain),
        "gen_utime": str(item.time),
        "start_lt": str(item.start_lt),
        "end_lt": str(item.end_lt),
        "tx_count": item.transactions,
        "masterchain_block_ref": {"workchain": MASTERCHAIN, "shard": SHARD, "seqno": item.seqno},
    }


def transaction(item: ChainTransaction) -> dict[str, Any]:
    """A transaction."""
    parsed = item.parsed
    before, after = phases.read_statuses(item.cell)
    hash_before, hash_after = phases.read_update(item.cell)
    incoming, outgoing = message_cells(item.cell)
    has_input = parsed.in_message is not None and incoming is not None
    return {
        "account": raw(item.address),
        "hash": b64(item.hash),
        "lt": str(item.lt),
        "now": item.time,
        "mc_block_seqno": item.block,
        "block_ref": {"workchain": BASECHAIN, "shard": SHARD, "seqno": item.block},
        "prev_trans_hash": b64(parsed.prev_hash),
        "prev_trans_lt": str(parsed.prev_lt),
        "orig_status": before,
        "end_status": after,
        "total_fees": str(parsed.total_fees),
        "total_fees_extra_currencies": {},
        "description": phases.read_description(item.cell),
        "in_msg": _message(parsed.in_message, incoming, item) if has_input else None,
        "out_msgs": [
            _message(sent, cell, item)
            for sent, cell in zip(parsed.out_messages, outgoing, strict=True)
        ],
        "account_state_before": {"hash": b64(hash_before)},
        "account_state_after": {"hash": b64(hash_after)},
        "emulated": False,
        "finality": "finalized",
    }


def _message(item: Message | None, cell: Cell | None, at: ChainTransaction) -> dict[str, Any]:
    assert item is not None
    assert cell is not None
    internal = item.kind is MessageKind.INTERNAL
    inbound = item.kind is MessageKind.EXTERNAL_IN
    code = operation(item.body)
    init = phases.read_init(cell)
    text = comment(item.body)
    return {
        "hash": b64(item.hash),
        "source": raw(item.source),
        "destination": raw(item.dest),
        "value": str(item.value) if internal else None,
        "value_extra_currencies": {} if internal else None,
        "fwd_fee": str(item.forward_fee) if internal else None,
        "ihr_fee": "0" if internal else None,
        "created_lt": None if inbound else str(item.created_lt),
        "created_at": None if inbound else str(item.created_at),
        "opcode": None if code is None else f"0x{code:08x}",
        "ihr_disabled": True if internal else None,
        "bounce": item.bounce if internal else None,
        "bounced": item.bounced if internal else None,
        "import_fee": "0" if inbound else None,
        "in_msg_tx_hash": b64(at.hash) if item is at.parsed.in_message else None,
        "message_content": {
            "hash": b64(item.body.hash),
            "body": boc_text(item.body),
            "decoded": None if text is None else {"@type": "text_comment", "comment": text},
        },
        "init_state": None if init is None else {"hash": b64(init.hash), "body": boc_text(init)},
    }
