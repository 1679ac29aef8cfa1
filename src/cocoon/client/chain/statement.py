"""What a client contract took and gave in all its life, read from its transactions.

Only messages that executed count; what bounced is taken back. The books are those of the contract:
``deposited = charged + returned + left``, to the nanoTON, with our contracts. An official one
credits deposits and charges without a message that says so, and has no such statement.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from cocoon.chain.address import Address
from cocoon.chain.backend import MAX_TRANSACTIONS, ChainBackend, TransactionRef
from cocoon.chain.contracts.proxy_inbox import (
    ClientCharged,
    ClientRequest,
    RefundForced,
    RefundGranted,
    parse_proxy_inbox,
)
from cocoon.chain.contracts.replies import ProxyClientCredited, parse_bounce, parse_reply
from cocoon.chain.message import Message
from cocoon.chain.transaction import Transaction
from cocoon.errors import ChainError

MAX_PAGES = 200


@dataclass(frozen=True, slots=True)
class Statement:
    """Sums over the life of a client contract, nanoTON.

    Attributes:
        deposited: credited by the proxy's contract.
        charged: taken for work.
        returned: sent back to the owner by withdrawals and refunds.
    """

    deposited: int = 0
    charged: int = 0
    returned: int = 0

    @property
    def left(self) -> int:
        """What must still be there: the contract's balance."""
        return self.deposited - self.charged - self.returned


async def read_statement(backend: ChainBackend, contract: Address, proxy: Address) -> Statement:
    """Add up a contract's history.

    Args:
        backend: the chain.
        contract: the client contract.
        proxy: the proxy's contract.

    Raises:
        ChainError: the chain cannot be read, or the history is too long.
    """
    return statement(await _history(backend, contract), proxy)


def statement(transactions: Iterable[Transaction], proxy: Address) -> Statement:
    """Add up the transactions of a client contract; in any order."""
    deposited = charged = returned = 0
    for transaction in transactions:
        if not transaction.success:
            continue
        if transaction.in_message is not None:
            deposited += _credited(transaction.in_message, proxy)
            charge, refund = _came_back(transaction.in_message, proxy)
            charged, returned = charged - charge, returned - refund
        for message in transaction.out_messages:
            if message.dest == proxy:
                charge, refund = _moved(message)
                charged, returned = charged + charge, returned + refund
    return Statement(deposited, charged, returned)


async def _history(backend: ChainBackend, contract: Address) -> list[Transaction]:
    found: list[Transaction] = []
    before: TransactionRef | None = None
    for _ in range(MAX_PAGES):
        page = await backend.transactions(contract, limit=MAX_TRANSACTIONS, before=before)
        found += page
        if not page or not page[-1].prev_lt:
            return found
        before = TransactionRef(page[-1].lt, page[-1].hash)
    raise ChainError(f"{contract} has more than {MAX_PAGES * MAX_TRANSACTIONS} transactions")


def _credited(message: Message, proxy: Address) -> int:
    if message.bounced or message.source != proxy:
        return 0
    reply = parse_reply(message.body)
    return reply.amount if isinstance(reply, ProxyClientCredited) else 0


def _came_back(message: Message, proxy: Address) -> tuple[int, int]:
    if not message.bounced or message.source != proxy:
        return 0, 0
    bounce = parse_bounce(message.body)
    event = None if bounce is None else parse_proxy_inbox(bounce.body)
    return _amounts(event)


def _moved(message: Message) -> tuple[int, int]:
    return _amounts(parse_proxy_inbox(message.body))


def _amounts(event: object) -> tuple[int, int]:
    """Charge and refund in a message to the proxy's contract."""
    if isinstance(event, ClientCharged):
        return event.amount, 0
    if isinstance(event, ClientRequest) and isinstance(event.payload, RefundGranted | RefundForced):
        return 0, event.payload.amount
    return 0, 0
