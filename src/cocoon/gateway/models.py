"""``/v1/models`` in OpenAI's shape, with what Cocoon knows of each model and its workers."""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from cocoon.accounting import PriceList
from cocoon.client.api import InferenceClient, ModelInfo, WorkerInfo
from cocoon.errors import DeadlineError, UnknownModelError
from cocoon.gateway.offers import common_features, is_free, modalities, price_per_million

MODELS_TIMEOUT: Final = 10.0
"""Seconds for the proxies to answer (``wire-protocol.md`` §5.2)."""

Allows = Callable[[str], bool]
"""Whether a caller may use the model of a name."""

_encoder = msgspec.json.Encoder()


def model_list(models: list[ModelInfo], prices: PriceList) -> bytes:
    """Answer of ``GET /v1/models``."""
    return _encoder.encode({"object": "list", "data": [_entry(model, prices) for model in models]})


def model_object(model: ModelInfo, prices: PriceList) -> bytes:
    """Answer of ``GET /v1/models/NAME``."""
    return _encoder.encode(_entry(model, prices))


async def allowed_models(client: InferenceClient, allows: Allows) -> list[ModelInfo]:
    """The models that the proxies list and that the caller may use, under any of their names.

    Raises:
        UnavailableError: no proxy is ready.
        DeadlineError: none answered in time.
    """
    return [
        model
        for model in await known_models(client)
        if allows(model.name) or any(allows(w.model) for w in model.workers if w.model)
    ]


async def one_model(client: InferenceClient, allows: Allows, name: str) -> ModelInfo:
    """The model of a name; the base name finds it too.

    Raises:
        UnknownModelError: no proxy knows it, or it is not for the caller.
    """
    model = find_model(await allowed_models(client, allows), name)
    if model is None:
        raise UnknownModelError("no proxy knows this model")
    return model


async def known_models(client: InferenceClient) -> list[ModelInfo]:
    """All models that the proxies list.

    Raises:
        UnavailableError: no proxy is ready.
        DeadlineError: none answered in time.
    """
    try:
        async with asyncio.timeout(MODELS_TIMEOUT):
            models = await client.models()
    except TimeoutError:
        raise DeadlineError("no proxy listed its models in time") from None
    # Workers name their models; a name that no request could carry is not shown.
    return [model for model in models if model.name.isprintable()]


def find_model(models: list[ModelInfo], name: str) -> ModelInfo | None:
    """The model of this base name or full name, or None."""
    wanted = name.partition("@")[0]
    for model in models:
        if model.name in (name, wanted) or model.name.partition("@")[0] == name:
            return model
    return None


def _entry(model: ModelInfo, prices: PriceList) -> dict[str, object]:
    return {
        "id": model.name,
        "object": "model",
        "created": 0,
        "owned_by": "cocoon",
        "cocoon": _extension(model.workers, prices),
        "workers": [_worker(worker) for worker in model.workers],
    }


def _extension(workers: tuple[WorkerInfo, ...], prices: PriceList) -> dict[str, object]:
    every, some = common_features(workers)
    inputs, outputs = modalities(some)
    lengths = [worker.context_length for worker in workers if worker.context_length]
    coefficient = min((worker.coefficient for worker in workers), default=None)
    return {
        "full_names": sorted({worker.model for worker in workers if worker.model}),
        "context_length": min(lengths, default=0),
        "max_context_length": max(lengths, default=0),
        "input_modalities": inputs,
        "output_modalities": outputs,
        "features": {"every_worker": every, "any_worker": some},
        "coefficient": coefficient,
        "nanoton_per_million_tokens": (
            None if coefficient is None else price_per_million(prices, coefficient)
        ),
        "capacity": {
            "workers": len(workers),
            "free_workers": sum(is_free(worker) for worker in workers),
            "running_requests": sum(worker.running_requests for worker in workers),
            "max_running_requests": sum(worker.max_running_requests for worker in workers),
        },
    }


def _worker(worker: WorkerInfo) -> dict[str, object]:
    return {
        "coefficient": worker.coefficient,
        "running_requests": worker.running_requests,
        "max_running_requests": worker.max_running_requests,
        "model": worker.model,
        "image": worker.image_hash,
        "evidence": worker.evidence,
        "engine": worker.engine,
        "context_length": worker.context_length,
        "features": list(worker.features),
    }
