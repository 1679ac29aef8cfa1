"""Failures arrive as the classes of the openai package, with what a program needs to know."""

import asyncio
import os
import signal
from typing import Any

import openai
import pytest

from cocoon.gateway import GatewaySettings, hash_api_key
from cocoon.testing.plain_http import call
from cocoon.testing.served_gateway import ServedGateway
from cocoon.testing.served_network import ServedNetwork

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]

MODEL = "SmolLM2-135M-Instruct"
HELLO: Any = [{"role": "user", "content": "Say hello."}]


def ask(ai: openai.OpenAI, **more: Any) -> Any:
    return ai.chat.completions.create(
        **{"model": MODEL, "messages": HELLO, "max_tokens": 4, **more}
    )


@pytest.mark.parametrize(
    ("more", "param", "code"),
    [
        ({"temperature": 3}, "temperature", "decimal_above_max_value"),
        ({"max_tokens": "many"}, "max_tokens", "invalid_type"),
        ({"n": 0}, "n", "integer_below_min_value"),
        ({"messages": "hello"}, "messages", "invalid_type"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop", "array_above_max_length"),
        ({"tool_choice": "required"}, "tool_choice", "invalid_value"),
        ({"response_format": {"type": "yaml"}}, "response_format.type", "invalid_value"),
        ({"logprobs": False, "top_logprobs": 3}, "top_logprobs", "invalid_value"),
        ({"store": True}, "store", "unsupported_parameter"),
        ({"web_search_options": {}}, "web_search_options", "unsupported_parameter"),
    ],
)
def test_bad_requests_name_the_field(
    ai: openai.OpenAI, more: dict[str, Any], param: str, code: str
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        ask(ai, **more)
    assert refused.value.status_code == 400
    assert refused.value.type == "invalid_request_error"
    assert refused.value.param == param
    assert refused.value.code == code
    assert refused.value.request_id


def test_a_field_that_nobody_knows_is_refused_and_costs_nothing(ai: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        ask(ai, extra_body={"no_such_field": 1})
    assert "no_such_field" in refused.value.message


def test_an_unknown_model(ai: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        ask(ai, model="no-such-model")
    assert unknown.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError):
        ai.models.retrieve("no-such-model")


def test_a_prompt_that_is_too_long(ai: openai.OpenAI) -> None:
    long: Any = [{"role": "user", "content": "word " * 4000}]
    with pytest.raises(openai.BadRequestError) as refused:
        ask(ai, messages=long)
    assert "word word" not in refused.value.message


def test_no_worker_is_cheap_enough(ai: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        ask(ai, extra_body={"max_coefficient": 1})
    assert refused.value.status_code in (402, 502, 503)
    assert refused.value.response.headers["x-should-retry"] in ("true", "false")


def test_no_worker_makes_pictures(ai: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as refused:
        ai.images.generate(model=MODEL, prompt="a cat")
    assert refused.value.status_code < 500 or refused.value.code == "unavailable"


def test_paths_and_methods_that_are_not_there(served: ServedNetwork) -> None:
    missing = call("POST", f"{served.url}/fine_tuning/jobs", {})
    assert (missing.status, missing.json()["error"]["code"]) == (404, "not_found")
    wrong = call("GET", f"{served.url}/chat/completions")
    assert (wrong.status, wrong.headers["allow"]) == (405, "POST, OPTIONS")


def test_a_body_that_is_too_large(served: ServedNetwork) -> None:
    body = b'{"model":"' + b"x" * (9 * 2**20) + b'"}'
    answer = call("POST", f"{served.url}/chat/completions", body)
    assert answer.status == 413
    assert answer.json()["error"]["code"] == "request_too_large"


def test_a_deadline(ai: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError) as late:
        ask(ai, max_tokens=1500, extra_body={"timeout": 0.3, "ignore_eos": True})
    assert late.value.status_code == 504
    assert late.value.code == "timeout"


def test_keys_and_a_full_gateway(served: ServedNetwork) -> None:
    client = served.network.clients[0]
    settings = GatewaySettings(
        api_key_hashes=(hash_api_key("right"),), allowed_origins=(), max_running=0
    )
    wrapped = _OnItsThread(served, client)
    with ServedGateway(wrapped, settings=settings) as gateway:  # type: ignore[arg-type]
        url = f"{gateway.url}/v1"
        with (
            openai.OpenAI(base_url=url, api_key="wrong", max_retries=0) as ai,
            pytest.raises(openai.AuthenticationError) as unknown,
        ):
            ask(ai)
        assert unknown.value.code == "invalid_api_key"
        with openai.OpenAI(base_url=url, api_key="right", max_retries=0) as ai:
            with pytest.raises(openai.RateLimitError) as busy:
                ask(ai)
            assert busy.value.response.headers["retry-after"]
            with pytest.raises(openai.PermissionDeniedError):
                ask(ai, extra_headers={"Origin": "https://example.org"})


class _OnItsThread:
    """The network's client, for a gateway on another thread; only what is needed to refuse."""

    def __init__(self, served: ServedNetwork, client: Any) -> None:
        self._served = served
        self._client = client

    @property
    def ready(self) -> bool:
        return bool(self._client.ready)

    def bound(self, request: Any) -> Any:
        return self._client.bound(request)


def test_a_stream_that_breaks_off_ends_with_an_error(served: ServedNetwork) -> None:
    """The engine dies in mid-stream: the package raises, and the answer did not end as if whole."""
    engine = served.network.workers[0].settings.engine
    with openai.OpenAI(base_url=served.url, api_key="none", max_retries=0, timeout=40) as ai:
        stream = ask(
            ai, max_tokens=1500, stream=True, extra_body={"ignore_eos": True, "timeout": 30}
        )
        for _, _ in zip(range(5), stream, strict=False):
            pass
        served.call(_kill(engine))
        with pytest.raises(openai.APIError) as broken:
            list(stream)
        assert broken.value.code in ("engine_error", "upstream_error", "unavailable")
    served.call(_until_ready(engine))
    with openai.OpenAI(base_url=served.url, api_key="none", timeout=40) as ai:
        assert ask(ai).choices


async def _kill(engine: Any) -> None:
    os.kill(engine.pid, signal.SIGKILL)


async def _until_ready(engine: Any) -> None:
    while not (await engine.check()).ready:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.3)
