"""Routes that other parts add to the gateway, such as a status page of the client role."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from cocoon.gateway.exchange import JSON, Exchange
from cocoon.gateway.gate import Caller
from cocoon.gateway.refusal import Header, Refusal

MAX_ARGUMENTS = 20
BODY_SECONDS = 30.0
"""In which the body of an extra route's call must have arrived."""


@dataclass(frozen=True, slots=True)
class ExtraRequest:
    """A call of an extra route.

    Attributes:
        method, path: as called.
        query: the first value of each name.
        body: as sent, if the route takes one.
        caller: whose key it carries.
    """

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)
    caller: Caller = Caller()  # noqa: RUF009 - frozen


@dataclass(frozen=True, slots=True)
class ExtraReply:
    """Answer of an extra route."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON
    headers: Sequence[Header] = ()


@dataclass(frozen=True, slots=True)
class ExtraRoute:
    """A path that somebody else answers.

    It is guarded like the gateway's own: web origins and bearer keys are checked first, and its
    errors are shaped the same way. Whatever changes state should only allow ``POST``. A route whose
    path ends with a slash answers every path that begins so.

    Attributes:
        handle: makes the answer.
        methods: that it has.
        admin: where keys are kept, only those with the scope ``admin`` may call it.
        max_body: most bytes of a body; 0 reads none.
    """

    handle: Callable[[ExtraRequest], Awaitable[ExtraReply]]
    methods: tuple[str, ...] = ("GET",)
    admin: bool = True
    max_body: int = 0


def require_admin(caller: Caller) -> None:
    """Refuse keys of a store that are not for the whole gateway's affairs.

    Raises:
        Refusal: 403.
    """
    if caller.key_id and not caller.is_admin:
        raise Refusal(
            "this needs an API key with the scope admin",
            status=403,
            kind="permission_error",
            code="admin_needed",
        )


async def answer_extra(exchange: Exchange, route: ExtraRoute, caller: Caller) -> None:
    """Call an extra route and send what it returns.

    Raises:
        Refusal: the caller may not, or the call is malformed.
    """
    if route.admin:
        require_admin(caller)
    try:
        pairs = parse_qsl(exchange.query.decode("latin-1"), max_num_fields=MAX_ARGUMENTS)
    except ValueError:
        raise Refusal("the query string has too many arguments") from None
    query = dict(reversed(pairs))
    body = b""
    if route.max_body and exchange.method not in ("GET", "HEAD"):
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await exchange.read_body(route.max_body)
        except TimeoutError:
            raise Refusal("the request body came too slowly", status=408) from None
    request = ExtraRequest(exchange.method, exchange.path, query, body, caller)
    reply = await route.handle(request)
    await exchange.reply(reply.status, reply.body, reply.content_type, reply.headers)
