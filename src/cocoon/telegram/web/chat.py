"""``POST chat``: an answer as server-sent events, stopped when its caller goes away."""

import asyncio
import contextlib
from contextlib import aclosing
from types import TracebackType
from typing import Self, cast

import msgspec

from cocoon.errors import StoreError, UpstreamError
from cocoon.gateway.guard import BodyTimeoutError, CallerGoneError, Guard
from cocoon.telegram.assistant.values import Delta, Question
from cocoon.telegram.web.calls import BODY_SECONDS, Call, Front
from cocoon.telegram.web.deps import Closable, WebDeps
from cocoon.telegram.web.failures import ApiError, failure
from cocoon.telegram.web.limits import Places
from cocoon.telegram.web.reading import CHAT_BODY, decode, read_question
from cocoon.telegram.web.shapes import ChatRequest, DeltaEvent
from cocoon.telegram.web.shown import facts_answer

HEAD_SECONDS = 2.0
"""After which the stream begins although nothing came: some proxies wait no longer for a head."""
BEAT_SECONDS = 10.0
"""Between comments while nothing else is sent: some proxies end what is silent."""
DEADLINE_GRACE = 5.0
"""Seconds beyond the answer's limit, which the network keeps by itself."""

_BEAT = b": \n\n"
_encoder = msgspec.json.Encoder()


class Chat:
    """Answers questions.

    Args:
        deps: of the server.
        front: lets users in.
        places: how many answers may run.
    """

    def __init__(self, deps: WebDeps, front: Front, places: Places) -> None:
        self._deps = deps
        self._front = front
        self._places = places

    async def handle(self, call: Call) -> None:
        """Answer one call.

        Raises:
            CallerGoneError: nobody is left to answer; the answer was stopped.
            CocoonError: what the caller must be told.
        """
        session = self._front.session(call)
        try:
            with Guard(call.receive, BODY_SECONDS) as guard:
                body = await call.read_body(CHAT_BODY, self._places.hold)
                question = read_question(
                    session.user, decode(body, ChatRequest), self._deps.settings
                )
                with self._places.enter(session.user, question.reference, len(body)):
                    del body
                    guard.work(self._deps.settings.assistant.timeout + DEADLINE_GRACE)
                    await self._answer(call, question)
        except BodyTimeoutError:
            raise ApiError("timeout", "the body came too slowly", status=408) from None
        except CallerGoneError:
            raise
        except Exception as error:
            await self._count(error)
            raise

    async def _answer(self, call: Call, question: Question) -> None:
        if await self._deps.accounts.charged(question.reference) is not None:
            raise ApiError(
                "answered", "this was answered and charged before", status=409, action=None
            )
        async with Events(call) as events:
            answer = cast("Closable", self._deps.assistant.answer(question))
            async with aclosing(answer) as pieces:
                async for piece in pieces:
                    if isinstance(piece, Delta):
                        await events.send(b"delta", DeltaEvent(text=piece.text))
                    else:
                        facts = facts_answer(piece.facts)
                        await events.send(b"done", facts, last=True)
                        return
        raise UpstreamError("the answer broke off")

    async def _count(self, error: Exception) -> None:
        """Let operators see what went wrong; what a client did wrong is no failure."""
        failed = failure(error)
        if isinstance(error, ApiError) or failed.body.code == "invalid":
            return
        with contextlib.suppress(StoreError):
            await self._deps.accounts.count_failure(f"app_{failed.body.code}")


class Events:
    """The stream of one answer; it is never silent for long."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._writing = asyncio.Lock()
        self._beats = asyncio.create_task(self._beat())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._beats.cancel()
        await asyncio.gather(self._beats, return_exceptions=True)

    async def send(self, name: bytes, data: msgspec.Struct, *, last: bool = False) -> None:
        """Send an event; waits while the caller reads too slowly."""
        if last:
            self._beats.cancel()
        await self._write(
            b"event: " + name + b"\ndata: " + _encoder.encode(data) + b"\n\n", last=last
        )

    async def _write(self, data: bytes, *, last: bool = False) -> None:
        async with self._writing:
            if self._call.status is None:
                await self._call.start_events(200)
            await self._call.write(data, last=last)

    async def _beat(self) -> None:
        seconds = HEAD_SECONDS
        while True:
            await asyncio.sleep(seconds)
            await self._write(_BEAT)
            seconds = BEAT_SECONDS
