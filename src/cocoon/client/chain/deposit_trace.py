"""What became of a deposit, read from the transactions of our contract.

A deposit travels wallet → client contract → proxy contract → client contract: our contracts credit
it only when the proxy's contract has said that the money is there, and return it otherwise
(``onchain.md`` §14, D3, D6). The query id names it in every hop.
"""

from dataclasses import dataclass
from enum import Enum

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.backend import MAX_TRANSACTIONS, ChainBackend, TransactionRef
from cocoon.chain.cells import Cell, Reader
from cocoon.chain.contracts.replies import ProxyClientCredited, parse_bounce, parse_reply
from cocoon.chain.message import Message
from cocoon.chain.transaction import Transaction
from cocoon.errors import DecodeError

MAX_PAGES = 50
"""Pages of transactions that are searched; anybody can fill an account's history."""

_DEPOSITS = frozenset(
    {
        opcodes.EXT_CLIENT_TOP_UP,
        opcodes.OWNER_CLIENT_CHANGE_SECRET_HASH_AND_TOP_UP,
        opcodes.OWNER_CLIENT_TOP_UP_REOPEN,
    }
)


class DepositState(Enum):
    """How far a deposit is."""

    UNSEEN = "not arrived at our contract"
    TAKEN = "on its way to the proxy's contract"
    CREDITED = "credited"
    RETURNED = "returned"
    BURIED = "hidden among too many transactions of our contract"


@dataclass(frozen=True, slots=True)
class Traced:
    """What the transactions say of a deposit.

    Attributes:
        state: how far it is.
        lt: logical time of the transaction that says so; 0 if none does.
    """

    state: DepositState
    lt: int = 0


async def trace_deposit(
    backend: ChainBackend,
    *,
    contract: Address,
    wallet: Address,
    proxy: Address,
    query_id: int,
    since: int,
) -> Traced:
    """Look a deposit up.

    Args:
        backend: the chain.
        contract: our client contract.
        wallet: who sent it; messages of others with the same number are not ours.
        proxy: the proxy's contract.
        query_id: its number.
        since: logical time of the contract's last transaction before it.

    Raises:
        ChainError: the chain cannot be reached.
    """
    found = Traced(DepositState.UNSEEN)
    before: TransactionRef | None = None
    for _ in range(MAX_PAGES):
        page = await backend.transactions(contract, limit=MAX_TRANSACTIONS, before=before)
        for step in page:
            if step.lt <= since:
                return found
            seen = _what(step, wallet, proxy, query_id)
            if seen is not None:
                found = Traced(seen, step.lt)
            if seen in (DepositState.CREDITED, DepositState.RETURNED):
                return found
        if len(page) < MAX_TRANSACTIONS:
            return found
        before = TransactionRef(page[-1].lt, page[-1].hash)
    # Anybody can send so many messages; that must not keep an owner from closing.
    return found if found.state is DepositState.TAKEN else Traced(DepositState.BURIED)


def _what(step: Transaction, wallet: Address, proxy: Address, query_id: int) -> DepositState | None:
    message = step.in_message
    if message is None:
        return None
    if message.source == wallet and not message.bounced:
        if _head(message.body) in {(operation, query_id) for operation in _DEPOSITS}:
            return DepositState.TAKEN if step.success else DepositState.RETURNED
        return None
    if message.source != proxy:
        return None
    return _from_proxy(message, step, query_id)


def _from_proxy(message: Message, step: Transaction, query_id: int) -> DepositState | None:
    if message.bounced:
        bounce = parse_bounce(message.body)
        if bounce is not None and _head(bounce.body) == (opcodes.CLIENT_PROXY_REQUEST, query_id):
            return DepositState.RETURNED
        return None
    reply = parse_reply(message.body)
    if isinstance(reply, ProxyClientCredited) and reply.query_id == query_id:
        # A credit that fails bounces, and the proxy's contract then pays the owner back.
        return DepositState.CREDITED if step.success else DepositState.RETURNED
    return None


def _head(body: Cell) -> tuple[int, int] | None:
    try:
        read = Reader(body)
        return read.uint(32), read.uint(64)
    except DecodeError:
        return None
