"""Ends a request when its caller goes away or its time is up."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from cocoon.errors import CancelledRequestError, DeadlineError

WATCH_DELAY = 0.02
"""Seconds before the caller is watched: quicker requests do not pay for a second task."""

Receive = Callable[[], Awaitable[Any]]


class CallerGoneError(CancelledRequestError):
    """The caller closed its connection; nobody is left to answer."""


class Guard:
    """Context around the work for one request, in the task that does it.

    Args:
        receive: ASGI ``receive`` after the whole request body was taken from it.
        limit: seconds from now until :class:`DeadlineError` is raised in the body.
    """

    __slots__ = ("_deadline", "_reason", "_receive", "_task", "_timer", "_watcher")

    def __init__(self, receive: Receive, limit: float) -> None:
        loop = asyncio.get_running_loop()
        self._receive = receive
        self._deadline = loop.time() + limit
        self._task = asyncio.current_task()
        self._watcher: asyncio.Task[None] | None = None
        self._reason: type[CallerGoneError | DeadlineError] | None = None
        self._timer = loop.call_later(WATCH_DELAY, self._start_watching)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if self._reason is None or self._task is None:
            return
        still_cancelled = self._task.uncancel() > 0
        if kind is asyncio.CancelledError and not still_cancelled:
            raise self._reason(_TEXT[self._reason]) from None

    def _start_watching(self) -> None:
        self._watcher = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        try:
            async with asyncio.timeout_at(self._deadline):
                while (await self._receive())["type"] != "http.disconnect":
                    pass
            self._stop(CallerGoneError)
        except TimeoutError:
            self._stop(DeadlineError)

    def _stop(self, reason: type[CallerGoneError | DeadlineError]) -> None:
        if self._task is not None:
            self._reason = reason
            self._task.cancel()


_TEXT: dict[type[CallerGoneError | DeadlineError], str] = {
    CallerGoneError: "the caller closed its connection",
    DeadlineError: "the request took longer than its time limit",
}
