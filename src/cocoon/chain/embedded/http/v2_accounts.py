"""Accounts and addresses in the JSON of the v2 indexers."""

from typing import Any

from cocoon.chain.address import Address, parse_with_flags
from cocoon.chain.backend import AccountState, AccountStatus
from cocoon.chain.cells import Cell
from cocoon.chain.embedded.chain import EmbeddedChain
from cocoon.chain.embedded.http.arguments import Arguments
from cocoon.chain.embedded.http.refusal import RefusedCallError
from cocoon.chain.embedded.http.shapes import b64, block_id, friendly, transaction_id
from cocoon.chain.embedded.http.stack import boc_text
from cocoon.errors import ContractError, DecodeError

STATES = {
    AccountStatus.NONEXISTENT: "uninitialized",
    AccountStatus.UNINIT: "uninitialized",
    AccountStatus.ACTIVE: "active",
    AccountStatus.FROZEN: "frozen",
}
WALLETS = {
    "b61041a58a7980b946e8fb9e198e3c904d24799ffa36574ea4251c41a566f581": "wallet v3 r1",
    "84dafa449f98a6987789ba232358072bc0f76dc4524002a5d0918b9a75d2d599": "wallet v3 r2",
    "64dd54805522c5be8a9db59cea0105ccf0d08786ca79beb8cb79e880a8d7322d": "wallet v4 r1",
    "feb5ff6820e2ff0d9483e7e0d62c817d846789fb4ae580c878866d959dabd5c0": "wallet v4 r2",
    "20834b7b72b112147e1b2fb457b84e74d1a30f04f737d4f62a668e9552d2b72f": "wallet v5 r1",
}
"""Names of wallets by the hash of their code."""


def address_information(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``getAddressInformation``."""
    head = chain.head()
    state = chain.account(args.address())
    return {
        "@type": "raw.fullAccountState",
        "balance": str(state.balance),
        "extra_currencies": [],
        "code": _boc(state.code),
        "data": _boc(state.data),
        "last_transaction_id": transaction_id(state.last_lt, state.last_hash),
        "block_id": block_id(head),
        "frozen_hash": _frozen(state),
        "sync_utime": head.time,
        "state": STATES[state.status],
    }


def extended_address_information(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``getExtendedAddressInformation``."""
    head = chain.head()
    state = chain.account(args.address())
    if state.status is AccountStatus.ACTIVE:
        kind = "raw.accountState"
        content = {"code": _boc(state.code), "data": _boc(state.data), "frozen_hash": ""}
    else:
        kind, content = "uninited.accountState", {"frozen_hash": _frozen(state)}
    return {
        "@type": "fullAccountState",
        "address": {"@type": "accountAddress", "account_address": friendly(state.address)},
        "balance": str(state.balance),
        "extra_currencies": [],
        "last_transaction_id": transaction_id(state.last_lt, state.last_hash),
        "block_id": block_id(head),
        "sync_utime": head.time,
        "account_state": {"@type": kind} | content,
        "revision": 0,
    }


def wallet_information(chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``getWalletInformation``."""
    state = chain.account(args.address())
    name = None if state.code is None else WALLETS.get(state.code.hash.hex())
    out: dict[str, Any] = {
        "@type": "ext.accounts.walletInformation",
        "wallet": name is not None,
        "balance": str(state.balance),
        "extra_currencies": [],
        "account_state": STATES[state.status],
        "last_transaction_id": transaction_id(state.last_lt, state.last_hash),
    }
    if name is not None:
        out["wallet_type"] = name
        out |= _wallet_numbers(chain, state.address)
    return out


def _wallet_numbers(chain: EmbeddedChain, address: Address) -> dict[str, int]:
    found = {}
    for key, method in (("seqno", "seqno"), ("wallet_id", "get_subwallet_id")):
        try:
            stack = chain.run(address, method).stack
        except ContractError:
            continue  # old wallets do not tell their id
        if len(stack) == 1 and isinstance(stack[0], int):
            found[key] = stack[0]
    return found


def address_balance(chain: EmbeddedChain, args: Arguments) -> str:
    """``getAddressBalance``."""
    return str(chain.account(args.address()).balance)


def address_state(chain: EmbeddedChain, args: Arguments) -> str:
    """``getAddressState``."""
    return STATES[chain.account(args.address()).status]


def pack_address(_chain: EmbeddedChain, args: Arguments) -> str:
    """``packAddress``."""
    return friendly(args.address())


def unpack_address(_chain: EmbeddedChain, args: Arguments) -> str:
    """``unpackAddress``."""
    return args.address().raw()


def detect_address(_chain: EmbeddedChain, args: Arguments) -> dict[str, Any]:
    """``detectAddress``."""
    try:
        found = parse_with_flags(args.text("address").strip())
    except DecodeError as error:
        raise RefusedCallError(f"argument 'address': {error}") from None
    given = {None: "raw_form", True: "friendly_bounceable", False: "friendly_non_bounceable"}
    test_only = bool(found.test_only)
    return {
        "@type": "ext.utils.detectedAddress",
        "raw_form": found.address.raw(),
        "bounceable": _both_alphabets(found.address, test_only, bounceable=True),
        "non_bounceable": _both_alphabets(found.address, test_only, bounceable=False),
        "given_type": given[found.bounceable],
        "test_only": test_only,
    }


def _both_alphabets(address: Address, test_only: bool, *, bounceable: bool) -> dict[str, str]:
    text = address.friendly(testnet=test_only, bounceable=bounceable)
    standard = text.replace("-", "+").replace("_", "/")
    return {"@type": "ext.utils.detectedAddressVariant", "b64": standard, "b64url": text}


def _boc(cell: Cell | None) -> str:
    return "" if cell is None else boc_text(cell)


def _frozen(state: AccountState) -> str:
    return "" if state.frozen_hash is None else b64(state.frozen_hash)
