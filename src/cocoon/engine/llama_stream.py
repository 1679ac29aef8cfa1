"""Runs the requests of a `Plan` beside each other and gives their answers as one."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from cocoon.engine.base import EngineResponse, Headers
from cocoon.engine.llama_answers import EventJoiner, error_body, joined
from cocoon.engine.llama_requests import Plan
from cocoon.engine.sse import SseCutter, event_data, split_events
from cocoon.engine.whole_answer import read_whole
from cocoon.errors import CocoonError, EngineError

MAX_ANSWER: Final = 16 << 20
"""Bytes of one whole answer of llama.cpp."""
MAX_WAITING: Final = 32
"""Pieces of all streams of a plan that wait to be read; then the streams wait."""

Send = Callable[[bytes], Awaitable[EngineResponse]]
"""Sends a body to llama.cpp."""


class Answer:
    """A whole body; an `EngineResponse`."""

    complete = True
    reason = ""

    def __init__(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        self.status = status
        self.content_type = content_type
        self.headers: Headers = (("Content-Type", content_type),)
        self.content_length: int | None = len(body)
        self._body: bytes | None = body or None

    def __repr__(self) -> str:
        return f"Answer({self.status})"

    async def next_chunk(self) -> bytes | None:
        """See `EngineResponse.next_chunk`."""
        body, self._body = self._body, None
        return body

    async def aclose(self) -> None:
        """See `EngineResponse.aclose`."""
        self._body = None


async def translated_error(answer: EngineResponse, path: str) -> Answer:
    """An error of llama.cpp as OpenAI would write it.

    Raises:
        EngineError: it is too long, or llama.cpp broke off.
    """
    return Answer(*error_body(await read_whole(answer, MAX_ANSWER), path))


async def run(plan: Plan, send: Send, slots: int) -> EngineResponse:
    """Run a plan.

    Args:
        plan: what to ask.
        send: sends one body.
        slots: requests that run at the same time at most.

    Raises:
        EngineError: llama.cpp broke off or answered nonsense.
        DeadlineError: the request's deadline passed.
    """
    return await _stream(plan, send, slots) if plan.stream else await _whole(plan, send, slots)


async def _whole(plan: Plan, send: Send, slots: int) -> EngineResponse:
    gate = asyncio.Semaphore(slots)

    async def ask(body: bytes) -> bytes | Answer:
        async with gate, _closing(await send(body)) as answer:
            if answer.status != 200:
                return await translated_error(answer, plan.path)
            return await read_whole(answer, MAX_ANSWER)

    tasks = [asyncio.ensure_future(ask(body)) for body in plan.bodies]
    try:
        results = await asyncio.gather(*tasks)
    finally:
        await _cancel(tasks)
    bodies = []
    for result in results:
        if isinstance(result, Answer):
            return result
        bodies.append(result)
    return Answer(200, joined(plan, bodies))


async def _stream(plan: Plan, send: Send, slots: int) -> EngineResponse:
    stream = JoinedStream(plan, send, slots)
    first = None
    try:
        first = await stream.start()
    finally:
        if first is None or first.status != 200:
            await stream.aclose()
    return stream if first.status == 200 else first


@contextlib.asynccontextmanager
async def _closing(answer: EngineResponse):  # type: ignore[no-untyped-def]
    try:
        yield answer
    finally:
        await answer.aclose()


async def _cancel(tasks: "list[asyncio.Task[bytes | Answer]] | list[asyncio.Task[None]]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class JoinedStream:
    """The streams of a plan as one; an `EngineResponse`."""

    status = 200
    reason = "OK"
    content_type = "text/event-stream"
    headers: Headers = (("Content-Type", "text/event-stream"),)
    content_length: int | None = None

    def __init__(self, plan: Plan, send: Send, slots: int) -> None:
        self.complete = False
        self._plan = plan
        self._send = send
        self._gate = asyncio.Semaphore(slots)
        self._joiner = EventJoiner(plan)
        self._pieces: asyncio.Queue[bytes | CocoonError | None] = asyncio.Queue(MAX_WAITING)
        self._tasks: list[asyncio.Task[None]] = []
        self._left = len(plan.bodies)
        self._ended = False

    def __repr__(self) -> str:
        return f"JoinedStream({len(self._tasks)} streams)"

    async def start(self) -> EngineResponse:
        """Send the requests and wait for the head of the first.

        Returns: this, or what the first request was answered instead.

        Raises:
            EngineError: llama.cpp broke off.
            DeadlineError: the request's deadline passed.
        """
        await self._gate.acquire()
        loop = asyncio.get_running_loop()
        others = enumerate(self._plan.bodies[1:], 1)
        self._tasks = [loop.create_task(self._run(index, body)) for index, body in others]
        answer = await self._send(self._plan.bodies[0])
        if answer.status != 200:
            try:
                return await translated_error(answer, self._plan.path)
            finally:
                await answer.aclose()
        self._tasks.append(loop.create_task(self._pump(0, answer)))
        return self

    async def next_chunk(self) -> bytes | None:
        """See `EngineResponse.next_chunk`."""
        if self._ended:
            return None
        parts = [await self._pieces.get()]
        while not self._pieces.empty():
            parts.append(self._pieces.get_nowait())
        out = []
        for part in parts:
            if isinstance(part, CocoonError):
                self._ended = True
                await self.aclose()
                raise part
            if part is None:
                self._ended = self.complete = True
            else:
                out.append(part)
        return b"".join(out)

    async def aclose(self) -> None:
        """See `EngineResponse.aclose`."""
        self._ended = True
        await _cancel(self._tasks)

    async def _run(self, index: int, body: bytes) -> None:
        await self._gate.acquire()
        try:
            answer = await self._send(body)
        except CocoonError as error:
            await self._pieces.put(error)
            return
        await self._pump(index, answer)

    async def _pump(self, index: int, answer: EngineResponse) -> None:
        """Move the events of one stream into the queue."""
        try:
            if answer.status != 200:
                raise EngineError("the embedded engine refused a part of the request")
            cutter = SseCutter()
            while (chunk := await answer.next_chunk()) is not None:
                if out := self._translated(index, cutter.cut(chunk)):
                    await self._pieces.put(out)
                if cutter.overflowed:
                    raise EngineError("the embedded engine sent too long an event")
            self._left -= 1
            if not self._left:
                await self._pieces.put(self._joiner.end())
                await self._pieces.put(None)
        except CocoonError as error:
            await self._pieces.put(error)
        finally:
            await answer.aclose()
            self._gate.release()

    def _translated(self, index: int, whole: bytes) -> bytes:
        datas = (event_data(event) for event in split_events(whole))
        return b"".join(self._joiner.event(index, data) for data in datas if data is not None)
