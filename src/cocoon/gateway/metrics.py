"""Counts and timings for Prometheus: never content, and a bounded number of series."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from cocoon.client.api import RequestSummary

MAX_MODELS = 100
"""Models with series of their own; others are counted as ``other``."""
MAX_LABEL = 100

_SECONDS = (0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class GatewayMetrics:
    """What one gateway counts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "cocoon_gateway_requests",
            "Calls answered, by endpoint and status.",
            ["endpoint", "status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "cocoon_gateway_request_seconds",
            "Time from the head of an inference request to the end of its answer.",
            ["endpoint"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._first_byte = Histogram(
            "cocoon_gateway_first_byte_seconds",
            "Time from the head of an inference request to the first byte of its answer.",
            ["endpoint"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._tokens = Counter(
            "cocoon_gateway_tokens",
            "Adjusted tokens of finished requests.",
            ["model", "kind"],
            registry=self.registry,
        )
        self._cost = Counter(
            "cocoon_gateway_cost_nanoton",
            "Cost of finished requests in nanoTON.",
            ["model"],
            registry=self.registry,
        )
        self.broken_streams = Counter(
            "cocoon_gateway_broken_streams",
            "Streams that ended with an error event.",
            registry=self.registry,
        )
        self.callers_gone = Counter(
            "cocoon_gateway_callers_gone",
            "Requests whose caller closed its connection before the end.",
            registry=self.registry,
        )
        self._running = Gauge(
            "cocoon_gateway_running", "Inference requests now.", registry=self.registry
        )
        self._answered: dict[tuple[str, int], Counter] = {}
        self._models: dict[str, str] = {}
        self._usage: dict[str, tuple[Counter, ...]] = {}
        self._timers: dict[str, tuple[Histogram, Histogram]] = {}

    def watch_running(self, count: Callable[[], float]) -> None:
        """Read the number of running requests from ``count`` when asked."""
        self._running.set_function(count)

    def answered(self, endpoint: str, status: int) -> None:
        """Count an answer; ``endpoint`` is one of the gateway's own paths, or ``other``."""
        counter = self._answered.get((endpoint, status))
        if counter is None:
            counter = self._requests.labels(endpoint, str(status))
            self._answered[endpoint, status] = counter
        counter.inc()

    def timed(self, endpoint: str, first_byte: float | None, duration: float) -> None:
        """Record the seconds that an inference request took."""
        pair = self._timers.get(endpoint)
        if pair is None:
            pair = self._first_byte.labels(endpoint), self._seconds.labels(endpoint)
            self._timers[endpoint] = pair
        if first_byte is not None:
            pair[0].observe(first_byte)
        pair[1].observe(duration)

    def finished(self, model: str, summary: RequestSummary) -> None:
        """Count what a finished request used. Only models that the network served get here."""
        label = self._model_label(model)
        counters = self._usage.get(label)
        if counters is None:
            kinds = ("prompt", "cached", "completion", "reasoning")
            counters = (
                *(self._tokens.labels(label, kind) for kind in kinds),
                self._cost.labels(label),
            )
            self._usage[label] = counters
        amounts = (
            summary.prompt,
            summary.cached,
            summary.completion,
            summary.reasoning,
            int(summary.cost),
        )
        for counter, amount in zip(counters, amounts, strict=True):
            if amount > 0:
                counter.inc(amount)

    def text(self) -> bytes:
        """All series in Prometheus' text form."""
        return generate_latest(self.registry)

    def _model_label(self, model: str) -> str:
        label = self._models.get(model)
        if label is None:
            if len(self._models) >= MAX_MODELS or len(model) > MAX_LABEL:
                return "other"
            label = self._models[model] = model
        return label
