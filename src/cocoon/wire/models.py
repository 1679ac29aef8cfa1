"""The list of models that a proxy's workers serve, in both forms (``wire-protocol.md`` §3.2)."""

from collections.abc import Iterable, Mapping

from cocoon.errors import RemoteProtocolError
from cocoon.tl import TLObject
from cocoon.tl import types as t
from cocoon.wire.events import ModelOffer, WorkerOffer

OLD_FORM_MAX = 2**31 - 1
"""The old form always counts one worker of this coefficient more than there are."""


def model_offer(name: str, workers: Iterable[WorkerOffer]) -> ModelOffer:
    """Describe one model from the workers that serve it."""
    offered = tuple(sorted(workers, key=lambda worker: worker.coefficient))
    coefficients = [worker.coefficient for worker in offered] or [OLD_FORM_MAX]
    return ModelOffer(
        name,
        offered,
        len(offered),
        coefficients[0],
        coefficients[len(coefficients) // 2],
        coefficients[-1],
    )


def write_models(
    offers: Mapping[str, Iterable[WorkerOffer]], *, detailed: bool
) -> t.ClientWorkerTypes | t.ClientWorkerTypesV2:
    """Return the answer to ``getWorkerTypesV2`` (``detailed``) or to ``getWorkerTypes``.

    Args:
        offers: the ready workers by base model name; models without workers stay listed.
        detailed: which form was asked for.
    """
    if detailed:
        return t.ClientWorkerTypesV2(tuple(_write_model(n, w) for n, w in offers.items()))
    return t.ClientWorkerTypes(tuple(_write_old_model(n, w) for n, w in offers.items()))


def _write_model(name: str, workers: Iterable[WorkerOffer]) -> t.ClientWorkerTypeV2:
    ordered = sorted(workers, key=lambda worker: worker.coefficient)
    return t.ClientWorkerTypeV2(
        name,
        tuple(
            t.ClientWorkerInstanceV2(0, w.coefficient, w.active_requests, w.max_active_requests)
            for w in ordered
        ),
    )


def _write_old_model(name: str, workers: Iterable[WorkerOffer]) -> t.ClientWorkerType:
    coefficients = sorted(worker.coefficient for worker in workers)
    count = len(coefficients)
    coefficients.append(OLD_FORM_MAX)
    return t.ClientWorkerType(
        name, count, coefficients[0], coefficients[len(coefficients) // 2], coefficients[-1]
    )


def read_models(answer: TLObject) -> tuple[ModelOffer, ...]:
    """Understand a list of models in either form.

    Raises:
        RemoteProtocolError: ``answer`` is neither, or a number is negative.
    """
    if isinstance(answer, t.ClientWorkerTypesV2):
        return tuple(_read_model(model) for model in answer.types)
    if isinstance(answer, t.ClientWorkerTypes):
        return tuple(_read_old_model(model) for model in answer.types)
    raise RemoteProtocolError(f"{answer.NAME} is no list of models")


def _read_model(model: t.ClientWorkerTypeV2) -> ModelOffer:
    for w in model.workers:
        if w.coefficient < 0 or w.active_requests < 0 or w.max_active_requests < 0:
            raise RemoteProtocolError("a worker's numbers are negative")
    return model_offer(
        model.name,
        (
            WorkerOffer(w.coefficient, w.active_requests, w.max_active_requests)
            for w in model.workers
        ),
    )


def _read_old_model(model: t.ClientWorkerType) -> ModelOffer:
    if model.active_workers < 0 or model.coefficient_min < 0:
        raise RemoteProtocolError("a model's numbers are negative")
    return ModelOffer(
        model.name,
        None,
        model.active_workers,
        model.coefficient_min,
        model.coefficient_bucket50,
        model.coefficient_max,
    )
