"""Counters of a proxy, for its status page and for Prometheus; never anything of a request."""

from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cocoon.accounting import AdjustedUsage, Tokens


@dataclass(frozen=True, slots=True)
class Gauge:
    """A number that is read when somebody asks."""

    help: str
    value: Callable[[], float]


class Statistics:
    """What has happened since the process started; plain integers, bumped on the hot path."""

    __slots__ = (
        "cached",
        "charged",
        "completion",
        "failed",
        "prompt",
        "queries",
        "reasoning",
        "rejected",
        "succeeded",
    )

    def __init__(self) -> None:
        self.queries = 0
        self.succeeded = 0
        self.failed = 0
        self.rejected = 0
        self.prompt = 0
        self.cached = 0
        self.completion = 0
        self.reasoning = 0
        self.charged = 0

    def finished(self, usage: AdjustedUsage, charged: Tokens) -> None:
        """Count a request that succeeded."""
        self.succeeded += 1
        self.prompt += int(usage.prompt)
        self.cached += int(usage.cached)
        self.completion += int(usage.completion)
        self.reasoning += int(usage.reasoning)
        self.charged += int(charged)


class ProxyCollector(Collector):
    """Shows a proxy's numbers to Prometheus without counting anything twice.

    Args:
        statistics: the counters.
        gauges: name → callable that gives the present value.
    """

    def __init__(self, statistics: Statistics, gauges: dict[str, Gauge]) -> None:
        self._statistics = statistics
        self._gauges = gauges

    def collect(self) -> list[Metric]:
        """All metrics now."""
        s = self._statistics
        requests = CounterMetricFamily(
            "cocoon_proxy_requests", "Requests by how they ended.", labels=["outcome"]
        )
        for outcome, count in (
            ("success", s.succeeded),
            ("failed", s.failed),
            ("rejected", s.rejected),
        ):
            requests.add_metric([outcome], count)
        tokens = CounterMetricFamily(
            "cocoon_proxy_tokens", "Adjusted tokens reported by workers.", labels=["class"]
        )
        for name in ("prompt", "cached", "completion", "reasoning"):
            tokens.add_metric([name], getattr(s, name))
        charged = CounterMetricFamily("cocoon_proxy_tokens_charged", "Adjusted tokens charged.")
        charged.add_metric([], s.charged)
        gauges: list[Metric] = [
            GaugeMetricFamily(f"cocoon_proxy_{name}", gauge.help, value=gauge.value())
            for name, gauge in self._gauges.items()
        ]
        return [requests, tokens, charged, *gauges]


def prometheus_text(collector: ProxyCollector) -> bytes:
    """The metrics in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return generate_latest(registry)
