"""Load figures from an engine's ``/metrics`` (Prometheus text format).

Source: ``docs.vllm.ai/en/stable/usage/metrics``,
``docs.sglang.io/references/production_metrics.html``, ``tools/server/README.md`` of llama.cpp.
Nothing in the text is believed beyond its range, and nothing in it can raise.
"""

import math
import re
from functools import cache
from typing import Final

from cocoon.engine.base import EngineLoad
from cocoon.engine.dialects.dialect import Dialect

MAX_METRICS: Final = 4 << 20
"""Longest text in bytes that is read."""
MAX_SERIES: Final = 1024
"""Most series of one name (one for each data-parallel rank)."""
MAX_REQUESTS: Final = 1_000_000
"""Largest number of requests that is believed."""

_PREFIX_CACHE = re.compile(
    rb'^vllm:cache_config_info\{[^\n]*?\benable_prefix_caching="(True|False|None)"', re.MULTILINE
)


@cache
def _series(name: str) -> re.Pattern[bytes]:
    return re.compile(
        rb"^" + re.escape(name.encode()) + rb"(?:\{[^\n]*\})?[ \t]+([^ \t\n]{1,32})", re.MULTILINE
    )


def _values(text: bytes, name: str) -> list[float]:
    values = []
    for number, match in enumerate(_series(name).finditer(text)):
        if number == MAX_SERIES:
            break
        try:
            value = float(match[1])
        except ValueError:
            continue
        if math.isfinite(value) and value >= 0:
            values.append(value)
    return values


def read_load(dialect: Dialect, text: bytes) -> EngineLoad | None:
    """How busy the engine is, or None if the text has none of its figures.

    Requests are added up over all series, of the cache's use the highest counts.
    """
    if dialect.load_metrics is None or len(text) > MAX_METRICS:
        return None
    running_name, waiting_name, cache_names = dialect.load_metrics
    running = _values(text, running_name)
    waiting = _values(text, waiting_name)
    used = [value for name in cache_names for value in _values(text, name)]
    if not running and not waiting and not used:
        return None
    return EngineLoad(
        running=_count(running),
        waiting=_count(waiting),
        kv_used=min(1.0, max(used)) if used else None,
    )


def _count(values: list[float]) -> int | None:
    return int(min(sum(values), MAX_REQUESTS)) if values else None


def prefix_cache_is_off(text: bytes) -> bool:
    """Whether a vLLM says that it caches no prompts: each of its engines, and at least one."""
    if len(text) > MAX_METRICS:
        return False
    found = [match[1] for match in _PREFIX_CACHE.finditer(text)]
    return bool(found) and all(value == b"False" for value in found)
