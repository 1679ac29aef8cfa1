"""What a transaction of the proxy contract means for the books; no IO.

A body proves nothing: a message counts only if its sender is the contract that we derive from the
owner it names. Official contracts send notifications that never execute, and those count too
(``onchain.md`` §9, D16); a message that was to move money counts only if it executed.
"""

from dataclasses import dataclass
from typing import TypeAlias

from cocoon.accounting import Funds, Nano, Tokens
from cocoon.chain.address import Address
from cocoon.chain.contracts.client_state import ClientSnapshot
from cocoon.chain.contracts.proxy_envelopes import SignedCommit
from cocoon.chain.contracts.proxy_inbox import (
    ClientRequest,
    Register,
    SaveState,
    WorkerRequest,
    read_proxy_message,
)
from cocoon.chain.contracts.replies import ProxyClientCredited, parse_bounce, parse_reply
from cocoon.chain.message import Message
from cocoon.chain.transaction import Transaction
from cocoon.proxy.books import Books, ClientRecord


@dataclass(frozen=True, slots=True)
class Registered:
    """A client proved on chain that it owns its contract.

    Args:
        record: its account.
        nonce: the number that it was told to register.
    """

    record: ClientRecord
    nonce: int


@dataclass(frozen=True, slots=True)
class ClientChanged:
    """A client's contract has another state now."""

    record: ClientRecord


@dataclass(frozen=True, slots=True)
class ClientUncertain:
    """Money of a client did not move as its message said: its contract must be read."""

    owner: Address


@dataclass(frozen=True, slots=True)
class Committed:
    """A state commit is on chain.

    Args:
        seqno: number of the flush.
        root: Merkle root of the books at that flush, 32 bytes.
    """

    seqno: int
    root: bytes


@dataclass(frozen=True, slots=True)
class WorkerPaid:
    """A worker's contract has asked for a payout, and got it."""

    owner: Address


Event: TypeAlias = Registered | ClientChanged | ClientUncertain | Committed | WorkerPaid


def apply(transaction: Transaction, books: Books, wallet: Address) -> Event | None:
    """Take one transaction of the proxy contract into the books.

    Args:
        transaction: the next one.
        books: changed in memory; the caller stores them together with the position.
        wallet: our own wallet, whose ``save_state`` messages are commits.

    Raises:
        OverloadedError: too many accounts.
    """
    message = transaction.in_message
    if message is None or message.source is None:
        return None
    if message.bounced:
        return _bounced(message, books)
    event = read_proxy_message(message)
    if isinstance(event, ClientRequest):
        return _client(transaction, message.source, event, books)
    if isinstance(event, WorkerRequest):
        return _worker(transaction, message.source, event, books)
    if isinstance(event, SignedCommit):
        # The contract has checked the signature, or the transaction would have failed.
        return None if transaction.aborted else Committed(event.seqno, event.state_root)
    if isinstance(event, SaveState) and message.source == wallet:
        return Committed(event.seqno, event.session_hash)
    return None


def _client(
    transaction: Transaction, source: Address, request: ClientRequest, books: Books
) -> Event | None:
    if source != books.client_contract(request.owner):
        return None
    payload = request.payload
    moves_money = payload is not None and not isinstance(payload, Register)
    if transaction.aborted and moves_money:
        return ClientUncertain(request.owner)
    record = books.register_client(request.owner)
    take_snapshot(books, record, request.snapshot)
    if isinstance(payload, Register):
        return Registered(record, payload.nonce)
    return ClientChanged(record)


def take_snapshot(books: Books, record: ClientRecord, state: ClientSnapshot) -> None:
    """The client's contract is in this state now."""
    record.account.funds = Funds(Nano(state.balance), Nano(state.stake), Tokens(state.tokens_used))
    record.secret_hash = state.secret_hash
    record.state = int(state.phase)
    books.ledger.touch(record.account)


def _worker(
    transaction: Transaction, source: Address, request: WorkerRequest, books: Books
) -> Event | None:
    if source != books.worker_contract(request.owner) or transaction.aborted:
        return None
    record = books.open_worker(request.owner)
    record.paid = request.tokens
    books.ledger.touch(record.account)
    return WorkerPaid(request.owner)


def _bounced(message: Message, books: Books) -> Event | None:
    """A credit that a client's contract did not take: the money went to its owner instead."""
    bounce = parse_bounce(message.body)
    reply = None if bounce is None else parse_reply(bounce.body)
    if not isinstance(reply, ProxyClientCredited):
        return None
    if message.source != books.client_contract(reply.owner):
        return None
    return ClientUncertain(reply.owner)
