"""How a deposit ended, whatever strangers send to our contract."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cocoon.chain import opcodes
from cocoon.chain.address import Address
from cocoon.chain.cells import Builder, Cell
from cocoon.chain.contracts.client_messages import top_up
from cocoon.chain.contracts.fields import head
from cocoon.chain.contracts.replies import ProxyClientCredited
from cocoon.chain.message import Message, MessageKind
from cocoon.chain.transaction import Transaction
from cocoon.client.chain import deposit_trace
from cocoon.client.chain.deposit_trace import DepositState, trace_deposit

CONTRACT, WALLET, PROXY, STRANGER = (Address(bytes([n]) * 32) for n in range(1, 5))
QUERY = 77

TOP_UP = top_up(QUERY, 5, WALLET)
CREDIT = ProxyClientCredited(QUERY, 5, WALLET, WALLET).cell()
BOUNCE = (
    Builder()
    .uint(opcodes.RICH_BOUNCE, 32)
    .uint(1, 8)
    .uint(1001, 32)
    .ref(head(opcodes.CLIENT_PROXY_REQUEST, QUERY).cell())
    .ref(Builder().coins(0).cell())
    .cell()
)


def step(
    lt: int, source: Address | None, body: Cell, *, success: bool = True, bounced: bool = False
) -> Transaction:
    message = Message(MessageKind.INTERNAL, source, CONTRACT, bounced=bounced, body=body)
    return Transaction(CONTRACT, lt, bytes(32), 0, 0, bytes(32), message, aborted=not success)


class Backend:
    def __init__(self, steps: list[Transaction]) -> None:
        self.steps = sorted(steps, key=lambda one: -one.lt)

    async def transactions(self, _address: Address, *, limit: int, before: Any) -> Any:
        rest = [one for one in self.steps if before is None or one.lt < before.lt]
        return rest[:limit]


def trace(steps: list[Transaction], since: int = 0) -> DepositState:
    backend: Any = Backend(steps)
    traced = asyncio.run(
        trace_deposit(
            backend, contract=CONTRACT, wallet=WALLET, proxy=PROXY, query_id=QUERY, since=since
        )
    )
    nothing_found = traced.state in (DepositState.UNSEEN, DepositState.BURIED)
    assert (traced.lt > since) != nothing_found
    return traced.state


SENT = step(10, WALLET, TOP_UP)
ENDS = [
    ([], DepositState.UNSEEN),
    ([SENT], DepositState.TAKEN),
    ([step(10, WALLET, TOP_UP, success=False)], DepositState.RETURNED),
    ([SENT, step(20, PROXY, CREDIT)], DepositState.CREDITED),
    ([SENT, step(20, PROXY, CREDIT, success=False)], DepositState.RETURNED),
    ([SENT, step(20, PROXY, BOUNCE, bounced=True)], DepositState.RETURNED),
]

bodies = st.one_of(
    st.sampled_from([TOP_UP, CREDIT, BOUNCE]),
    st.binary(max_size=60).map(lambda data: Builder().raw(data).cell()),
)
noise = st.builds(
    lambda lt, source, body, success, bounced: step(
        lt, source, body, success=success, bounced=bounced
    ),
    st.integers(1, 9).map(lambda n: n * 10 + 5),
    st.sampled_from([STRANGER, None]),
    bodies,
    st.booleans(),
    st.booleans(),
)


@pytest.mark.parametrize(("steps", "expected"), ENDS)
def test_every_end_is_recognised(steps: list[Transaction], expected: DepositState) -> None:
    assert trace(steps) is expected


@given(st.sampled_from(ENDS), st.lists(noise, max_size=8))
def test_strangers_change_nothing(
    end: tuple[list[Transaction], DepositState], others: list[Transaction]
) -> None:
    assert trace(end[0] + others) is end[1]


def test_what_was_before_the_intent_is_not_looked_at() -> None:
    assert trace([step(5, PROXY, CREDIT)], since=5) is DepositState.UNSEEN


def test_the_search_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deposit_trace, "MAX_PAGES", 2)
    flood = [step(lt, STRANGER, TOP_UP) for lt in range(1, 300)]
    assert trace(flood) is DepositState.BURIED
    assert trace([SENT, *flood]) is DepositState.BURIED


def test_it_is_found_on_a_later_page() -> None:
    flood = [step(lt, STRANGER, TOP_UP) for lt in range(100, 350)]
    assert trace([SENT, *flood]) is DepositState.TAKEN
