"""Any sequence of answer events at a client, with any head: ends typed, at most once."""

import asyncio

from cocoon.client.answer import Answer
from cocoon.errors import RemoteProtocolError, UnavailableError
from cocoon.tl import types as t
from cocoon.wire.events import AnswerFailed, AnswerPart, AnswerStarted, FinalInfo

_HEAD = t.HttpResponse("HTTP/1.1", 200, "OK", (), b"").to_bytes()


def fuzz_one(data: bytes) -> None:
    asyncio.run(_play(data))


async def _play(data: bytes) -> None:
    ends: list[Answer] = []
    answer = Answer(bytes(32), lambda: 0.0, ends.append, tells_worker=True)
    for position, byte in enumerate(data[:64]):
        final = FinalInfo() if byte & 1 else None
        rest = data[position : position + (byte >> 3)]
        kind = byte >> 1 & 3
        try:
            if kind == 0:
                answer.receive(AnswerStarted(bytes(32), _HEAD if byte & 128 else rest, final))
            elif kind == 1:
                answer.receive(AnswerPart(bytes(32), rest, final))
            elif kind == 2:
                code = 600 + (byte >> 3)
                answer.receive(AnswerFailed(bytes(32), code, repr(rest), final))
            elif answer.head is not None and answer.ended:
                await _drain(answer)
        except RemoteProtocolError:
            answer.fail(UnavailableError("closed"))
    answer.expire(1.0)
    assert len(ends) == 1


async def _drain(answer: Answer) -> None:
    try:
        while await answer.next_bytes() is not None:
            pass
    except Exception as error:
        from cocoon.errors import RequestError

        if not isinstance(error, RequestError):
            raise


if __name__ == "__main__":
    from _harness import main

    main(fuzz_one)
