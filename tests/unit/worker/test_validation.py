"""The worker's allow-list: what official ones take, what they wrongly refuse, what nobody may."""

import msgspec
import pytest

from cocoon.errors import BadRequestError
from cocoon.worker.validation import (
    CHAT_FIELDS,
    CHAT_PATH,
    COMPLETION_FIELDS,
    COMPLETIONS_PATH,
    path_of,
    validate,
)

CHAT = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
COMPLETION = {"model": "m", "prompt": "hi"}


def accept(path: str, body: object) -> dict[str, object]:
    accepted = validate(path, msgspec.json.encode(body), "m")
    assert "hi" not in repr(accepted)
    return msgspec.json.decode(accepted.body)


OFFICIAL_CHAT = {
    "frequency_penalty": -2,
    "presence_penalty": 7.5,
    "temperature": 0.7,
    "top_p": 1,
    "max_tokens": 0,
    "max_completion_tokens": 10,
    "n": 1,
    "stop": ["a", "b"],
    "stream": False,
    "parallel_tool_calls": True,
    "prediction": 3,
    "reasoning_effort": "low",
    "verbosity": "high",
    "response_format": {"type": "json_object"},
    "top_logprobs": 5,
    "chat_template_kwargs": {"enable_thinking": False},
}
OFFICIAL_COMPLETION = {
    "best_of": 2,
    "echo": False,
    "skip_special_tokens": True,
    "seed": -5,
    "suffix": True,
    "stop": "x",
    "n": 2,
}
WRONGLY_REFUSED = {
    "tools": [{"type": "function", "function": {"name": "f"}}],
    "tool_choice": "auto",
    "functions": [],
    "seed": 7,
    "user": "u",
    "logprobs": True,
    "logit_bias": {"1": -100},
    "metadata": {},
    "store": False,
    "service_tier": "auto",
    "safety_identifier": "x",
    "prompt_cache_key": "x",
    "top_k": -1,
    "min_p": 0.1,
    "repetition_penalty": 1.1,
    "ignore_eos": True,
    "prediction": {"type": "content", "content": "x"},
}


@pytest.mark.parametrize(("name", "value"), [*OFFICIAL_CHAT.items(), *WRONGLY_REFUSED.items()])
def test_allowed_chat_fields(name: str, value: object) -> None:
    assert accept(CHAT_PATH, {**CHAT, name: value})[name] == value


@pytest.mark.parametrize(("name", "value"), OFFICIAL_COMPLETION.items())
def test_allowed_completion_fields(name: str, value: object) -> None:
    assert accept(COMPLETIONS_PATH, {**COMPLETION, name: value})[name] == value


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("frequency_penalty", 2.1),
        ("frequency_penalty", "1"),
        ("temperature", "hot"),
        ("temperature", True),
        ("max_tokens", -1),
        ("max_tokens", 1.5),
        ("max_tokens", "5"),
        ("n", 0),
        ("n", 2**70),
        ("stream", 1),
        ("stream_options", []),
        ("stream_options", {"include_usage": 1}),
        ("stream_options", {"other": True}),
        ("chat_template_kwargs", {"enable_thinking": "yes"}),
        ("chat_template_kwargs", {"template": "x"}),
        ("top_logprobs", -1),
        ("tools", {}),
        ("tool_choice", 1),
        ("store", True),
        ("seed", 1.5),
        ("messages", {}),
        ("messages", None),
        ("model", 5),
        ("model", None),
    ],
)
def test_wrong_values(name: str, value: object) -> None:
    with pytest.raises(BadRequestError, match=name):
        accept(CHAT_PATH, {**CHAT, name: value})


@pytest.mark.parametrize(
    "name", ["web_search_options", "audio", "modalities", "__proto__", "best_of"]
)
def test_unknown_fields(name: str) -> None:
    with pytest.raises(BadRequestError, match=f"unknown option '{name}'"):
        accept(CHAT_PATH, {**CHAT, name: 1})


def test_names_that_are_no_names_are_not_repeated() -> None:
    with pytest.raises(BadRequestError) as refused:
        accept(CHAT_PATH, {**CHAT, "my secret prompt": 1})
    assert "secret" not in str(refused.value)


def test_null_is_the_same_as_leaving_out() -> None:
    body = accept(CHAT_PATH, {**CHAT, "temperature": None, "stream": None, "tools": None})
    assert body == CHAT


@pytest.mark.parametrize(("path", "good"), [(CHAT_PATH, CHAT), (COMPLETIONS_PATH, COMPLETION)])
def test_required_fields(path: str, good: dict[str, object]) -> None:
    for name in good:
        body = {key: value for key, value in good.items() if key != name}
        with pytest.raises(BadRequestError, match=f"'{name}' is missing"):
            accept(path, body)


def test_a_pinned_request_names_all_of_our_model() -> None:
    full = "m@c1:" + "0" * 64
    body = b'{"model":"%s","messages":[]}'
    for model in ("m", full):
        accepted = validate(CHAT_PATH, body % model.encode(), "m", full)
        assert msgspec.json.decode(accepted.body)["model"] == "m"  # what the engine knows
    for model in (full[:-1], full + "0", "m@c2:" + "0" * 64, "m@c1", "m@", "other"):
        with pytest.raises(BadRequestError, match="another model"):
            validate(CHAT_PATH, body % model.encode(), "m", full)
    for ours in ("", "m@c2:" + "0" * 64):
        with pytest.raises(BadRequestError, match="another model"):
            validate(CHAT_PATH, body % full.encode(), "m", ours)


def test_only_our_model() -> None:
    with pytest.raises(BadRequestError, match="another model"):
        accept(CHAT_PATH, {**CHAT, "model": "n"})
    assert accept(CHAT_PATH, {**CHAT, "model": "m"})


def test_rewrites_for_streams() -> None:
    on = {"include_usage": True}
    assert accept(CHAT_PATH, {**CHAT, "stream": True})["stream_options"] == on
    assert accept(CHAT_PATH, {**CHAT, "stream_options": {}})["stream"] is True
    off = {**CHAT, "stream": True, "stream_options": {"include_usage": False}}
    assert accept(CHAT_PATH, off)["stream_options"] == on
    assert "stream_options" not in accept(CHAT_PATH, {**CHAT, "stream": False})


@pytest.mark.parametrize(
    ("path", "extra", "limit"),
    [
        (CHAT_PATH, {}, None),
        (CHAT_PATH, {"max_tokens": 7}, 7),
        (CHAT_PATH, {"max_tokens": 7, "max_completion_tokens": 5}, 5),
        (CHAT_PATH, {"max_tokens": 7, "n": 3}, 21),
        (COMPLETIONS_PATH, {"max_tokens": 7, "n": 2, "best_of": 4}, 28),
        (COMPLETIONS_PATH, {"max_tokens": 7, "prompt": ["a", "b"]}, 14),
        (COMPLETIONS_PATH, {"max_tokens": 7, "prompt": [1, 2, 3]}, 7),
        (COMPLETIONS_PATH, {"max_tokens": 7, "prompt": [[1], [2], [3]]}, 21),
        (COMPLETIONS_PATH, {"max_tokens": 7, "prompt": []}, 7),
    ],
)
def test_token_limit(path: str, extra: dict[str, object], limit: int | None) -> None:
    base = CHAT if path == CHAT_PATH else COMPLETION
    body = msgspec.json.encode({**base, **extra})
    assert validate(path, body, "m").max_tokens == limit


def test_too_many_prompts() -> None:
    with pytest.raises(BadRequestError, match="prompts"):
        accept(COMPLETIONS_PATH, {"model": "m", "prompt": ["a"] * 3000})


@pytest.mark.parametrize("url", ["", "/", "v1", "/v1/files", "/v1/chat/completions/", "/metrics"])
def test_other_paths(url: str) -> None:
    with pytest.raises(BadRequestError, match="unsupported method"):
        validate(url, msgspec.json.encode(CHAT), "m")


def test_the_path_begins_at_the_first_slash() -> None:
    assert path_of("host/v1/completions") == COMPLETIONS_PATH
    assert validate("x/v1/chat/completions", msgspec.json.encode(CHAT), "m")


def test_the_tables_agree_on_common_fields() -> None:
    common = set(CHAT_FIELDS) & set(COMPLETION_FIELDS)
    assert {"model", "temperature", "stream", "seed"} <= common
    assert all(
        CHAT_FIELDS[name] is COMPLETION_FIELDS[name] for name in common if name != "logprobs"
    )
