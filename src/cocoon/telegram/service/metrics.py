"""Counters of a Telegram service for Prometheus; nothing in them names a person or a chat."""

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Number = Callable[[], float]


class Figures(Collector):
    """Reads figures when somebody asks.

    Args:
        gauges: help text and source by name.
        counters: likewise, of what only grows.
    """

    def __init__(
        self, gauges: dict[str, tuple[str, Number]], counters: dict[str, tuple[str, Number]]
    ) -> None:
        self._gauges = gauges
        self._counters = counters
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def collect(self) -> Iterator[Metric]:
        """See ``prometheus_client``."""
        for name, (text, number) in self._gauges.items():
            yield GaugeMetricFamily(f"cocoon_telegram_{name}", text, value=number())
        for name, (text, number) in self._counters.items():
            yield CounterMetricFamily(f"cocoon_telegram_{name}", text, value=number())

    def text(self) -> bytes:
        """The page."""
        return bytes(generate_latest(self._registry))
