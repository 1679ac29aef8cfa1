"""The gateway as an ASGI application: routing, access, and a last answer for every failure."""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from cocoon.client.api import InferenceClient
from cocoon.errors import CocoonError, UnavailableError
from cocoon.gateway.access import Hosts, Origins, credential, preflight_headers
from cocoon.gateway.dialect import OPENAI, Dialect
from cocoon.gateway.exchange import Exchange, Receive, Scope, Send
from cocoon.gateway.gate import Caller, Gate, OpenGate
from cocoon.gateway.guard import CallerGoneError
from cocoon.gateway.inference import InferenceHandler
from cocoon.gateway.messages import ANTHROPIC
from cocoon.gateway.messages.count import COUNT_PATH, count_tokens
from cocoon.gateway.messages.models import model_object as anthropic_model
from cocoon.gateway.messages.models import model_page
from cocoon.gateway.metrics import CONTENT_TYPE, GatewayMetrics
from cocoon.gateway.models import allowed_models, model_list, model_object, one_model
from cocoon.gateway.operations import OPERATIONS, Operation
from cocoon.gateway.quote import QUOTE_PATH, answer_quote
from cocoon.gateway.refusal import Header, Refusal, error_event, http_status
from cocoon.gateway.responses import STORED_PREFIX, refuse_stored
from cocoon.gateway.routes import ExtraRoute, answer_extra, require_admin
from cocoon.gateway.settings import GatewaySettings

MODEL_PREFIX = "/v1/models/"
NOBODY = Caller()
_WHICH_PATHS = (
    "/docs lists every path; base_url of the openai package ends in /v1, of anthropic's does not"
)
_SHARED = frozenset({"/v1/models", MODEL_PREFIX})
LAST_WORDS_TIME = 1.0
"""Seconds to tell a caller that the gateway is going down."""

Handler = Callable[[Exchange, Caller], Awaitable[None]]

log = structlog.get_logger("cocoon.gateway")


@dataclass(frozen=True, slots=True)
class Route:
    """A path: its name in metrics, its methods, and whether a key is needed."""

    label: str
    methods: tuple[str, ...]
    handle: Handler
    keyed: bool = True
    dialect: Dialect = OPENAI


class Gateway:
    """OpenAI-compatible HTTP API over an inference client.

    Args:
        client: where requests go.
        settings: limits and access.
        gate: who may call and for how much; the settings' keys when there is none.
        extra_routes: further paths, such as ``/jsonstats``; they cannot replace built-in ones.
        metrics: counters to use, for a process that exports several roles.
    """

    def __init__(
        self,
        client: InferenceClient,
        settings: GatewaySettings | None = None,
        *,
        gate: Gate | None = None,
        extra_routes: Mapping[str, ExtraRoute] | None = None,
        metrics: GatewayMetrics | None = None,
    ) -> None:
        self.settings = settings or GatewaySettings()
        self.metrics = metrics or GatewayMetrics()
        self._client = client
        self._origins = Origins(self.settings.allowed_origins)
        needs_key = gate is not None or bool(self.settings.api_key_hashes)
        self._hosts = None if needs_key else Hosts(self.settings.allowed_origins)
        self._gate = gate or OpenGate(self.settings.api_key_hashes)
        self._inference = InferenceHandler(client, self._gate, self.settings, self.metrics)
        self._routes = {
            **{path: _extra(path, route) for path, route in (extra_routes or {}).items()},
            **self._built_in(),
        }
        self._below = [route for path, route in self._routes.items() if path.endswith("/")]
        self._model = Route(MODEL_PREFIX, ("GET",), self._one_model)

    @property
    def running(self) -> int:
        """Inference requests now."""
        return self._inference.running

    def _built_in(self) -> dict[str, Route]:
        routes = [
            *(self._operation(operation) for operation in OPERATIONS),
            Route(COUNT_PATH, ("POST",), self._count_tokens, dialect=ANTHROPIC),
            Route("/v1/models", ("GET",), self._models),
            Route(QUOTE_PATH, ("POST",), self._quote),
            Route("/metrics", ("GET",), self._metrics),
            Route("/health", ("GET",), _health, keyed=False),
            Route("/ready", ("GET",), self._ready, keyed=False),
            Route("/openapi.json", ("GET",), _openapi, keyed=False),
            Route("/docs", ("GET",), _docs, keyed=False),
        ]
        return {route.label: route for route in routes}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP call; never raises for anything that a caller or the network did."""
        if scope["type"] != "http":
            return
        exchange = Exchange(scope, receive, send)
        route = self._find(exchange.path)
        if route is not None:
            exchange.dialect = ANTHROPIC if _is_anthropic(exchange, route) else route.dialect
            exchange.extra.extend(exchange.dialect.headers(exchange.request_id))
        label = "other" if route is None else route.label
        try:
            await self._dispatch(exchange, route)
        except CallerGoneError:
            self.metrics.callers_gone += 1
        except asyncio.CancelledError:
            await _say_goodbye(exchange)
            raise
        except Exception as error:
            _log_failure(exchange, label, error)
            if exchange.status is None:
                await exchange.fail(error)
        if exchange.status is not None:
            self.metrics.answered(label, exchange.status)

    async def _dispatch(self, exchange: Exchange, route: Route | None) -> None:
        origin = exchange.headers.get(b"origin")
        if origin is not None:
            exchange.extra.extend(self._origins.response_headers(origin))
        if route is None:
            raise Refusal(
                "there is nothing at this path", status=404, code="not_found", fix=_WHICH_PATHS
            )
        method = exchange.method
        if method not in route.methods and not (method == "HEAD" and "GET" in route.methods):
            await _other_method(exchange, route)
            return
        caller = NOBODY
        if route.keyed:
            if self._hosts is not None:
                self._hosts.check(exchange.headers.get(b"host"), exchange.server)
            caller = await self._gate.identify(credential(exchange.headers))
        await route.handle(exchange, caller)

    def _find(self, path: str) -> Route | None:
        route = self._routes.get(path)
        if route is None and path.startswith(MODEL_PREFIX) and path != MODEL_PREFIX:
            return self._model
        if route is None and path.startswith(STORED_PREFIX):
            return _STORED
        if route is None and self._below:
            return next((one for one in self._below if path.startswith(one.label)), None)
        return route

    def _operation(self, operation: Operation) -> Route:
        async def handle(exchange: Exchange, caller: Caller) -> None:
            await self._inference.handle(exchange, operation, caller)

        return Route(operation.path, ("POST",), handle, dialect=operation.dialect)

    async def _count_tokens(self, exchange: Exchange, caller: Caller) -> None:
        await count_tokens(exchange, caller, self._inference)

    async def _models(self, exchange: Exchange, caller: Caller) -> None:
        allows = partial(self._gate.allows_model, caller)
        models = await allowed_models(self._client, allows)
        if exchange.dialect is ANTHROPIC:
            answer = model_page(models, exchange.query)
        else:
            answer = model_list(models, self._client.prices())
        await exchange.reply(200, answer)

    async def _quote(self, exchange: Exchange, caller: Caller) -> None:
        check = partial(self._gate.check, caller)
        await answer_quote(exchange, self._client, self.settings, check, self._inference.hold)

    async def _one_model(self, exchange: Exchange, caller: Caller) -> None:
        name = exchange.path.removeprefix(MODEL_PREFIX)
        allows = partial(self._gate.allows_model, caller)
        model = await one_model(self._client, allows, name)
        if exchange.dialect is ANTHROPIC:
            answer = anthropic_model(model)
        else:
            answer = model_object(model, self._client.prices())
        await exchange.reply(200, answer)

    async def _metrics(self, exchange: Exchange, caller: Caller) -> None:
        require_admin(caller)
        await exchange.reply(200, self.metrics.text(), CONTENT_TYPE)

    async def _ready(self, exchange: Exchange, caller: Caller) -> None:  # noqa: ARG002
        if self._client.ready:
            await exchange.reply(200, b'{"status":"ready"}')
        else:
            await exchange.reply(503, b'{"status":"no proxy connection is ready"}')


async def _stored(exchange: Exchange, caller: Caller) -> None:  # noqa: ARG001
    raise refuse_stored()


_STORED = Route(STORED_PREFIX, ("GET", "POST", "DELETE"), _stored)


def _is_anthropic(exchange: Exchange, route: Route) -> bool:
    """Whether a path that two APIs share is called by a program that knows Anthropic's."""
    return b"anthropic-version" in exchange.headers and route.label in _SHARED


async def _health(exchange: Exchange, caller: Caller) -> None:  # noqa: ARG001
    await exchange.reply(200, b'{"status":"ok"}')


async def _openapi(exchange: Exchange, caller: Caller) -> None:  # noqa: ARG001
    await exchange.reply(200, await asyncio.to_thread(_document))


async def _docs(exchange: Exchange, caller: Caller) -> None:  # noqa: ARG001
    page, headers = await asyncio.to_thread(_page)
    await exchange.reply(200, page, b"text/html; charset=utf-8", headers)


# The tables behind both take 16 MB and a fifth of a second to load; few gateways are ever asked.


def _document() -> bytes:
    from cocoon.gateway.openapi import document_json  # noqa: PLC0415

    return document_json()


def _page() -> tuple[bytes, Sequence[Header]]:
    from cocoon.gateway.openapi import PAGE_HEADERS, page_html  # noqa: PLC0415

    return page_html(), PAGE_HEADERS


def _extra(path: str, route: ExtraRoute) -> Route:
    async def handle(exchange: Exchange, caller: Caller) -> None:
        await answer_extra(exchange, route, caller)

    return Route(path, route.methods, handle)


async def _other_method(exchange: Exchange, route: Route) -> None:
    """Answer ``OPTIONS``; refuse methods that the path does not have."""
    head = ("HEAD",) if "GET" in route.methods else ()
    allowed = ", ".join((*route.methods, *head, "OPTIONS")).encode()
    if exchange.method != "OPTIONS":
        raise Refusal(
            "this path does not have this method",
            status=405,
            code="method_not_allowed",
            headers=[(b"allow", allowed)],
        )
    wanted = exchange.headers.get(b"access-control-request-headers")
    await exchange.reply(
        200, b"", b"text/plain", [(b"allow", allowed), *preflight_headers(wanted, allowed)]
    )


async def _say_goodbye(exchange: Exchange) -> None:
    """Tell a caller that its request is cut off by a shutdown."""
    error = UnavailableError("the gateway is shutting down")
    try:
        async with asyncio.timeout(LAST_WORDS_TIME):
            if exchange.status is None:
                await exchange.fail(error)
            else:
                await exchange.write(error_event(error), last=True)
    except Exception:
        log.info("a caller could not be told about the shutdown", request_id=exchange.request_id)


def _log_failure(exchange: Exchange, label: str, error: Exception) -> None:
    """Log what failed and where, but no text: another's text may quote a prompt."""
    status = http_status(error)
    if status < 500:
        return
    facts = {
        "request_id": exchange.request_id,
        "endpoint": label,
        "status": status,
        "error": type(error).__name__,
    }
    if isinstance(error, CocoonError):
        log.info("request failed", **facts)
        return
    frames = traceback.extract_tb(error.__traceback__)
    if frames:
        facts["where"] = f"{frames[-1].name}:{frames[-1].lineno}"
    log.error("request failed unexpectedly", **facts)
