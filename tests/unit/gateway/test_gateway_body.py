import json
from typing import Any

import pytest

from cocoon.client.proxy_pins import NO_PINS, ProxyPins
from cocoon.gateway.reading.body import Endpoint, read_call
from cocoon.gateway.reading.incoming import InferenceCall
from cocoon.gateway.refusal import Refusal
from cocoon.gateway.settings import GatewaySettings

SETTINGS = GatewaySettings()
MESSAGES = [{"role": "user", "content": "hello"}]


def chat(**fields: Any) -> InferenceCall:
    body = {"model": "demo", "messages": MESSAGES, **fields}
    return read_call(Endpoint.CHAT, json.dumps(body).encode(), SETTINGS)


def completion(**fields: Any) -> InferenceCall:
    body = {"model": "demo", "prompt": "hello", **fields}
    return read_call(Endpoint.COMPLETIONS, json.dumps(body).encode(), SETTINGS)


def shows_usage(call: InferenceCall) -> bool:
    event = b'data: {"choices":[],"usage":{"prompt_tokens":1}}\n\n'
    return bool(call.shape.feed(event) + call.shape.finish(None))


def sent(call: InferenceCall) -> dict[str, Any]:
    result = json.loads(call.request.body)
    assert isinstance(result, dict)
    return result


def test_defaults_are_declared_and_written_into_the_body() -> None:
    call = chat()
    assert (call.request.model, call.request.max_tokens, call.request.max_coefficient) == (
        "demo",
        1000,
        4000,
    )
    assert (call.request.timeout, call.request.debug, call.stream) == (120.0, False, False)
    assert sent(call) == {"model": "demo", "messages": MESSAGES, "max_tokens": 1000}


def test_own_fields_are_taken_out() -> None:
    call = chat(max_coefficient=1500, timeout=2.5, enable_debug=True, request_guid="abc")
    assert (call.request.max_coefficient, call.request.timeout, call.request.debug) == (
        1500,
        2.5,
        True,
    )
    assert set(sent(call)) == {"model", "messages", "max_tokens"}


def test_unknown_fields_stay_byte_for_byte() -> None:
    body = b'{"model":"demo","messages":[ {"role":"user", "content":"\\u0041 1.50"} ],"x":1.50e1}'
    call = read_call(Endpoint.CHAT, body, SETTINGS)
    assert b'[ {"role":"user", "content":"\\u0041 1.50"} ]' in call.request.body
    assert b'"x":1.50e1' in call.request.body


def test_a_pinned_model_stays_pinned() -> None:
    call = chat(model="org/demo@main:0123")
    assert call.request.model == "org/demo@main:0123"
    assert sent(call)["model"] == "org/demo@main:0123"


@pytest.mark.parametrize("model", ["demo@", "demo@main", "demo@main:", "demo@:0123"])
def test_half_a_pin_is_refused_instead_of_ignored(model: str) -> None:
    with pytest.raises(Refusal, match="NAME@COMMIT:HASH"):
        chat(model=model)


def test_null_means_not_given() -> None:
    call = chat(max_tokens=None, stream=None, timeout=None, n=None, temperature=None, tools=None)
    assert set(sent(call)) == {"model", "messages", "max_tokens"}
    with pytest.raises(Refusal) as caught:
        chat(messages=None)
    assert caught.value.param == "messages"


def test_max_completion_tokens_overrides_max_tokens() -> None:
    call = chat(max_tokens=10, max_completion_tokens=20)
    assert call.request.max_tokens == 20
    assert "max_tokens" not in sent(call)
    assert sent(call)["max_completion_tokens"] == 20
    call = completion(max_tokens=10, max_completion_tokens=20)
    assert sent(call)["max_tokens"] == 20
    assert "max_completion_tokens" not in sent(call)


def test_zero_tokens_and_the_largest_number_are_taken() -> None:
    assert chat(max_tokens=0).request.max_tokens == 0
    assert chat(max_tokens=2**31 - 1).request.max_tokens == 2**31 - 1


@pytest.mark.parametrize(
    ("fields", "tokens"),
    [
        ({"n": 3}, 30),
        ({"n": 2, "best_of": 5}, 50),
        ({"prompt": ["a", "b", "c"]}, 30),
        ({"prompt": [1, 2, 3]}, 10),
        ({"prompt": [[1, 2], [3]]}, 20),
        ({"prompt": ["a", "b"], "n": 2}, 40),
    ],
)
def test_every_choice_is_reserved_for(fields: dict[str, Any], tokens: int) -> None:
    assert completion(max_tokens=10, **fields).request.max_tokens == tokens


def test_best_of_means_nothing_to_chat() -> None:
    assert chat(max_tokens=10, n=2, best_of=7).request.max_tokens == 20


def test_streams_always_carry_usage_into_the_network() -> None:
    call = chat(stream=True)
    assert call.stream
    assert not shows_usage(call)
    assert sent(call)["stream_options"] == {"include_usage": True}
    call = chat(stream=True, stream_options={"include_usage": True})
    assert shows_usage(call)
    call = chat(stream=True, stream_options={"include_obfuscation": False, "include_usage": False})
    assert not shows_usage(call)
    assert sent(call)["stream_options"] == {"include_obfuscation": False, "include_usage": True}


def test_a_timeout_is_capped() -> None:
    assert chat(timeout=10**9).request.timeout == SETTINGS.max_timeout


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": 5}, "model"),
        ({"model": ""}, "model"),
        ({"model": "@x"}, "model"),
        ({"model": "a\nb"}, "model"),
        ({"model": "x" * 300}, "model"),
        ({"messages": "hello"}, "messages"),
        ({"messages": {}}, "messages"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 2**31}, "max_tokens"),
        ({"max_tokens": 2**63}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_tokens": "10"}, "max_tokens"),
        ({"max_tokens": True}, "max_tokens"),
        ({"max_completion_tokens": -5}, "max_completion_tokens"),
        ({"max_coefficient": -1}, "max_coefficient"),
        ({"max_coefficient": 1.0}, "max_coefficient"),
        ({"timeout": 0}, "timeout"),
        ({"timeout": -3}, "timeout"),
        ({"timeout": "5"}, "timeout"),
        ({"timeout": True}, "timeout"),
        ({"enable_debug": 1}, "enable_debug"),
        ({"request_guid": 7}, "request_guid"),
        ({"request_guid": "x" * 1000}, "request_guid"),
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"n": 128, "max_tokens": 2**31 - 1}, "n"),
        ({"stream": "yes"}, "stream"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": True, "stream_options": [1]}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
    ],
)
def test_wrong_fields_are_refused_by_name(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(Refusal) as caught:
        chat(**fields)
    assert (caught.value.param, caught.value.status) == (param, 400)


@pytest.mark.parametrize("prompt", [5, {}, [], None, True])
def test_a_prompt_is_text_or_a_list(prompt: Any) -> None:
    with pytest.raises(Refusal) as caught:
        completion(prompt=prompt)
    assert caught.value.param == "prompt"


@pytest.mark.parametrize("number", [b"1e400", b"-1e999", b"9" * 65, b"0." + b"1" * 100])
def test_absurd_numbers_are_refused(number: bytes) -> None:
    body = b'{"model":"m","messages":[{"role":"user","content":"hi"}],"seed":' + number + b"}"
    with pytest.raises(Refusal):
        read_call(Endpoint.CHAT, body, SETTINGS)


def test_the_body_is_not_in_the_repr() -> None:
    assert "hello" not in repr(chat())


def test_pins_are_read_and_taken_out() -> None:
    image = "ab" * 32
    call = chat(pin={"proxy_images": [image], "evidence": ["tdx", "snp"]})
    assert call.request.pins == ProxyPins(frozenset({image}), frozenset({"tdx", "snp"}))
    assert "pin" not in sent(call)
    assert chat(pin={}).request.pins == NO_PINS == chat().request.pins
    assert chat(pin={"evidence": []}).request.pins.evidence == frozenset()


@pytest.mark.parametrize(
    "pin",
    [
        "tdx",
        [],
        {"image": ["ab" * 32]},
        {"proxy_images": "ab" * 32},
        {"proxy_images": ["AB" * 32]},
        {"proxy_images": ["ab" * 31]},
        {"evidence": [1]},
        {"evidence": ["TDX"]},
        {"evidence": ["bogus"]},
        {"evidence": ["tdx"] * 65},
    ],
)
def test_a_pin_that_is_not_understood_refuses_the_request(pin: Any) -> None:
    with pytest.raises(Refusal, match="'pin' must be") as refused:
        chat(pin=pin)
    assert refused.value.param == "pin"
