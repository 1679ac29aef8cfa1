"""Metering against recorded and written-down answer shapes (vectors/engine/metering.json)."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cocoon.engine.metering import MAX_JSON_SIZE, Meter, MeteredUsage, UsageCost
from cocoon.engine.sse import MAX_EVENT_SIZE

VECTORS = json.loads(
    (Path(__file__).parents[3] / "vectors/engine/metering.json").read_text(encoding="utf-8")
)


def meter_of(vector: dict[str, Any], **more: Any) -> Meter:
    names = ("status", "content_type", "request_size", "max_tokens")
    return Meter(**{name: vector[name] for name in names}, **more)


def pieces(body: bytes, size: int) -> list[bytes]:
    return [body[i : i + size] for i in range(0, len(body), size)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_vector(vector: dict[str, Any], size: int) -> None:
    meter = meter_of(vector)
    for chunk in pieces(vector["body"].encode(), size):
        assert meter.feed(chunk) is chunk
    assert meter.end() == b""
    assert msgspec.to_builtins(meter.finish()) == vector["expect"]


def cost(usage: MeteredUsage) -> UsageCost:
    return UsageCost(
        usage.prompt * 2, usage.completion * 3, usage.prompt * 2 + usage.completion * 3
    )


@pytest.mark.parametrize("size", [1, 5, 10_000])
@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["name"])
def test_annotating_changes_neither_usage_nor_anything_else(
    vector: dict[str, Any], size: int
) -> None:
    meter = meter_of(vector, annotate=cost)
    out = b"".join(meter.feed(chunk) for chunk in pieces(vector["body"].encode(), size))
    out += meter.end()
    assert msgspec.to_builtins(meter.finish()) == vector["expect"]
    if b"total_cost" not in out:
        assert out == vector["body"].encode()


def test_costs_stand_in_the_last_event() -> None:
    vector = next(v for v in VECTORS if v["name"] == "vllm stream")
    meter = meter_of(vector, annotate=cost)
    out = meter.feed(vector["body"].encode()) + meter.end()
    before, _, last = out.decode().removesuffix("data: [DONE]\n\n").strip().rpartition("data: ")
    usage = json.loads(last)["usage"]
    assert (usage["prompt_total_cost"], usage["completion_total_cost"]) == (62, 6)
    assert usage["total_cost"] == 68
    assert usage["prompt_tokens_details"] == {"cached_tokens": 16}
    assert vector["body"].startswith(before)


def test_costs_stand_in_a_json_answer() -> None:
    vector = next(v for v in VECTORS if v["name"] == "json")
    meter = meter_of(vector, annotate=cost)
    assert meter.feed(vector["body"].encode()) == b""
    answer = json.loads(meter.end())
    assert answer["usage"].pop("total_cost") == 30
    del answer["usage"]["prompt_total_cost"], answer["usage"]["completion_total_cost"]
    assert answer == json.loads(vector["body"])


@pytest.mark.parametrize("annotate", [None, cost])
def test_an_event_without_end_is_passed_on_and_estimated(annotate: Any) -> None:
    meter = Meter(status=200, content_type="text/event-stream", request_size=4, annotate=annotate)
    body = b"data: " + b"x" * (MAX_EVENT_SIZE + 10) + b"\n\ndata: y\n\n"
    out = b"".join(meter.feed(chunk) for chunk in pieces(body, 65536)) + meter.end()
    assert out == body
    usage = meter.finish()
    assert usage.estimated
    assert usage.completion == -(-len(body) // 4)


@pytest.mark.parametrize("annotate", [None, cost])
def test_a_body_without_end_is_passed_on_and_estimated(annotate: Any) -> None:
    meter = Meter(status=200, content_type="application/json", request_size=4, annotate=annotate)
    body = b"[" * (MAX_JSON_SIZE + 10)
    out = b"".join(meter.feed(chunk) for chunk in pieces(body, 1 << 20)) + meter.end()
    assert out == body
    assert meter.finish() == MeteredUsage(1, 0, -(-len(body) // 4), 0, True)
