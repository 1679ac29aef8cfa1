"""The books of a client contract, added up from its transactions."""

import pytest

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell
from cocoon.chain.contracts.client_state import ClientSnapshot
from cocoon.chain.contracts.fields import ContractPhase
from cocoon.chain.contracts.proxy_inbox import (
    ClientCharged,
    ClientPayload,
    ClientRequest,
    RefundForced,
    RefundGranted,
    TopUp,
)
from cocoon.chain.contracts.replies import ProxyClientCredited
from cocoon.chain.message import Message, MessageKind
from cocoon.chain.transaction import Transaction
from cocoon.client.chain.statement import Statement, statement

PROXY, CLIENT, OWNER = (Address(bytes([n]) * 32) for n in (1, 2, 3))
SNAPSHOT = ClientSnapshot(ContractPhase.OPEN, 0, 0, 0, bytes(32))


def message(body: Cell, source: Address, dest: Address, *, bounced: bool = False) -> Message:
    return Message(MessageKind.INTERNAL, source, dest, bounced=bounced, body=body)


def step(into: Message | None = None, *out: Message, aborted: bool = False) -> Transaction:
    return Transaction(
        CLIENT, 1, bytes(32), 0, 0, bytes(32), into, out_messages=out, aborted=aborted
    )


def credited(amount: int, source: Address = PROXY) -> Message:
    return message(ProxyClientCredited(1, amount, OWNER, OWNER).cell(), source, CLIENT)


def charged(amount: int, dest: Address = PROXY) -> Message:
    return message(ClientCharged(1, amount, OWNER, OWNER).cell(), CLIENT, dest)


def request(payload: ClientPayload | None) -> Message:
    return message(ClientRequest(1, OWNER, SNAPSHOT, payload).cell(), CLIENT, PROXY)


def came_back(sent: Message) -> Message:
    """As a contract sees its own message bounce, with all of its body."""
    value = Builder().coins(1).uint(0, 1).uint(0, 64).uint(0, 32).cell()
    body = Builder().uint(opcodes.RICH_BOUNCE, 32).ref(sent.body).ref(value)
    return message(body.uint(1, 8).uint(1001, 32).uint(0, 1).cell(), PROXY, CLIENT, bounced=True)


def test_a_life() -> None:
    history = [
        step(credited(25)),
        step(None, request(TopUp(25, OWNER))),
        step(None, request(None), charged(3)),
        step(None, request(RefundGranted(5, OWNER))),
        step(None, request(RefundForced(17, OWNER))),
    ]
    assert statement(history, PROXY) == Statement(deposited=25, charged=3, returned=22)
    assert statement(reversed(history), PROXY).left == 0


def test_what_bounced_is_taken_back() -> None:
    refund, charge = request(RefundForced(7, OWNER)), charged(2)
    history = [
        step(credited(10)),
        step(None, charge),
        step(None, refund),
        step(came_back(charge)),
        step(came_back(refund)),
    ]
    assert statement(history, PROXY) == Statement(deposited=10)


@pytest.mark.parametrize(
    "transaction",
    [
        step(credited(10, source=OWNER)),
        step(credited(10), aborted=True),
        step(None, charged(5, dest=OWNER)),
        step(message(Cell(0, 0, ()), PROXY, CLIENT)),
        step(message(Cell(0, 0, ()), PROXY, CLIENT, bounced=True)),
    ],
)
def test_what_does_not_count(transaction: Transaction) -> None:
    assert statement([transaction], PROXY) == Statement()
