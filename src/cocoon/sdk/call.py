"""One HTTP call of an ASGI application in the same event loop, with an answer that streams."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cocoon.errors import UnavailableError

MAX_WAITING = 256 * 1024
"""Bytes of an answer that wait for their reader; the application waits beyond it.

A message that is larger by itself is taken: an answer that does not stream is one message.
"""
LEAVING_TIME = 1.0
"""Seconds that the application gets to notice that its caller has gone, before it is cancelled."""

Header = tuple[bytes, bytes]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A request. ``body`` is never shown.

    Attributes:
        method: such as ``POST``.
        path: percent-decoded.
        raw_path, query: as sent, without ``?``.
        headers: names in lower case.
        body: all of it.
    """

    method: str
    path: str
    raw_path: bytes
    query: bytes
    headers: Sequence[Header] = field(repr=False)
    body: bytes = field(repr=False)

    def scope(self) -> Message:
        """The ASGI scope."""
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": self.method,
            "scheme": "http",
            "path": self.path,
            "raw_path": self.raw_path,
            "query_string": self.query,
            "root_path": "",
            "headers": list(self.headers),
            "client": None,
            "server": None,
        }


class Call:
    """A call that runs from its construction on, in a task of the running loop.

    Args:
        app: what answers.
        request: what it is asked.

    Attributes:
        status, headers: of the answer, once :meth:`head` has returned.
    """

    def __init__(self, app: App, request: CallRequest) -> None:
        self.status = 0
        self.headers: Sequence[Header] = ()
        self._body: bytes | None = request.body
        self._parts: deque[bytes] = deque()
        self._waiting = 0
        self._complete = False
        self._failure: Exception | None = None
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._gone = asyncio.Event()
        self.task = asyncio.get_running_loop().create_task(self._run(app, request.scope()))

    async def head(self) -> None:
        """Wait for the head of the answer.

        Raises:
            UnavailableError: the application ended without one.
            Exception: what it failed with.
        """
        while not self.status:
            await self._wait()

    async def read(self) -> bytes:
        """The next bytes of the body, as many as are there; empty at its end.

        Raises:
            UnavailableError: the application broke the answer off.
            Exception: what it failed with.
        """
        while not self._parts:
            if self._complete:
                return b""
            await self._wait()
        data = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        self._parts.clear()
        self._waiting = 0
        self._room.set()
        return data

    def abandon(self) -> None:
        """Read no more: the application is told that its caller has gone. Idempotent."""
        if self._gone.is_set():
            return
        self._gone.set()
        self._parts.clear()
        self._room.set()
        self._news.set()
        if not self.task.done():
            asyncio.get_running_loop().call_later(LEAVING_TIME, self.task.cancel)

    async def _wait(self) -> None:
        """Wait until something happens; raises when nothing can happen any more."""
        self._news.clear()
        if self._gone.is_set():
            raise UnavailableError("this answer was closed")
        if self.task.done() or self._failure is not None:
            raise self._failure or UnavailableError("the answer broke off")
        await self._news.wait()

    async def _run(self, app: App, scope: Message) -> None:
        try:
            await app(scope, self._receive, self._send)
        except Exception as error:
            # Boundary: whoever reads the answer is told.
            self._failure = error
        finally:
            if not self._complete and self._failure is None:
                self._failure = UnavailableError("the answer broke off")
            self._news.set()

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._gone.is_set():
            return  # as a server does: the application learns it from receive()
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = tuple(message.get("headers", ()))
        else:
            await self._take(message.get("body", b""))
            self._complete = not message.get("more_body", False)
        self._news.set()

    async def _take(self, data: bytes) -> None:
        while self._waiting >= MAX_WAITING and not self._gone.is_set():
            self._room.clear()
            await self._room.wait()
        if data and not self._gone.is_set():
            self._parts.append(data)
            self._waiting += len(data)
            self._news.set()
