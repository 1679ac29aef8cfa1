"""One HTTP call: read within limits, answered whole."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from cocoon.chain.embedded.http.refusal import RefusedCallError

MAX_BODY_BYTES = 1024 * 1024
"""A bag of cells of the largest size allowed, as text, fits twice."""
MAX_QUERY_BYTES = 64 * 1024
MAX_MEMBERS = 64
"""Arguments of one call."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON = b"application/json"
HTML = b"text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Call:
    """What is asked.

    Args:
        method: ``GET``, ``POST``, …
        path: percent-decoded.
        query: as sent, without the question mark.
        body: at most ``MAX_BODY_BYTES``.
    """

    method: str
    path: str
    query: bytes = b""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said.

    Args:
        status: HTTP status.
        body: whole body.
        content_type: of the body.
        headers: further headers.
    """

    status: int
    body: bytes
    content_type: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())


def json_answer(value: object, status: int = 200) -> Answer:
    """An answer that holds a JSON value."""
    return Answer(status, msgspec.json.encode(value))


async def read_call(scope: Scope, receive: Receive) -> Call:
    """Read a whole call.

    Raises:
        RefusedCallError: over a limit, or its caller is gone.
    """
    query: bytes = scope.get("query_string", b"")
    if len(query) > MAX_QUERY_BYTES:
        raise RefusedCallError(f"the query has more than {MAX_QUERY_BYTES} bytes", 414)
    return Call(scope["method"], scope["path"], query, await _read_body(receive))


async def _read_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RefusedCallError("the caller is gone", 499)
        part: bytes = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise RefusedCallError(f"the body has more than {MAX_BODY_BYTES} bytes", 413)
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def send_answer(send: Send, answer: Answer, *, with_body: bool = True) -> None:
    """Send a whole answer; without its body for ``HEAD``."""
    headers: Iterable[tuple[bytes, bytes]] = (
        (b"content-type", answer.content_type),
        (b"content-length", b"%d" % len(answer.body)),
        (b"x-content-type-options", b"nosniff"),
        *answer.headers,
    )
    start = {"type": "http.response.start", "status": answer.status, "headers": list(headers)}
    await send(start)
    await send({"type": "http.response.body", "body": answer.body if with_body else b""})


def query_arguments(query: bytes) -> dict[str, Any]:
    """Arguments of a query string; one that is repeated becomes a list.

    Raises:
        RefusedCallError: too many.
    """
    try:
        pairs = parse_qsl(
            query.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_MEMBERS
        )
    except ValueError:
        raise RefusedCallError(f"the query has more than {MAX_MEMBERS} arguments") from None
    arguments: dict[str, Any] = {}
    for name, value in pairs:
        if name not in arguments:
            arguments[name] = value
        elif isinstance(arguments[name], list):
            arguments[name].append(value)
        else:
            arguments[name] = [arguments[name], value]
    return arguments


def json_object(body: bytes) -> dict[str, Any]:
    """Members of the JSON object in a body; an empty body has none.

    Raises:
        RefusedCallError: not a JSON object, nested too deeply, or too many members.
    """
    if not body.strip():
        return {}
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise RefusedCallError("the body is not valid JSON") from None
    except RecursionError:
        raise RefusedCallError("the body is nested too deeply") from None
    if not isinstance(value, dict):
        raise RefusedCallError("the body must be a JSON object")
    if len(value) > MAX_MEMBERS:
        raise RefusedCallError(f"the body has more than {MAX_MEMBERS} members")
    return value
