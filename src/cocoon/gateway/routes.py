"""Routes that other parts add to the gateway, such as a status page of the client role."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from cocoon.gateway.exchange import JSON, Exchange
from cocoon.gateway.refusal import Refusal

MAX_ARGUMENTS = 20


@dataclass(frozen=True, slots=True)
class ExtraRequest:
    """A call of an extra route. ``query`` holds the first value of each name."""

    method: str
    path: str
    query: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ExtraReply:
    """Answer of an extra route."""

    body: bytes
    status: int = 200
    content_type: bytes = JSON


@dataclass(frozen=True, slots=True)
class ExtraRoute:
    """A path that somebody else answers.

    It is guarded like the gateway's own: web origins and bearer keys are checked first, and its
    errors are shaped the same way. Whatever changes state should only allow ``POST``.
    """

    handle: Callable[[ExtraRequest], Awaitable[ExtraReply]]
    methods: tuple[str, ...] = ("GET",)


async def answer_extra(exchange: Exchange, route: ExtraRoute) -> None:
    """Call an extra route and send what it returns."""
    try:
        pairs = parse_qsl(exchange.query.decode("latin-1"), max_num_fields=MAX_ARGUMENTS)
    except ValueError:
        raise Refusal("the query string has too many arguments") from None
    query = dict(reversed(pairs))
    reply = await route.handle(ExtraRequest(exchange.method, exchange.path, query))
    await exchange.reply(reply.status, reply.body, reply.content_type)
