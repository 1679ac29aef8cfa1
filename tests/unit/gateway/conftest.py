"""Calls an ASGI application without a server."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from cocoon.gateway import Gateway


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    parts: list[bytes] = field(default_factory=list)

    @property
    def body(self) -> bytes:
        return b"".join(self.parts)


Call = Callable[..., Awaitable[Answer]]


async def _call(
    app: Gateway,
    method: str,
    path: str,
    body: bytes | list[bytes] = b"",
    headers: dict[str, str] | None = None,
    *,
    query: bytes = b"",
    gone_after: float | None = None,
    body_delay: float = 0.0,
    server: tuple[str, int] | None = None,
) -> Answer:
    parts = list(body) if isinstance(body, list) else [body]
    answer = Answer()

    async def receive() -> dict[str, Any]:
        if parts:
            if body_delay:
                await asyncio.sleep(body_delay)
            part = parts.pop(0)
            return {"type": "http.request", "body": part, "more_body": bool(parts)}
        if gone_after is None:
            await asyncio.Event().wait()
        await asyncio.sleep(gone_after or 0.0)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            answer.parts.append(message.get("body", b""))

    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query,
        "server": server,
        "headers": [(k.lower().encode(), v.encode()) for k, v in (headers or {}).items()],
    }
    await app(scope, receive, send)
    return answer


@pytest.fixture
def call() -> Call:
    return _call
