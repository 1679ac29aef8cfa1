"""The v3 calls that wallets and Cocoon's own client use."""

from collections.abc import Callable
from typing import Any

from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.embedded.http import stack, v2_accounts, v2_messages, v3_shapes
from cocoon.chain.embedded.http.arguments import MAX_LT, Arguments
from cocoon.chain.embedded.http.refusal import RefusedCallError
from cocoon.chain.embedded.http.shapes import b64
from cocoon.chain.embedded.http.v2_blocks import MAX_SEQNO
from cocoon.chain.embedded.records import ChainTransaction

MAX_ACCOUNTS = 100
MAX_LIMIT = 1000
DEFAULT_LIMIT = 10
MAX_OFFSET = 10_000
"""Transactions that may be skipped."""
_PAGE = 100


def account_states(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``accountStates``."""
    with_boc = args.flag("include_boc", True)
    states = [chain.account(address) for address in args.addresses("address", MAX_ACCOUNTS)]
    accounts = [v3_shapes.account(state, with_boc=with_boc) for state in states]
    return {"accounts": accounts, "address_book": {}, "metadata": {}}


def address_information(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``addressInformation``."""
    known = v2_accounts.address_information(chain, args)
    return {
        "balance": known["balance"],
        "code": known["code"] or None,
        "data": known["data"] or None,
        "frozen_hash": known["frozen_hash"] or None,
        "last_transaction_hash": known["last_transaction_id"]["hash"],
        "last_transaction_lt": known["last_transaction_id"]["lt"],
        "status": v3_shapes.STATUSES[chain.account(args.address()).status],
    }


def masterchain_info(chain: EmbeddedChain, _args: Arguments) -> dict[str, Any]:
    """``masterchainInfo``."""
    head = chain.head()
    first = chain.block(1) or head
    return {"first": v3_shapes.block(first, chain), "last": v3_shapes.block(head, chain)}


def transactions(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``transactions`` of an account, of a block, or by hash; newest first unless ``sort=asc``."""
    limit = args.integer("limit", DEFAULT_LIMIT, low=1, high=MAX_LIMIT)
    offset = args.integer("offset", 0, low=0, high=MAX_OFFSET)
    sort = args.text("sort", "desc").lower()
    if sort not in ("asc", "desc"):
        raise RefusedCallError("argument 'sort' must be asc or desc")
    if sort == "asc":
        found = _select(chain, args, MAX_OFFSET)[::-1]
    else:
        found = _select(chain, args, offset + limit)
    return _answer(found[offset : offset + limit])


def transactions_by_message(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``transactionsByMessage``: what a message caused."""
    found = chain.transaction_by_message(args.hash("msg_hash"))
    return _answer([] if found is None else [found])


def send_message(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``message``."""
    sent = v2_messages.message(args)
    chain.send(sent)
    return {"message_hash": b64(sent.hash), "message_hash_norm": b64(sent.hash)}


def run_get_method(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``runGetMethod``."""
    gas, code, values = v2_messages.run(chain, args)
    return {"gas_used": gas, "exit_code": code, "stack": stack.typed(values)}


def _answer(found: list[ChainTransaction]) -> dict[str, Any]:
    return {"transactions": [v3_shapes.transaction(item) for item in found], "address_book": {}}


def _select(chain: EmbeddedChain, args: Arguments, most: int) -> list[ChainTransaction]:
    """Transactions that the arguments name, newest first."""
    low = args.integer("start_lt", 0, low=0, high=MAX_LT)
    high = args.integer("end_lt", MAX_LT - 1, low=0, high=MAX_LT - 1)
    if args.has("hash"):
        one = chain.transaction_by_hash(args.hash("hash"))
        found = [] if one is None else [one]
    elif args.has("mc_seqno") or args.has("seqno"):
        name = "mc_seqno" if args.has("mc_seqno") else "seqno"
        found = chain.block_transactions(args.integer(name, low=0, high=MAX_SEQNO))[::-1]
    elif args.has("lt"):
        low = high = args.integer("lt", low=0, high=MAX_LT - 1)
        found = _history(chain, args, low, high, most)
    else:
        found = _history(chain, args, low, high, most)
    return [item for item in found if low <= item.lt <= high][:most]


def _history(
    chain: EmbeddedChain, args: Arguments, low: int, high: int, most: int
) -> list[ChainTransaction]:
    address = args.address("account") if args.has("account") else None
    found: list[ChainTransaction] = []
    before = high + 1
    while len(found) < most:
        if address is None:
            page = chain.recent_transactions(limit=_PAGE, before=before)
        else:
            page = chain.transactions(address, limit=_PAGE, before=before)
        found += page
        if len(page) < _PAGE or page[-1].lt < low:
            break
        before = page[-1].lt
    return found


METHODS: dict[str, Callable[[EmbeddedChain, Arguments], Any]] = {
    "accountStates": account_states,
    "addressInformation": address_information,
    "masterchainInfo": masterchain_info,
    "transactions": transactions,
    "transactionsByMessage": transactions_by_message,
    "message": send_message,
    "runGetMethod": run_get_method,
}
