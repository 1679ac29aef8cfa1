"""Counters of a worker, for its status page and for Prometheus; never anything of a request."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cocoon.accounting import AdjustedUsage


class Statistics:
    """What has happened since the process started; plain numbers, bumped on the hot path."""

    __slots__ = (
        "active",
        "bytes_received",
        "bytes_sent",
        "cached",
        "cancelled",
        "completion",
        "estimated",
        "failed",
        "prompt",
        "queries",
        "reasoning",
        "rejected",
        "seconds",
        "succeeded",
    )

    def __init__(self) -> None:
        self.active = 0
        self.queries = 0
        self.succeeded = 0
        self.failed = 0
        self.rejected = 0
        self.cancelled = 0
        self.estimated = 0
        self.bytes_received = 0
        self.bytes_sent = 0
        self.seconds = 0.0
        self.prompt = 0
        self.cached = 0
        self.completion = 0
        self.reasoning = 0

    def used(self, usage: AdjustedUsage) -> None:
        """Add the adjusted tokens of a request."""
        self.prompt += int(usage.prompt)
        self.cached += int(usage.cached)
        self.completion += int(usage.completion)
        self.reasoning += int(usage.reasoning)


class WorkerCollector(Collector):
    """Shows a worker's numbers to Prometheus without counting anything twice."""

    def __init__(self, statistics: Statistics, gauges: Mapping[str, float]) -> None:
        self._statistics = statistics
        self._gauges = gauges

    def collect(self) -> list[Metric]:
        """All metrics now."""
        s = self._statistics
        requests = CounterMetricFamily(
            "cocoon_worker_requests", "Requests by how they ended.", labels=["outcome"]
        )
        for outcome in ("succeeded", "failed", "rejected", "cancelled"):
            requests.add_metric([outcome], getattr(s, outcome))
        tokens = CounterMetricFamily(
            "cocoon_worker_tokens", "Adjusted tokens of answers.", labels=["class"]
        )
        for name in ("prompt", "cached", "completion", "reasoning"):
            tokens.add_metric([name], getattr(s, name))
        estimated = CounterMetricFamily(
            "cocoon_worker_usage_estimated", "Answers whose usage the engine did not report."
        )
        estimated.add_metric([], s.estimated)
        gauges: list[Metric] = [
            GaugeMetricFamily(f"cocoon_worker_{name}", name.replace("_", " "), value=value)
            for name, value in self._gauges.items()
        ]
        return [requests, tokens, estimated, *gauges]


def prometheus_text(statistics: Statistics, gauges: Mapping[str, float]) -> bytes:
    """The metrics in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(WorkerCollector(statistics, {"requests_active": statistics.active, **gauges}))
    return generate_latest(registry)
