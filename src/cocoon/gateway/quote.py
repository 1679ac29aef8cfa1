"""``POST /v1/quote``: what a request would cost and who could answer it, before it runs.

Nothing is sent but the question for the models. The most that it can cost is what the proxies
would reserve; the rest is an estimate that says how it was made.
"""

import re
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Raw

from cocoon.accounting import Nano, PriceList
from cocoon.accounting.usage import TokenCounts
from cocoon.client.api import InferenceClient, ModelInfo, WorkerInfo
from cocoon.errors import PaymentError
from cocoon.gateway.exchange import Exchange, Hold
from cocoon.gateway.guard import BodyTimeoutError, Guard
from cocoon.gateway.models import MODELS_TIMEOUT, find_model, known_models
from cocoon.gateway.offers import features_of, is_free, price_per_million
from cocoon.gateway.operations import OPERATIONS
from cocoon.gateway.reading import fields
from cocoon.gateway.reading.incoming import Incoming, InferenceCall
from cocoon.gateway.reading.json_text import decode_object, encode_object
from cocoon.gateway.refusal import Refusal
from cocoon.gateway.settings import GatewaySettings

QUOTE_PATH: Final = "/v1/quote"
BYTES_PER_TOKEN: Final = 4
MEDIA_TOKENS: Final = 1000
METHOD: Final = (
    f"a prompt token for every {BYTES_PER_TOKEN} bytes of text and {MEDIA_TOKENS} for each image "
    "or sound; the likely cost counts half of max_tokens, at the cheapest worker that is able"
)

_FORMS: Final = frozenset({"/v1/audio/transcriptions", "/v1/audio/translations"})
_READERS: Final = {op.path: op.read for op in OPERATIONS if op.path not in _FORMS}
_PROMPTS: Final = ("messages", "prompt", "input", "query", "documents", "tools", "tokens")
_media = re.compile(rb'"data:[^"]*"|"data"\s*:\s*"[^"]*"')
_object = msgspec.json.Decoder(dict[str, Raw])
_encoder = msgspec.json.Encoder()


async def answer_quote(
    exchange: Exchange,
    client: InferenceClient,
    settings: GatewaySettings,
    check: Callable[[str, str], None],
    hold: Hold,
) -> None:
    """Answer a call of the path. Nothing is reserved, booked or charged.

    Args:
        exchange: the call.
        client: whose models and prices count.
        settings: limits.
        check: refuses an endpoint and a model that the caller may not use.
        hold: counts the memory of a body that is on its way.

    Raises:
        Refusal: the body is wrong, in the same words as the request itself would be; or 403, the
            request is not for this caller.
        UnavailableError: no proxy is ready.
    """
    try:
        with Guard(exchange.receive, settings.body_timeout) as guard:
            body = await exchange.read_body(settings.max_body, hold)
            guard.work(MODELS_TIMEOUT + 1.0)
            incoming = Incoming(exchange.path, body, exchange.headers)
            endpoint, call = read_quote(incoming, settings)
            check(endpoint, call.request.model)
            models = await known_models(client)
    except BodyTimeoutError as error:
        raise Refusal(
            str(error), status=408, code="timeout", headers=[(b"connection", b"close")]
        ) from None
    cost = client.bound(call.request)
    await exchange.reply(200, quote(endpoint, call, cost, models, client.prices()))


def read_quote(incoming: Incoming, settings: GatewaySettings) -> tuple[str, InferenceCall]:
    """The endpoint and the call that a quote is asked for.

    The body is ``{"endpoint": PATH, "request": {…}}``, or the request itself with ``endpoint`` as
    one more field; without it the request is a chat.

    Raises:
        Refusal: with status 400.
    """
    members = decode_object(incoming.body, settings.max_depth)
    endpoint = "/v1/chat/completions"
    raw = members.pop("endpoint", None)
    if raw is not None and bytes(raw) != b"null":
        endpoint = fields.take_string(raw, "endpoint", 256)
    read = _READERS.get(endpoint)
    if read is None:
        raise fields.invalid_value("endpoint", f"expected one of {', '.join(sorted(_READERS))}.")
    inner = members.get("request")
    if inner is None:
        body = encode_object(members)
    else:
        fields.obj(inner, "request")
        body = bytes(inner)
    return endpoint, read(Incoming(endpoint, body, incoming.headers), settings)


def quote(
    endpoint: str,
    call: InferenceCall,
    max_cost: Nano,
    models: list[ModelInfo],
    prices: PriceList,
) -> bytes:
    """The answer.

    Args:
        endpoint: that the request is for.
        call: the request.
        max_cost: the most that it can cost.
        models: that the proxies list.
        prices: of the network.
    """
    request = call.request
    model = find_model(models, request.model)
    workers = () if model is None else _serving(model, request.model)
    needed = set(request.requires)
    able = [worker for worker in workers if needed <= features_of(worker)]
    affordable = [worker for worker in able if worker.coefficient <= request.max_coefficient]
    free = [worker for worker in affordable if is_free(worker)]
    cheapest = min((worker.coefficient for worker in able), default=None)
    tokens = estimate_prompt(request.body)
    reason = _reason(model, workers, needed, able, affordable, free)
    if reason is None and call.max_cost is not None and max_cost > call.max_cost:
        reason = ("max_cost_exceeded", "the request can cost more than its 'max_cost'")
    return _encoder.encode(
        {
            "object": "quote",
            "endpoint": endpoint,
            "model": request.model,
            "max_cost_nanoton": int(max_cost),
            "likely_cost_nanoton": _likely(tokens, request.max_tokens // 2, cheapest, prices),
            "max_tokens": request.max_tokens,
            "max_coefficient": request.max_coefficient,
            "estimated_prompt_tokens": tokens,
            "estimate": METHOD,
            "requires": list(request.requires),
            "coefficient": cheapest,
            "coefficients": sorted(worker.coefficient for worker in workers)[:1024],
            "nanoton_per_million_tokens": (
                None if cheapest is None else price_per_million(prices, cheapest)
            ),
            "workers": {
                "total": len(workers),
                "able": len(able),
                "affordable": len(affordable),
                "free": len(free),
            },
            "available": reason is None,
            "reason": None if reason is None else {"code": reason[0], "message": reason[1]},
        }
    )


def _serving(model: ModelInfo, name: str) -> tuple[WorkerInfo, ...]:
    """Its workers; for a pinned name those that say that they have exactly this one."""
    if "@" not in name or model.name == name:
        return model.workers
    return tuple(worker for worker in model.workers if worker.model == name)


def estimate_prompt(body: bytes) -> int:
    """Roughly how many tokens the prompt in a checked JSON body has."""
    members = _object.decode(body)
    text = b"".join(bytes(members[name]) for name in _PROMPTS if name in members)
    text, media = _media.subn(b"", text)
    return -(-len(text) // BYTES_PER_TOKEN) + MEDIA_TOKENS * media


def _likely(prompt: int, completion: int, coefficient: int | None, prices: PriceList) -> int | None:
    if coefficient is None:
        return None
    try:
        used = TokenCounts(prompt=prompt, completion=completion).adjusted(coefficient, prices)
        return int(prices.cost(used.total))
    except PaymentError:
        return None


def _reason(
    model: ModelInfo | None,
    workers: tuple[WorkerInfo, ...],
    needed: set[str],
    able: list[WorkerInfo],
    affordable: list[WorkerInfo],
    free: list[WorkerInfo],
) -> tuple[str, str] | None:
    """Why nobody could answer now, or None."""
    if model is None:
        return "model_not_found", "no proxy knows this model; GET /v1/models lists those served"
    if not workers:
        return "unavailable", "no worker serves this model now"
    if not able:
        lacking = min((needed - features_of(worker) for worker in workers), key=len)
        return "unsupported_by_workers", f"no worker has: {', '.join(sorted(lacking))}"
    if not affordable:
        least = min(worker.coefficient for worker in able)
        return "price_too_high", f"the cheapest worker needs a 'max_coefficient' of {least}"
    if not free:
        return "overloaded", "every worker that could answer is busy"
    return None
