"""The list of models that a proxy's workers serve, in both forms (``wire-protocol.md`` §3.2)."""

from collections.abc import Iterable, Mapping

from cocoon.errors import RemoteProtocolError
from cocoon.tl import TLObject
from cocoon.tl import types as t
from cocoon.wire import features
from cocoon.wire.events import Capabilities, ModelOffer, WorkerOffer

MAX_ENGINE = 64
"""Characters of an engine's name."""
MAX_EVIDENCE = 64
MAX_MODEL = 512
"""Characters of a full model name."""

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


Models = t.ClientWorkerTypes | t.ClientWorkerTypesV2 | t.ClientWorkerTypesV3


def write_models(offers: Mapping[str, Iterable[WorkerOffer]], *, form: int) -> Models:
    """Return the answer to ``getWorkerTypes``, ``…V2`` or ``…V3``.

    Args:
        offers: the ready workers by base model name; models without workers stay listed.
        form: which was asked for: that of version 0, 1 or 3.
    """
    if form == 3:
        return t.ClientWorkerTypesV3(tuple(_write_full_model(n, w) for n, w in offers.items()))
    if form == 1:
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


def _write_full_model(name: str, workers: Iterable[WorkerOffer]) -> t.ClientWorkerTypeV3:
    ordered = sorted(workers, key=lambda worker: worker.coefficient)
    return t.ClientWorkerTypeV3(
        name,
        tuple(
            t.ClientWorkerInstanceV3(
                w.coefficient,
                w.active_requests,
                w.max_active_requests,
                w.model,
                w.image_hash or bytes(32),
                w.evidence,
                write_capabilities(w.capabilities),
            )
            for w in ordered
        ),
    )


def write_capabilities(what: Capabilities) -> t.WorkerCapabilities:
    """Return the form of the wire."""
    return t.WorkerCapabilities(what.engine, what.context_length, what.features)


def read_capabilities(message: t.WorkerCapabilities) -> Capabilities:
    """Understand what a worker says that it can do.

    Raises:
        RemoteProtocolError: a text or the list is too long or strange, or a number is negative.
    """
    if len(message.engine) > MAX_ENGINE or (message.engine and not message.engine.isprintable()):
        raise RemoteProtocolError("the name of an engine is too long or not printable")
    if message.context_length < 0:
        raise RemoteProtocolError("a context length is negative")
    if not features.readable(message.features):
        raise RemoteProtocolError("a list of features is too long or has strange words")
    return Capabilities(message.engine, message.context_length, message.features)


def _write_old_model(name: str, workers: Iterable[WorkerOffer]) -> t.ClientWorkerType:
    coefficients = sorted(worker.coefficient for worker in workers)
    count = len(coefficients)
    coefficients.append(OLD_FORM_MAX)
    return t.ClientWorkerType(
        name, count, coefficients[0], coefficients[len(coefficients) // 2], coefficients[-1]
    )


def read_models(answer: TLObject) -> tuple[ModelOffer, ...]:
    """Understand a list of models in any form.

    Raises:
        RemoteProtocolError: ``answer`` is none, or something in it makes no sense.
    """
    if isinstance(answer, t.ClientWorkerTypesV3):
        return tuple(_read_full_model(model) for model in answer.types)
    if isinstance(answer, t.ClientWorkerTypesV2):
        return tuple(_read_model(model) for model in answer.types)
    if isinstance(answer, t.ClientWorkerTypes):
        return tuple(_read_old_model(model) for model in answer.types)
    raise RemoteProtocolError(f"{answer.NAME} is no list of models")


def _read_full_model(model: t.ClientWorkerTypeV3) -> ModelOffer:
    offers = []
    for w in model.workers:
        if w.coefficient < 0 or w.active_requests < 0 or w.max_active_requests < 0:
            raise RemoteProtocolError("a worker's numbers are negative")
        if len(w.model) > MAX_MODEL or len(w.evidence) > MAX_EVIDENCE:
            raise RemoteProtocolError("a worker's names are too long")
        offers.append(
            WorkerOffer(
                w.coefficient,
                w.active_requests,
                w.max_active_requests,
                w.model,
                w.image_hash,
                w.evidence,
                read_capabilities(w.capabilities),
            )
        )
    return model_offer(model.name, offers)


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
