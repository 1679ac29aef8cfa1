"""Any bytes as what strangers send to our contract: they never end a deposit of ours.

The first byte chooses how the message looks, the rest is its body.
"""

import asyncio
from typing import Any

from cocoon.chain.address import Address
from cocoon.chain.boc import from_boc
from cocoon.chain.cells import MAX_BITS, Builder, Cell
from cocoon.chain.message import Message, MessageKind
from cocoon.chain.transaction import Transaction
from cocoon.client.chain.deposit_trace import DepositState, trace_deposit
from cocoon.errors import CocoonError

_CONTRACT, _WALLET, _PROXY, _STRANGER = (Address(bytes([n]) * 32) for n in range(1, 5))
_QUERY = 0xFFEE_DDCC_BBAA_9988


class _Backend:
    def __init__(self, step: Transaction) -> None:
        self._step = step

    async def transactions(self, _address: Address, **_limits: Any) -> list[Transaction]:
        return [self._step]


def _body(data: bytes) -> Cell:
    try:
        return from_boc(data)
    except CocoonError:
        return Builder().raw(data[: MAX_BITS // 8]).cell()


def fuzz_one(data: bytes) -> None:
    kind = data[0] if data else 0
    source = (_STRANGER, None, _PROXY, _WALLET)[kind & 3]
    message = Message(
        MessageKind.INTERNAL, source, _CONTRACT, bounced=bool(kind & 4), body=_body(data[1:])
    )
    step = Transaction(_CONTRACT, 9, bytes(32), 0, 0, bytes(32), message, aborted=bool(kind & 8))
    backend: Any = _Backend(step)
    traced = asyncio.run(
        trace_deposit(
            backend, contract=_CONTRACT, wallet=_WALLET, proxy=_PROXY, query_id=_QUERY, since=0
        )
    )
    if kind & 3 < 2 and traced.state is not DepositState.UNSEEN:
        raise AssertionError("a stranger's message counts as ours")


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
