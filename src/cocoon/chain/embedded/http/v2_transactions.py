"""Transactions and messages in the JSON of the v2 indexers."""

from typing import Any

from cocoon.chain.cells import Cell, Reader
from cocoon.chain.embedded.http import phases
from cocoon.chain.embedded.http.operations import comment
from cocoon.chain.embedded.http.shapes import b64, friendly, transaction_id
from cocoon.chain.embedded.http.stack import boc_text
from cocoon.chain.embedded.records import ChainTransaction
from cocoon.chain.hashmap import read_hashmap
from cocoon.chain.message import Message
from cocoon.chain.transaction import MAX_OUT_MESSAGES


def transaction(item: ChainTransaction, *, std: bool = False) -> dict[str, Any]:
    """A transaction, as ``getTransactions`` or as ``getTransactionsStd`` tells it."""
    parsed = item.parsed
    storage_fee = phases.storage_fee(phases.read_description(item.cell))
    incoming, outgoing = message_cells(item.cell)
    out: dict[str, Any] = {
        "@type": "raw.transaction",
        "address": {"@type": "accountAddress", "account_address": friendly(item.address)},
        "account": item.address.raw(),
        "utime": item.time,
        "data": b64(item.boc),
        "transaction_id": transaction_id(item.lt, item.hash),
        "fee": str(parsed.total_fees),
        "storage_fee": str(storage_fee),
        "other_fee": str(parsed.total_fees - storage_fee),
    }
    if parsed.in_message is not None and incoming is not None:
        out["in_msg"] = message(parsed.in_message, incoming, std=std)
    out["out_msgs"] = [
        message(sent, cell, std=std)
        for sent, cell in zip(parsed.out_messages, outgoing, strict=True)
    ]
    return out


def message(item: Message, cell: Cell, *, std: bool = False) -> dict[str, Any]:
    """A message of a transaction."""
    source, dest = friendly(item.source), friendly(item.dest)
    text = comment(item.body)
    return {
        "@type": "raw.message",
        "hash": b64(item.hash),
        "source": _account(source) if std else source,
        "destination": _account(dest) if std else dest,
        "value": str(item.value),
        "extra_currencies": [],
        "fwd_fee": str(item.forward_fee),
        "ihr_fee": "0",
        "created_lt": str(item.created_lt),
        "body_hash": b64(item.body.hash),
        "msg_data": _content(item.body, text, cell),
    } | ({} if std else {"message": b64(_data(item.body)) + "\n" if text is None else text})


def message_cells(cell: Cell) -> tuple[Cell | None, list[Cell]]:
    """The messages of a transaction as they travel: the incoming one, and those it sent."""
    read = Reader(cell.refs[0])
    incoming, outgoing = read.maybe_ref(), read.maybe_ref()
    sent = read_hashmap(outgoing, 15, Reader.ref, max_entries=MAX_OUT_MESSAGES)
    return incoming, list(sent.values())


def _account(text: str) -> dict[str, str]:
    return {"@type": "accountAddress", "account_address": text}


def _content(body: Cell, text: str | None, cell: Cell) -> dict[str, str]:
    if text is not None:
        return {"@type": "msg.dataText", "text": b64(text.encode())}
    init = phases.read_init(cell)
    return {
        "@type": "msg.dataRaw",
        "body": boc_text(body),
        "init_state": "" if init is None else boc_text(init),
    }


def _data(body: Cell) -> bytes:
    """The bits of a body without its references."""
    size = (body.bits + 7) // 8
    return (body.data << (size * 8 - body.bits)).to_bytes(size, "big")
