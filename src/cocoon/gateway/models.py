"""``/v1/models`` in OpenAI's shape, with the workers behind each model."""

import asyncio

import msgspec

from cocoon.client.api import InferenceClient, ModelInfo
from cocoon.errors import DeadlineError, UnknownModelError

MODELS_TIMEOUT = 10.0
"""Seconds for the proxies to answer (``wire-protocol.md`` §5.2)."""

_encoder = msgspec.json.Encoder()


async def list_models(client: InferenceClient) -> bytes:
    """Answer of ``GET /v1/models``."""
    return _encoder.encode(
        {"object": "list", "data": [_entry(model) for model in await _models(client)]}
    )


async def one_model(client: InferenceClient, name: str) -> bytes:
    """Answer of ``GET /v1/models/NAME``; the base name finds a model too.

    Raises:
        UnknownModelError: no proxy knows it.
    """
    models = await _models(client)
    wanted = name.partition("@")[0]
    for model in models:
        if model.name in (name, wanted) or model.name.partition("@")[0] == name:
            return _encoder.encode(_entry(model))
    raise UnknownModelError("no proxy knows this model")


async def _models(client: InferenceClient) -> list[ModelInfo]:
    try:
        async with asyncio.timeout(MODELS_TIMEOUT):
            models = await client.models()
    except TimeoutError:
        raise DeadlineError("no proxy listed its models in time") from None
    # Workers name their models; a name that no request could carry is not shown.
    return [model for model in models if model.name.isprintable()]


def _entry(model: ModelInfo) -> dict[str, object]:
    return {
        "id": model.name,
        "object": "model",
        "created": 0,
        "owned_by": "cocoon",
        "workers": [
            {
                "coefficient": worker.coefficient,
                "running_requests": worker.running_requests,
                "max_running_requests": worker.max_running_requests,
            }
            for worker in model.workers
        ],
    }
