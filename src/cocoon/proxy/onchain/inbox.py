"""What a transaction of the proxy contract means for the books; no IO.

A body proves nothing: a message counts only if its sender is the contract that we derive from the
owner it names. Official contracts send notifications that never execute, and those count too
(``onchain.md`` §9, D16); a message that was to move money counts only if it executed.
"""

from dataclasses import dataclass
from typing import TypeAlias

from cocoon.accounting import Funds, Nano, Tokens
from cocoon.accounting.amount import MAX_AMOUNT
from cocoon.chain.address import Address
from cocoon.chain.contracts.client_state import ClientSnapshot
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.proxy_envelopes import SignedCommit
from cocoon.chain.contracts.proxy_inbox import (
    ClientRequest,
    Register,
    SaveState,
    TopUp,
    WorkerRequest,
    read_proxy_message,
)
from cocoon.chain.contracts.replies import ProxyClientCredited, parse_bounce, parse_reply
from cocoon.chain.message import Message
from cocoon.chain.transaction import Transaction
from cocoon.errors import OverloadedError, SignerRegressionError
from cocoon.proxy.books import REOPENED, Books, ClientRecord


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
    """A client's contract has another state now.

    Args:
        record: its account.
        topped_up: it says that of a deposit which it has not booked itself yet.
    """

    record: ClientRecord
    topped_up: bool = False


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

    Returns:
        What happened; None if it means nothing, or is of somebody for whom the books have no room:
        a stranger who fills them must not keep everybody else from being settled.

    Raises:
        SignerRegressionError: more was charged or paid than these books have counted.
    """
    try:
        return _apply(transaction, books, wallet)
    except OverloadedError:
        return None


def _apply(transaction: Transaction, books: Books, wallet: Address) -> Event | None:
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
    return ClientChanged(record, topped_up=isinstance(payload, TopUp))


def take_snapshot(books: Books, record: ClientRecord, state: ClientSnapshot) -> None:
    """The client's contract is in this state now.

    Raises:
        SignerRegressionError: more was charged than these books have counted; nothing is changed.
    """
    account = record.account
    _check_counted("client", account.owner, state.tokens_used, account.counter.max)
    # A client may set its stake to any number; more than an amount holds is as good as the most.
    balance, stake = (Nano(min(value, MAX_AMOUNT)) for value in (state.balance, state.stake))
    account.funds = Funds(balance, stake, Tokens(state.tokens_used))
    record.secret_hash = state.secret_hash
    record.state = _state_of(record, state)
    books.ledger.touch(account)


def _state_of(record: ClientRecord, state: ClientSnapshot) -> int:
    reopened = record.state in (ContractPhase.CLOSED, REOPENED)
    behind = state.tokens_used < record.account.counter.max
    if state.phase is ContractPhase.OPEN and reopened and behind:
        return REOPENED
    return int(state.phase)


def _check_counted(kind: str, owner: str, on_chain: int, counted: Tokens) -> None:
    if on_chain > counted:
        raise SignerRegressionError(
            f"the contract of {kind} {owner} is at {on_chain} tokens, of which the store has "
            f"counted {counted}: the store is an older copy, or another process runs with this "
            "proxy's key. Restore the newest store or stop the other process"
        )


def _worker(
    transaction: Transaction, source: Address, request: WorkerRequest, books: Books
) -> Event | None:
    if source != books.worker_contract(request.owner) or transaction.aborted:
        return None
    record = books.open_worker(request.owner)
    _check_counted("worker", record.account.owner, request.tokens, record.account.counter.max)
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
