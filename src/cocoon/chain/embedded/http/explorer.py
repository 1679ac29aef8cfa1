"""The listing for people and explorers: transactions, blocks and accounts as plain JSON.

Amounts are integers in nanoTON, hashes and operations hex, addresses raw.
"""

from typing import Any

from cocoon.chain.address import Address
from cocoon.chain.backend import AccountState
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.embedded.http import operations, phases
from cocoon.chain.embedded.http.arguments import MAX_LT, Arguments, read_address, read_hash
from cocoon.chain.embedded.http.refusal import RefusedCallError
from cocoon.chain.embedded.http.v2_blocks import MAX_SEQNO
from cocoon.chain.embedded.http.v3_shapes import STATUSES
from cocoon.chain.embedded.records import Block, ChainTransaction
from cocoon.chain.message import Message
from cocoon.chain.transaction import Transaction

MAX_LIMIT = 100
DEFAULT_LIMIT = 20
RECEIVED = "received"
"""Outcome where coins arrive at an address without a contract: nothing ran, nothing failed."""


def transactions(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """Newest first, of all accounts or of one; ``next`` continues as ``before``."""
    limit = args.integer("limit", DEFAULT_LIMIT, low=1, high=MAX_LIMIT)
    before = args.integer("before", MAX_LT, low=0, high=MAX_LT)
    if args.has("account"):
        found = chain.transactions(args.address("account"), limit=limit, before=before)
    else:
        found = chain.recent_transactions(limit=limit, before=before)
    more = found[-1].lt if len(found) == limit else None
    return {"transactions": [brief(item) for item in found], "next": more}


def blocks(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """Newest first; ``next`` continues as ``before``."""
    limit = args.integer("limit", DEFAULT_LIMIT, low=1, high=MAX_LIMIT)
    before = args.integer("before", MAX_SEQNO, low=0, high=MAX_SEQNO)
    found = chain.blocks(limit=limit, before=before)
    more = found[-1].seqno if len(found) == limit else None
    return {"blocks": [block_value(block) for block in found], "next": more}


def one_block(chain: EmbeddedChain, text: str) -> dict[str, Any]:
    """A block with its transactions."""
    seqno = Arguments({"block": text}).integer("block", low=0, high=MAX_SEQNO)
    block = chain.block(seqno)
    if block is None:
        raise RefusedCallError(f"there is no block {seqno}", 404)
    inside = chain.block_transactions(seqno)
    return block_value(block) | {"list": [brief(item) for item in inside]}


def one_transaction(chain: EmbeddedChain, text: str) -> dict[str, Any]:
    """A transaction by its hash, or by the hash of the message that caused it."""
    digest = read_hash(text)
    found = chain.transaction_by_hash(digest) or chain.transaction_by_message(digest)
    if found is None:
        raise RefusedCallError("there is no such transaction", 404)
    return full(chain, found)


def one_account(chain: EmbeddedChain, text: str) -> dict[str, Any]:
    """An account with its newest transactions."""
    address = read_address(text)
    found = chain.transactions(address, limit=DEFAULT_LIMIT)
    return account_value(chain.account(address)) | {
        "friendly": address.friendly(testnet=chain.testnet),
        "transactions": [brief(item) for item in found],
    }


def accounts(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """Accounts with their balances, the most recently active first."""
    limit = args.integer("limit", DEFAULT_LIMIT, low=1, high=MAX_LIMIT)
    return {"accounts": [account_value(state) for state in chain.accounts(limit=limit)]}


def account_value(state: AccountState) -> dict[str, Any]:
    """An account as JSON."""
    return {
        "address": state.address.raw(),
        "status": STATUSES[state.status],
        "balance": state.balance,
        "code_hash": None if state.code is None else state.code.hash.hex(),
        "last_lt": state.last_lt,
        "last_hash": state.last_hash.hex(),
        "due_payment": state.due_payment,
    }


def block_value(block: Block) -> dict[str, Any]:
    """A block as JSON."""
    return {
        "seqno": block.seqno,
        "time": block.time,
        "hash": block.hash.hex(),
        "start_lt": block.start_lt,
        "end_lt": block.end_lt,
        "transactions": block.transactions,
    }


def brief(item: ChainTransaction) -> dict[str, Any]:
    """A line of a list."""
    parsed = item.parsed
    incoming = parsed.in_message
    return {
        "hash": item.hash.hex(),
        "account": item.address.raw(),
        "lt": item.lt,
        "time": item.time,
        "block": item.block,
        "success": parsed.success,
        "outcome": outcome(parsed),
        "exit_code": item.exit_code,
        "from": None if incoming is None else _raw(incoming.source),
        "kind": None if incoming is None else incoming.kind.value,
        "value": 0 if incoming is None else incoming.value,
        "operation": None if incoming is None else _operation(incoming),
        "comment": None if incoming is None else operations.comment(incoming.body),
        "fees": parsed.total_fees,
        "forward_fee": 0 if incoming is None else incoming.forward_fee,
        "out_messages": len(parsed.out_messages),
    }


def full(chain: EmbeddedChain, item: ChainTransaction) -> dict[str, Any]:
    """A transaction with its phases, fees and messages."""
    parsed = item.parsed
    before, after = phases.read_statuses(item.cell)
    return brief(item) | {
        "status_before": before,
        "status_after": after,
        "previous": {"lt": parsed.prev_lt, "hash": parsed.prev_hash.hex()},
        "phases": phases.read_description(item.cell),
        "in_message": None if parsed.in_message is None else message_value(parsed.in_message),
        "out_messages": [_sent(chain, sent) for sent in parsed.out_messages],
    }


def message_value(item: Message) -> dict[str, Any]:
    """A message as JSON, with what Cocoon's parsers make of its body."""
    code = operations.operation(item.body)
    return {
        "hash": item.hash.hex(),
        "kind": item.kind.value,
        "source": _raw(item.source),
        "destination": _raw(item.dest),
        "value": item.value,
        "forward_fee": item.forward_fee,
        "bounce": item.bounce,
        "bounced": item.bounced,
        "created_lt": item.created_lt,
        "deploys": item.has_init,
        "operation": None if code is None else f"0x{code:08x}",
        "name": operations.operation_name(item.body),
        "comment": operations.comment(item.body),
        "decoded": operations.decoded(item),
        "body_hash": item.body.hash.hex(),
    }


def _sent(chain: EmbeddedChain, item: Message) -> dict[str, Any]:
    caused = chain.transaction_by_message(item.hash)
    return message_value(item) | {"transaction": None if caused is None else caused.hash.hex()}


def outcome(parsed: Transaction) -> str:
    """What became of a transaction, in a few words."""
    compute = parsed.compute
    if parsed.success:
        return "ok"
    if compute is None:
        reason = "not run"
    elif compute.skipped == "no state" and not parsed.bounced:
        return RECEIVED
    elif compute.skipped is not None:
        reason = compute.skipped
    elif not compute.success:
        reason = f"exit code {compute.exit_code}"
    else:
        reason = f"action failed, code {parsed.action_code}"
    return f"{reason}, bounced" if parsed.bounced else reason


def _operation(item: Message) -> str | None:
    name = operations.operation_name(item.body)
    if item.bounced:
        return "bounce"
    code = operations.operation(item.body)
    return name or (None if code is None else f"0x{code:08x}")


def _raw(address: Address | None) -> str | None:
    return None if address is None else address.raw()
