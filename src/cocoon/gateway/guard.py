"""Ends a request when its caller goes away or its time is up."""

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Any, Self

from cocoon.errors import CancelledRequestError, DeadlineError, RequestError

WATCH_DELAY = 0.02
"""Seconds before the caller is watched: quicker requests do not pay for a second task."""

Receive = Callable[[], Awaitable[Any]]


class CallerGoneError(CancelledRequestError):
    """The caller closed its connection; nobody is left to answer."""


class BodyTimeoutError(DeadlineError):
    """The caller did not send its request in time."""


class Guard:
    """Context around the work for one request, in the task that does it.

    First the request body is read; then, after :meth:`work`, the caller is watched. One timer
    serves both, and most requests are done before it fires.

    Args:
        receive: ASGI ``receive``.
        body_timeout: seconds until :class:`BodyTimeoutError` if :meth:`work` is not called.
    """

    __slots__ = (
        "_deadline",
        "_late",
        "_loop",
        "_reason",
        "_receive",
        "_task",
        "_timer",
        "_watcher",
    )

    def __init__(self, receive: Receive, body_timeout: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._receive = receive
        self._deadline: float | None = None
        self._late = False
        self._task = asyncio.current_task()
        self._watcher: asyncio.Task[None] | None = None
        self._reason: type[RequestError] | None = None
        self._timer = self._loop.call_later(WATCH_DELAY, self._look, body_timeout)

    def work(self, limit: float) -> None:
        """The body was read; the rest may take ``limit`` seconds.

        From now on the context raises :class:`CallerGoneError` or :class:`DeadlineError`.
        """
        self._deadline = self._loop.time() + limit
        if self._late:
            self._timer.cancel()
            self._start_watching()

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

    def _look(self, body_timeout: float) -> None:
        """The first moment has passed."""
        if self._deadline is None:
            self._late = True
            self._timer = self._loop.call_later(body_timeout, self._stop, BodyTimeoutError)
        else:
            self._start_watching()

    def _start_watching(self) -> None:
        self._watcher = self._loop.create_task(self._watch())

    async def _watch(self) -> None:
        try:
            async with asyncio.timeout_at(self._deadline):
                while (await self._receive())["type"] != "http.disconnect":
                    pass
            self._stop(CallerGoneError)
        except TimeoutError:
            self._stop(DeadlineError)

    def _stop(self, reason: type[RequestError]) -> None:
        if self._task is not None:
            self._reason = reason
            self._task.cancel()


_TEXT: dict[type[RequestError], str] = {
    BodyTimeoutError: "the request body did not arrive in time",
    CallerGoneError: "the caller closed its connection",
    DeadlineError: "the request took longer than its time limit",
}
