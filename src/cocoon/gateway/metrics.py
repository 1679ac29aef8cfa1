"""Counts and timings for Prometheus: never content, and a bounded number of series.

Counting happens in plain dictionaries, within a microsecond for each request; the Prometheus
objects are made when somebody looks.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from cocoon.client.api import RequestSummary

MAX_MODELS = 100
"""Models with series of their own; others are counted as ``other``."""
MAX_LABEL = 100

CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"

_SECONDS = (0.005, 0.02, 0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300)
_BUCKETS = (*(str(float(bound)) for bound in _SECONDS), "+Inf")
_KINDS = ("prompt", "cached", "completion", "reasoning")


class _Histogram:
    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * len(_BUCKETS)
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(_SECONDS, seconds)] += 1
        self.sum += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        total = 0
        buckets = []
        for bound, count in zip(_BUCKETS, self.counts, strict=True):
            total += count
            buckets.append((bound, float(total)))
        return buckets


class GatewayMetrics(Collector):
    """What one gateway counts.

    Attributes:
        registry: holds this collector; a process with several roles may register it elsewhere too.
        broken_streams: streams that ended with an error event.
        callers_gone: requests whose caller closed its connection before the end.
    """

    def __init__(self) -> None:
        self.broken_streams = 0
        self.callers_gone = 0
        self._running: Callable[[], float] = float
        self._answers: defaultdict[tuple[str, int], int] = defaultdict(int)
        self._seconds: defaultdict[str, _Histogram] = defaultdict(_Histogram)
        self._first_byte: defaultdict[str, _Histogram] = defaultdict(_Histogram)
        self._usage: dict[str, list[int]] = {}
        self.registry = CollectorRegistry()
        self.registry.register(self)

    def watch_running(self, count: Callable[[], float]) -> None:
        """Read the number of running requests from ``count`` when asked."""
        self._running = count

    def answered(self, endpoint: str, status: int) -> None:
        """Count an answer; ``endpoint`` is one of the gateway's own paths, or ``other``."""
        self._answers[endpoint, status] += 1

    def timed(self, endpoint: str, first_byte: float, duration: float) -> None:
        """Record the seconds that an inference request took."""
        self._first_byte[endpoint].add(first_byte)
        self._seconds[endpoint].add(duration)

    def finished(self, model: str, summary: RequestSummary) -> None:
        """Count what a finished request used. Only models that the network served get here."""
        totals = self._usage.get(model)
        if totals is None:
            totals = self._new_model(model)
        totals[0] += summary.prompt
        totals[1] += summary.cached
        totals[2] += summary.completion
        totals[3] += summary.reasoning
        totals[4] += int(summary.cost)

    def text(self) -> bytes:
        """All series in Prometheus' text form."""
        return generate_latest(self.registry)

    def collect(self) -> Iterator[Metric]:
        """The series, made from the counts."""
        yield self._requests()
        yield _histogram(
            "request_seconds", "From the request body to the end of the answer.", self._seconds
        )
        yield _histogram(
            "first_byte_seconds", "From the request body to the answer's head.", self._first_byte
        )
        yield from self._totals()
        yield _counter("broken_streams", "Streams that ended in an error.", self.broken_streams)
        yield _counter("callers_gone", "Callers that left before the end.", self.callers_gone)
        yield GaugeMetricFamily(
            "cocoon_gateway_running", "Inference requests now.", value=self._running()
        )

    def _requests(self) -> Metric:
        family = CounterMetricFamily(
            "cocoon_gateway_requests",
            "Calls answered, by endpoint and status.",
            labels=["endpoint", "status"],
        )
        for (endpoint, status), count in self._answers.items():
            family.add_metric([endpoint, str(status)], count)
        return family

    def _totals(self) -> Iterator[Metric]:
        tokens = CounterMetricFamily(
            "cocoon_gateway_tokens",
            "Adjusted tokens of finished requests.",
            labels=["model", "kind"],
        )
        cost = CounterMetricFamily(
            "cocoon_gateway_cost_nanoton",
            "Cost of finished requests in nanoTON.",
            labels=["model"],
        )
        for model, totals in self._usage.items():
            for kind, total in zip(_KINDS, totals, strict=False):
                tokens.add_metric([model, kind], total)
            cost.add_metric([model], totals[-1])
        yield tokens
        yield cost

    def _new_model(self, model: str) -> list[int]:
        if len(self._usage) >= MAX_MODELS or len(model) > MAX_LABEL:
            model = "other"
        return self._usage.setdefault(model, [0] * (len(_KINDS) + 1))


def _counter(name: str, text: str, value: int) -> Metric:
    return CounterMetricFamily(f"cocoon_gateway_{name}", text, value=value)


def _histogram(name: str, text: str, values: dict[str, _Histogram]) -> Metric:
    family = HistogramMetricFamily(f"cocoon_gateway_{name}", text, labels=["endpoint"])
    for endpoint, histogram in values.items():
        family.add_metric([endpoint], histogram.cumulative(), histogram.sum)
    return family
