"""Sending messages, running get-methods, and finding transactions, as the v2 indexers do."""

from typing import Any

from cocoon.chain.cells import Builder, Cell
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.embedded.execution import check_external
from cocoon.chain.embedded.http import phases, stack
from cocoon.chain.embedded.http.arguments import MAX_LT, Arguments
from cocoon.chain.embedded.http.refusal import RefusedCallError
from cocoon.chain.embedded.http.shapes import b64, block_id, transaction_id
from cocoon.chain.embedded.http.v2_transactions import transaction
from cocoon.chain.embedded.records import ChainTransaction
from cocoon.chain.message import Message, external_in
from cocoon.errors import ContractError, MessageRejectedError

MAX_TRANSACTIONS = 100
DEFAULT_TRANSACTIONS = 10
NO_CONTRACT = -13
"""Exit code of the public indexers for a get-method where no contract is."""
MAX_LIBRARIES = 32


def message(args: Arguments) -> Cell:
    """The external message in ``boc``.

    Raises:
        RefusedCallError: it is none; whether its contract accepts it is another question.
    """
    cell = args.cell("boc")
    try:
        check_external(cell)
    except MessageRejectedError as error:
        raise RefusedCallError(str(error)) from None
    return cell


def send_boc(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``sendBoc``."""
    chain.send(message(args))
    return {"@type": "ok"}


def send_boc_return_hash(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``sendBocReturnHash``."""
    sent = message(args)
    chain.send(sent)
    return {"@type": "raw.extMessageInfo", "hash": b64(sent.hash)} | {"hash_norm": b64(sent.hash)}


def send_query(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``sendQuery``."""
    chain.send(_external(args))
    return {"@type": "ok"}


def estimate_fee(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``estimateFee``: runs the message without storing anything."""
    found = chain.estimate(_external(args), ignore_signature=args.flag("ignore_chksig", True))
    description = phases.read_description(found.cell)
    storage = phases.storage_fee(description)
    gas = int(description.get("compute_ph", {}).get("gas_fees", 0))
    action = description.get("action", {})
    forward = int(action.get("total_fwd_fees", 0))
    # What a message costs to come in is what is left of the total.
    kept = int(action.get("total_action_fees", 0))
    incoming = found.parsed.total_fees - storage - gas - kept
    fees = {"in_fwd_fee": incoming, "storage_fee": storage, "gas_fee": gas, "fwd_fee": forward}
    return {
        "@type": "query.fees",
        "source_fees": {"@type": "fees"} | fees,
        "destination_fees": [],
    }


def _external(args: Arguments) -> Cell:
    code, data = args.maybe_cell("init_code"), args.maybe_cell("init_data")
    init = None
    if code is not None or data is not None:
        init = Builder().uint(0, 2).maybe_ref(code).maybe_ref(data).uint(0, 1).cell()
    return external_in(args.address(), args.cell("body"), init)


def run_get_method(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``runGetMethod``: a failing method is an answer too."""
    gas, code, result = run(chain, args)
    return _run_result(chain, args, gas, code) | {"stack": stack.pairs(result)}


def run_get_method_std(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``runGetMethodStd``."""
    gas, code, result = run(chain, args)
    return _run_result(chain, args, gas, code) | {"stack": stack.entries(result)}


def run(chain: EmbeddedChain, args: Arguments) -> tuple[int, int, tuple[Any, ...]]:
    """Gas used, exit code and stack of a get-method.

    Raises:
        RefusedCallError: an argument is wrong.
    """
    values = stack.read_stack(args.raw("stack"))
    try:
        result = chain.run(args.address(), args.method(), values)
    except ContractError as error:
        code = error.contract_exit_code
        return 0, NO_CONTRACT if code is None else code, ()
    return result.gas_used, 0, result.stack


def _run_result(chain: EmbeddedChain, args: Arguments, gas: int, code: int) -> dict[str, Any]:
    state = chain.account(args.address())
    return {
        "@type": "smc.runResult",
        "gas_used": gas,
        "exit_code": code,
        "block_id": block_id(chain.head()),
        "last_transaction_id": transaction_id(state.last_lt, state.last_hash),
    }


def get_transactions(chain: EmbeddedChain, args: Arguments) -> list[dict[str, Any]]:
    """``getTransactions``."""
    return [transaction(item) for item in _history(chain, args)]


def get_transactions_std(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``getTransactionsStd``."""
    found = _history(chain, args)
    last = found[-1].parsed if found else None
    before = (last.prev_lt, last.prev_hash) if last is not None else (0, bytes(32))
    return {
        "@type": "raw.transactions",
        "transactions": [transaction(item, std=True) for item in found],
        "previous_transaction_id": transaction_id(*before),
    }


def _history(chain: EmbeddedChain, args: Arguments) -> list[ChainTransaction]:
    address = args.address()
    limit = args.integer("limit", DEFAULT_TRANSACTIONS, low=1, high=MAX_TRANSACTIONS)
    until = args.integer("to_lt", 0, low=0, high=MAX_LT)
    if not args.has("lt"):
        found = chain.transactions(address, limit=limit)
        return [item for item in found if item.lt > until]
    first = args.integer("lt", low=0, high=MAX_LT)
    found = chain.transactions(address, limit=limit, before=first + 1)
    wrong_hash = args.has("hash") and found and found[0].hash != args.hash("hash")
    if not found or found[0].lt != first or wrong_hash:
        raise RefusedCallError("cannot locate transaction with the given lt and hash", 404)
    return [item for item in found if item.lt > until]


def locate_result(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``tryLocateTx``, ``tryLocateResultTx``: what a message caused."""
    _, sent = _source(chain, args)
    found = chain.transaction_by_message(sent.hash)
    if found is None:
        raise RefusedCallError("the message was not executed yet", 404)
    return transaction(found)


def locate_source(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``tryLocateSourceTx``: where a message came from."""
    return transaction(_source(chain, args)[0])


def _source(chain: EmbeddedChain, args: Arguments) -> tuple[ChainTransaction, Message]:
    """The transaction that sent a message, and the message."""
    source, dest = args.address("source"), args.address("destination")
    created = args.integer("created_lt", low=0, high=MAX_LT)
    # Messages have the logical times right after their transaction's.
    for item in chain.transactions(source, limit=1, before=max(1, created)):
        for sent in item.parsed.out_messages:
            if sent.dest == dest and sent.created_lt == created:
                return item, sent
    raise RefusedCallError("message not found", 404)


def get_libraries(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``getLibraries``: those that are published, of the ones asked for."""
    found = [(digest, chain.library(digest)) for digest in args.hashes("libraries", MAX_LIBRARIES)]
    entries = [
        {"@type": "smc.libraryEntry", "hash": b64(digest), "data": stack.boc_text(cell)}
        for digest, cell in found
        if cell is not None
    ]
    return {"@type": "smc.libraryResult", "result": entries}
