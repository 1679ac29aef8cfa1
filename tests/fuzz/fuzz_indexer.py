"""Any answers of an indexer to any call: a value, or a ChainError."""

import asyncio
from collections.abc import Mapping

from cocoon.chain.address import Address
from cocoon.chain.backend import TransactionRef
from cocoon.chain.cells import EMPTY_CELL
from cocoon.chain.toncenter.caller import Answer
from cocoon.chain.toncenter.v2 import V2
from cocoon.chain.toncenter.v3 import V3
from cocoon.errors import ChainError

HERE = Address(b"\x01" * 32)
PREFIX = b'{"ok":true,"result":'


class OneAnswer:
    """Stands for the HTTP calls."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    async def get(self, path: str, query: Mapping[str, str]) -> Answer:
        return self.answer

    async def post(self, path: str, body: Mapping[str, object], verdict: object = None) -> Answer:
        return self.answer


async def all_calls(answer: Answer) -> None:
    v2, v3 = V2(OneAnswer(answer)), V3(OneAnswer(answer))
    for call in (
        v2.head(None),
        v2.account(HERE),
        v2.transactions(HERE, 5, TransactionRef(5, bytes(32))),
        v2.send(EMPTY_CELL),
        v2.run(HERE, "seqno", [1]),
        v3.head(),
        v3.account(HERE, 5),
        v3.send(EMPTY_CELL),
        v3.run(HERE, "seqno", [1]),
    ):
        try:
            await call
        except ChainError:
            continue


def fuzz_one(data: bytes) -> None:
    status = 200 if data[:1] < b"\xc0" else 500
    asyncio.run(all_calls(Answer(status, data[1:])))
    asyncio.run(all_calls(Answer(status, PREFIX + data[1:] + b"}")))


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
