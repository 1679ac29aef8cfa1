"""One list of models out of what several proxies say."""

from collections.abc import Iterable

from cocoon.client.api import ModelInfo, WorkerInfo
from cocoon.wire.events import ModelOffer, WorkerOffer


def merge(offers: Iterable[Iterable[ModelOffer]]) -> list[ModelInfo]:
    """Join the lists of several proxies by model name, sorted by name.

    A worker that is connected to two proxies is in both lists and counts twice: nothing on the
    wire tells the two entries apart.
    """
    workers: dict[str, list[WorkerInfo]] = {}
    for proxy in offers:
        for model in proxy:
            workers.setdefault(model.name, []).extend(_workers(model))
    return [
        ModelInfo(name, tuple(sorted(found, key=lambda worker: worker.coefficient)))
        for name, found in sorted(workers.items())
    ]


def _workers(model: ModelOffer) -> list[WorkerInfo]:
    if model.workers is None:
        # Protocol version 0 tells a count and the lowest coefficient, and nothing of the load.
        return [WorkerInfo(model.coefficient_min, 0, 0)] * min(model.active_workers, 1024)
    return [_worker(worker) for worker in model.workers]


def _worker(worker: WorkerOffer) -> WorkerInfo:
    can = worker.capabilities
    return WorkerInfo(
        worker.coefficient,
        worker.active_requests,
        worker.max_active_requests,
        worker.model,
        worker.image_hash.hex(),
        worker.evidence,
        can.engine,
        can.context_length,
        can.features,
    )
