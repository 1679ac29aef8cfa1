"""Worker connections by model: who can take a request now, and at what price.

The registry knows connections, not links: what it keeps per connection is data, so that admission
and scheduling are pure. Source: ``wire-protocol.md`` §4.1, §7.2.
"""

import math
from collections.abc import Iterator

from cocoon.attestation.peer import VerifiedPeer
from cocoon.errors import (
    BadRequestError,
    OverloadedError,
    PriceError,
    UnavailableError,
    UnknownModelError,
    UnsupportedError,
)
from cocoon.proxy.books import WorkerRecord
from cocoon.proxy.scheduler import Scheduler
from cocoon.wire import features
from cocoon.wire.events import Capabilities

STATISTICS_WINDOW = 600.0
"""Seconds over which a worker's mean request time decays."""
MAX_MODELS = 10_000
"""Base model names kept, with or without workers."""
MAX_MODEL_NAME = 512
"""Characters of a full model name."""


def base_name(model: str) -> str:
    """The part of ``name@commit:hash`` that clients ask for."""
    return model.partition("@")[0]


class Worker:
    """One worker connection, as scheduling sees it.

    Attributes:
        connection_id: grows with every connection.
        record: the account of its owner.
        peer: the verified machine.
        model: full model name.
        coefficient: price multiplier × 1000.
        limit: requests that this connection takes at a time.
        running: requests running on it now.
        disabled: switched off, its engine is down, or its handshake is not complete.
        revoked: its image or model has left the root configuration.
        capabilities: what it says that it can do; see :meth:`declare`.
        features: the same as a set; of a worker that says nothing what official ones can do.
    """

    __slots__ = (
        "_last",
        "_recent_count",
        "_recent_time",
        "capabilities",
        "coefficient",
        "connection_id",
        "disabled",
        "features",
        "limit",
        "model",
        "peer",
        "record",
        "revoked",
        "running",
        "succeeded",
    )

    def __init__(
        self,
        *,
        connection_id: int,
        record: WorkerRecord,
        peer: VerifiedPeer,
        model: str,
        coefficient: int,
        limit: int,
    ) -> None:
        self.connection_id = connection_id
        self.record = record
        self.peer = peer
        self.model = model
        self.coefficient = coefficient
        self.limit = limit
        self.running = 0
        self.disabled = True
        self.revoked = False
        self.succeeded = 0
        self.capabilities = Capabilities()
        self.features: frozenset[str] = features.OFFICIAL
        self._recent_count = 0.0
        self._recent_time = 0.0
        self._last = 0.0

    def declare(self, capabilities: Capabilities) -> None:
        """The worker tells what it can do; its latest word counts."""
        self.capabilities = capabilities
        self.features = frozenset(capabilities.features)

    @property
    def usable(self) -> bool:
        """Whether it can be given requests at all, its load aside."""
        return not (self.disabled or self.revoked)

    @property
    def seconds_per_request(self) -> float:
        """Decayed mean duration of the requests it has answered, 0.0 before the first."""
        return self._recent_time / self._recent_count if self._recent_count else 0.0

    def finished(self, duration: float, now: float) -> None:
        """Count an answered request of ``duration`` seconds."""
        decay = math.exp(-max(0.0, now - self._last) / STATISTICS_WINDOW)
        self._recent_count = self._recent_count * decay + 1
        self._recent_time = self._recent_time * decay + duration
        self._last = now
        self.succeeded += 1


class Registry:
    """All worker connections of a proxy."""

    def __init__(self) -> None:
        self._models: dict[str, dict[int, Worker]] = {}

    def add(self, worker: Worker) -> None:
        """Enter a connection.

        Raises:
            BadRequestError: too many different models.
        """
        name = base_name(worker.model)
        if name not in self._models and len(self._models) >= MAX_MODELS:
            self._forget_an_empty_model()
        self._models.setdefault(name, {})[worker.connection_id] = worker

    def remove(self, worker: Worker) -> None:
        """Strike a connection out; its model stays known."""
        self._models.get(base_name(worker.model), {}).pop(worker.connection_id, None)

    def __iter__(self) -> Iterator[Worker]:
        for workers in self._models.values():
            yield from workers.values()

    def models(self) -> Iterator[tuple[str, list[Worker]]]:
        """Known base names with their usable workers, cheapest first; possibly none."""
        for name, workers in self._models.items():
            usable = [worker for worker in workers.values() if worker.usable]
            yield name, sorted(usable, key=lambda w: (w.coefficient, w.connection_id))

    def choose(
        self,
        model: str,
        max_coefficient: int,
        scheduler: Scheduler,
        requires: tuple[str, ...] = (),
    ) -> Worker:
        """The worker for a request, or the reason why there is none.

        Args:
            model: base name, or a full name (`name@commit:hash`) that the worker must declare
                exactly: the request is pinned.
            max_coefficient: highest price multiplier × 1000.
            scheduler: chooses among those that can take it.
            requires: features that it must have.

        Raises:
            UnknownModelError: nobody has ever offered the model here, or nobody this very one.
            UnavailableError: its workers are gone or not ready.
            UnsupportedError: none that is ready has the features.
            OverloadedError: all are busy.
            PriceError: only dearer ones are free.
        """
        workers = self._models.get(base_name(model))
        if workers is None:
            raise UnknownModelError(f"no worker here has ever served model {model[:80]!r}")
        if "@" in model:
            workers = {key: worker for key, worker in workers.items() if worker.model == model}
            if not workers:
                raise UnknownModelError("no worker here serves exactly the pinned model")
        ready = [worker for worker in workers.values() if worker.usable]
        if not ready:
            state = "is ready now" if workers else "is connected now"
            raise UnavailableError(f"no worker for this model {state}; try again")
        if requires:
            ready = _able(ready, requires)
        free = [worker for worker in ready if worker.running < worker.limit]
        if not free:
            raise OverloadedError("all workers for this model are busy; try again")
        affordable = [worker for worker in free if worker.coefficient <= max_coefficient]
        if not affordable:
            cheapest = min(worker.coefficient for worker in free)
            raise PriceError(f"can run this query with coefficient={cheapest}")
        return affordable[scheduler(affordable)]

    def _forget_an_empty_model(self) -> None:
        empty = next((name for name, workers in self._models.items() if not workers), None)
        if empty is None:
            raise BadRequestError(f"this proxy serves {MAX_MODELS} models already")
        del self._models[empty]


def _able(workers: list[Worker], requires: tuple[str, ...]) -> list[Worker]:
    """The workers that have all features.

    Raises:
        UnsupportedError: there is none; names what the best of them lacks.
    """
    needed = frozenset(requires)
    able = [worker for worker in workers if needed <= worker.features]
    if not able:
        lacking = min((needed - worker.features for worker in workers), key=len)
        raise UnsupportedError(
            f"no worker of this model can do this now: {', '.join(sorted(lacking))}"
        )
    return able
