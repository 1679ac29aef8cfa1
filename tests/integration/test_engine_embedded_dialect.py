"""The real llama.cpp: what it is found to be, and that a closed answer frees its only slot."""

import asyncio
import json
from collections.abc import AsyncIterator

import msgspec
import pytest

from cocoon.engine.base import EngineRequest
from cocoon.engine.llama import MODEL_ALIAS, LlamaEngine, LlamaSettings
from cocoon.engine.request_rules import encode_body

pytest.importorskip("xllamacpp")
pytestmark = pytest.mark.anyio
PATH = "/v1/completions"
FREED_WITHIN = 0.1
"""Seconds from closing an answer to the first token of the next request, in the best of some."""


@pytest.fixture
async def engine() -> AsyncIterator[LlamaEngine]:
    running = LlamaEngine(LlamaSettings(slots=1, context=512))
    await running.start()
    yield running
    await running.close()


async def test_one_slot_is_free_at_once_and_the_engine_says_what_it_can(
    engine: LlamaEngine,
) -> None:
    what = await engine.capabilities(MODEL_ALIAS)
    assert (what.engine, what.context_length) == ("llama.cpp", 512)
    assert {"chat", "completions", "tokenize", "json-schema"} <= set(what.features)
    assert not what.refusal
    loop = asyncio.get_running_loop()
    took = []
    for _ in range(5):
        long = await engine.send(_request(engine, max_tokens=400), loop.time() + 20)
        assert await long.next_chunk()
        closed = loop.time()
        await long.aclose()
        short = await engine.send(_request(engine, max_tokens=1), loop.time() + 20)
        assert await short.next_chunk()
        took.append(loop.time() - closed)
        await short.aclose()
    assert min(took) < FREED_WITHIN, took
    path, fields = engine.prepare("/tokenize", {"prompt": msgspec.Raw(b'"Hello world"')}, bytes(32))
    answer = await engine.send(
        EngineRequest("POST", path, body=encode_body(fields)), loop.time() + 20
    )
    assert json.loads(await answer.next_chunk() or b"")["count"] == 2


def _request(engine: LlamaEngine, max_tokens: int) -> EngineRequest:
    body = {"model": MODEL_ALIAS, "prompt": "a", "max_tokens": max_tokens, "stream": True}
    raw = {name: msgspec.Raw(json.dumps(value).encode()) for name, value in body.items()}
    path, fields = engine.prepare(PATH, raw, bytes(32))
    return EngineRequest("POST", path, body=encode_body(fields))
