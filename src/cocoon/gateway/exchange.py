"""One HTTP call on ASGI: reading its body and writing its answer."""

import os
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from cocoon.gateway.dialect import OPENAI, Dialect
from cocoon.gateway.guard import CallerGoneError
from cocoon.gateway.refusal import Header, Refusal

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

Hold = Callable[[int], None]
"""Takes (or, when negative, gives back) so many bytes of memory; raises when there are none."""

JSON = b"application/json"
EVENT_STREAM = b"text/event-stream; charset=utf-8"


class Exchange:
    """The call that a handler answers.

    Attributes:
        method, path: as sent; the path is percent-decoded.
        headers: request headers that the gateway looks at, by lower-case name.
        extra: response headers that every answer of this call carries.
        server: address and port of this machine that were called, where the server tells.
        status: status that was sent, or None before.
        dialect: the form of errors.
    """

    __slots__ = (
        "_receive",
        "_send",
        "dialect",
        "extra",
        "headers",
        "method",
        "path",
        "query",
        "request_id",
        "server",
        "status",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.query: bytes = scope["query_string"]
        self.headers = _known_headers(scope["headers"])
        self.server: tuple[str, int | None] | None = scope.get("server")
        # It only has to be unique, not secret.
        self.request_id = os.urandom(12).hex()
        self.extra: list[Header] = [(b"x-request-id", self.request_id.encode())]
        self.status: int | None = None
        self.dialect: Dialect = OPENAI

    @property
    def receive(self) -> Receive:
        """The raw ASGI ``receive``."""
        return self._receive

    async def reply(
        self, status: int, body: bytes, content_type: bytes = JSON, headers: Sequence[Header] = ()
    ) -> None:
        """Send a whole answer."""
        self.status = status
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", content_type),
                    (b"content-length", b"%d" % len(body)),
                    *self.extra,
                    *headers,
                ],
            }
        )
        await self._send({"type": "http.response.body", "body": body})

    async def fail(self, error: BaseException) -> None:
        """Send an error in the form of the path's API."""
        answer = self.dialect.answer(error, self.request_id)
        await self.reply(answer.status, answer.body, headers=answer.headers)

    async def start_events(self, status: int) -> None:
        """Begin an answer of server-sent events."""
        self.status = status
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", EVENT_STREAM),
                    (b"cache-control", b"no-cache"),
                    (b"x-accel-buffering", b"no"),
                    *self.extra,
                ],
            }
        )

    async def write(self, data: bytes, *, last: bool = False) -> None:
        """Send a part of an answer; waits while the caller reads too slowly."""
        await self._send({"type": "http.response.body", "body": data, "more_body": not last})

    async def read_body(self, limit: int, hold: Hold | None = None) -> bytes:
        """The whole request body.

        A body that is somewhat too large is read and thrown away before it is refused: many HTTP
        clients only look for an answer after they have sent everything.

        Args:
            limit: most bytes that are taken.
            hold: is told of the bytes of a body that comes in parts, until it is there.

        Raises:
            Refusal: 413 too large, or what ``hold`` raises.
            CallerGoneError: the caller went away.
        """
        if self._declared_length() > 2 * limit:
            raise _too_large(limit)
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            body: bytes = message.get("body", b"")
            if len(body) > limit:
                raise _too_large(limit)
            return body
        parts: list[bytes] = []
        try:
            return await self._join_body(message, limit, parts, hold)
        finally:
            if hold is not None:
                hold(-sum(map(len, parts)))

    async def _join_body(
        self, message: Message, limit: int, parts: list[bytes], hold: Hold | None
    ) -> bytes:
        size = 0
        while True:
            if message["type"] == "http.disconnect":
                raise CallerGoneError("the caller went away while sending")
            part: bytes = message.get("body", b"")
            size += len(part)
            if size <= limit:
                if hold is not None:
                    hold(len(part))
                parts.append(part)
            elif size > 2 * limit:
                raise _too_large(limit)
            else:
                if hold is not None:
                    hold(-sum(map(len, parts)))
                parts.clear()
            if not message.get("more_body"):
                break
            message = await self._receive()
        if size > limit:
            raise _too_large(limit)
        return b"".join(parts)

    def _declared_length(self) -> int:
        # The HTTP parser has checked that it is a number.
        return int(self.headers.get(b"content-length", b"0"))


_LOOKED_AT = frozenset(
    {
        b"access-control-request-headers",
        b"access-control-request-method",
        b"anthropic-beta",
        b"anthropic-version",
        b"authorization",
        b"content-length",
        b"content-type",
        b"host",
        b"origin",
        b"x-api-key",
        b"x-cocoon-max-coefficient",
        b"x-cocoon-max-cost",
        b"x-cocoon-pin-evidence",
        b"x-cocoon-pin-image",
        b"x-cocoon-pin-operator",
        b"x-cocoon-timeout",
        b"x-cocoon-user",
    }
)


def _known_headers(headers: Sequence[Header]) -> dict[bytes, bytes]:
    return {name: value for name, value in headers if name in _LOOKED_AT}


def _too_large(limit: int) -> Refusal:
    return Refusal(
        f"the request body is larger than {limit} bytes",
        status=413,
        code="request_too_large",
        headers=[(b"connection", b"close")],
    )
