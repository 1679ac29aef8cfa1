"""Completions, embeddings, models, tokens and prices with the openai package and the real model."""

import base64
import json
import math
import struct
from typing import Any

import openai
import pytest

from cocoon.testing.plain_http import call
from cocoon.testing.served_network import ServedNetwork

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

MODEL = "SmolLM2-135M-Instruct"


def test_completion(ai: openai.OpenAI) -> None:
    answer = ai.completions.create(
        model=MODEL, prompt="One, two, three,", max_tokens=6, temperature=0
    )
    assert answer.object == "text_completion"
    assert answer.choices[0].text
    assert answer.usage is not None
    assert answer.usage.completion_tokens <= 6


def test_completion_stream(ai: openai.OpenAI) -> None:
    options: Any = {"model": MODEL, "prompt": "One, two, three,", "max_tokens": 6, "temperature": 0}
    whole = ai.completions.create(**options).choices[0].text
    with ai.completions.create(
        **options, stream=True, stream_options={"include_usage": True}
    ) as stream:
        chunks = list(stream)
    assert "".join(choice.text for chunk in chunks for choice in chunk.choices) == whole
    assert chunks[-1].usage is not None


def test_completion_of_several_prompts_with_stop_and_seed(ai: openai.OpenAI) -> None:
    answer = ai.completions.create(
        model=MODEL,
        prompt=["One, two,", "Red, green,"],
        max_tokens=4,
        stop="\n",
        seed=3,
        logprobs=1,
    )
    assert len(answer.choices) == 2


@pytest.mark.anyio
async def test_completion_async(async_ai: openai.AsyncOpenAI) -> None:
    answer = await async_ai.completions.create(model=MODEL, prompt="One,", max_tokens=2)
    assert answer.choices[0].text


def test_models(ai: openai.OpenAI) -> None:
    (model,) = ai.models.list().data
    assert model.id == MODEL
    assert model.object == "model"
    one = ai.models.retrieve(MODEL)
    assert one.id == MODEL
    extra = one.model_extra or {}
    assert extra["workers"][0]["coefficient"] >= 1
    assert extra["cocoon"]["context_length"] == 2048


@pytest.mark.anyio
async def test_models_async(async_ai: openai.AsyncOpenAI) -> None:
    assert [model.id async for model in async_ai.models.list()] == [MODEL]


def test_embeddings_as_floats_and_in_base64(ai: openai.OpenAI) -> None:
    words = ["a cat on a mat", "a kitten on a rug", "interest rates of central banks"]
    floats = ai.embeddings.create(model=MODEL, input=words, encoding_format="float")
    assert [item.index for item in floats.data] == [0, 1, 2]
    assert len({len(item.embedding) for item in floats.data}) == 1
    assert floats.usage.prompt_tokens > 0
    packed = ai.embeddings.create(model=MODEL, input=words, encoding_format="base64")
    for plain, item in zip(floats.data, packed.data, strict=True):
        text: Any = item.embedding
        raw = base64.b64decode(text)
        values = struct.unpack(f"<{len(raw) // 4}f", raw)
        assert values == pytest.approx(plain.embedding, rel=1e-4, abs=1e-6)
    cat, kitten, banks = (item.embedding for item in floats.data)
    assert cosine(cat, kitten) > cosine(cat, banks)


def test_embedding_of_one_text_as_the_package_asks_by_default(ai: openai.OpenAI) -> None:
    """The package asks for base64 by itself and decodes it."""
    (item,) = ai.embeddings.create(model=MODEL, input="hello").data
    assert all(isinstance(value, float) for value in item.embedding)


@pytest.mark.anyio
async def test_embeddings_async(async_ai: openai.AsyncOpenAI) -> None:
    answer = await async_ai.embeddings.create(model=MODEL, input=["one", "two"])
    assert len(answer.data) == 2


def cosine(a: list[float], b: list[float]) -> float:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    return dot / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def test_tokenize_and_back(served: ServedNetwork) -> None:
    text = "Hello, world"
    url = served.root_url
    asked = {"model": MODEL, "prompt": text}
    tokens = call("POST", f"{url}/tokenize", asked)
    assert tokens.status == 200, tokens.body
    numbers = tokens.json()["tokens"]
    assert numbers
    assert all(isinstance(number, int) for number in numbers)
    back = call("POST", f"{url}/detokenize", {"model": MODEL, "tokens": numbers})
    assert back.status == 200, back.body
    assert text in json.dumps(back.json())


def test_quote_bounds_what_the_request_costs(served: ServedNetwork, ai: openai.OpenAI) -> None:
    body: Any = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "Say hello."}],
        "max_tokens": 5,
    }
    quote = call("POST", f"{served.url}/quote", body)
    assert quote.status == 200, quote.body
    most = quote.json()["max_cost_nanoton"]
    raw = ai.chat.completions.with_raw_response.create(**body)
    assert 0 < int(raw.headers["x-cocoon-cost-nanoton"]) <= most
    with pytest.raises(openai.APIStatusError) as refused:
        ai.chat.completions.create(**body, extra_body={"max_cost": 1})
    assert refused.value.status_code == 402
