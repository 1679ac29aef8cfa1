"""An answer that was read to its end and rewritten; an `EngineResponse`."""

from collections.abc import Callable

from cocoon.engine.base import EngineResponse, Headers
from cocoon.engine.dialects.answers import MAX_RESTATED
from cocoon.errors import EngineError


async def read_whole(answer: EngineResponse, limit: int) -> bytes:
    """Read a body to its end; the connection is closed if it is too long.

    Args:
        answer: whose body was not read yet.
        limit: bytes.

    Raises:
        EngineError: it is longer, or the engine broke off.
        DeadlineError: the request's deadline passed.
    """
    body = bytearray()
    while (chunk := await answer.next_chunk()) is not None:
        body += chunk
        if len(body) > limit:
            await answer.aclose()
            raise EngineError("the engine's answer is too long")
    return bytes(body)


class WholeAnswer:
    """A rewritten body with the head of the answer that it was made from."""

    __slots__ = ("_body", "content_length", "content_type", "headers", "reason", "status")

    complete = True

    def __init__(self, answer: EngineResponse, body: bytes) -> None:
        self._body: bytes | None = body or None
        self.status: int = answer.status
        self.reason: str = answer.reason
        self.headers: Headers = answer.headers
        self.content_type: str = answer.content_type
        self.content_length: int | None = len(body)

    def __repr__(self) -> str:
        return f"WholeAnswer({self.status})"

    async def next_chunk(self) -> bytes | None:
        """See `EngineResponse.next_chunk`."""
        body, self._body = self._body, None
        return body

    async def aclose(self) -> None:
        """See `EngineResponse.aclose`."""
        self._body = None


async def restated(answer: EngineResponse, restate: Callable[[bytes], bytes]) -> EngineResponse:
    """Rewrite a successful answer; anything else passes as it is.

    Raises:
        EngineError: the answer is too long or not of the engine's form.
        DeadlineError: the request's deadline passed.
    """
    if answer.status != 200:
        return answer
    return WholeAnswer(answer, restate(await read_whole(answer, MAX_RESTATED)))
