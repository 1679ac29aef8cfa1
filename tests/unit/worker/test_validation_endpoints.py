"""The allow-lists beyond chat and completions, what nested values may be, forms, and the cap."""

from typing import Any

import msgspec
import pytest

from cocoon.errors import BadRequestError
from cocoon.wire import features
from cocoon.wire.refusals import param_of
from cocoon.worker.rules.form import parse_form
from cocoon.worker.validation import CHAT_PATH, COMPLETIONS_PATH, ENDPOINTS, validate

CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}
SPEECH = "/v1/audio/transcriptions"


def accept(path: str, **body: Any) -> Any:
    return msgspec.json.decode(validate(path, msgspec.json.encode({"model": "m"} | body), "m").body)


def refused(path: str, **body: Any) -> str:
    with pytest.raises(BadRequestError) as error:
        accept(path, **body)
    assert "hidden" not in str(error.value)
    return param_of(str(error.value)) or ""


def test_there_are_rules_for_every_endpoint_of_the_wire() -> None:
    assert set(ENDPOINTS) == set(features.ENDPOINTS)


GOOD: list[tuple[str, dict[str, Any]]] = [
    ("/v1/embeddings", {"input": ["a", "b"], "encoding_format": "base64", "dimensions": 8}),
    ("/v1/embeddings", {"input": [[1, 2], [3]]}),
    ("/v1/rerank", {"query": "q", "documents": ["a", {"text": "b"}], "top_n": 1}),
    ("/v1/moderations", {"input": ["a", {"type": "text", "text": "b"}]}),
    ("/tokenize", {"prompt": "a", "add_special_tokens": False}),
    ("/tokenize", {"messages": CHAT["messages"]}),
    ("/detokenize", {"tokens": [1, 2]}),
    ("/v1/images/generations", {"prompt": "a", "n": 2, "response_format": "b64_json"}),
    ("/v1/audio/speech", {"input": "a", "voice": "b", "speed": 1.5}),
]


@pytest.mark.parametrize(("path", "body"), GOOD)
def test_bodies_of_other_endpoints(path: str, body: dict[str, Any]) -> None:
    assert accept(path, **body) == {"model": "m", **body}
    assert refused(path, **body, stream_options={}) == "stream_options"
    for name in ENDPOINTS[path].required[1:]:
        assert refused(path, **{key: body[key] for key in body if key != name}) == name


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/embeddings", {"input": [1, "hidden"]}, "input"),
        ("/v1/embeddings", {"input": {"a": 1}}, "input"),
        ("/v1/embeddings", {"input": "a", "encoding_format": "hidden"}, "encoding_format"),
        ("/v1/rerank", {"query": "q", "documents": []}, "documents"),
        ("/v1/rerank", {"query": "q", "documents": [1]}, "documents[0]"),
        ("/tokenize", {}, "prompt"),
        ("/tokenize", {"prompt": "a", "messages": []}, "messages"),
        ("/detokenize", {"tokens": ["hidden"]}, "tokens"),
        ("/v1/images/generations", {"prompt": "a", "response_format": "url"}, "response_format"),
        ("/v1/images/generations", {"prompt": "a", "n": 11}, "n"),
        ("/v1/audio/speech", {"input": "a", "voice": "b", "speed": 9}, "speed"),
        (COMPLETIONS_PATH, {"prompt": ["a", 1]}, "prompt"),
        (COMPLETIONS_PATH, {"prompt": "a", "logprobs": 21}, "logprobs"),
        (COMPLETIONS_PATH, {"prompt": "a", "best_of": 1000}, "best_of"),
    ],
)
def test_wrong_bodies_of_other_endpoints(path: str, body: dict[str, Any], field: str) -> None:
    assert refused(path, **body) == field


def image(url: object) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": url}]}]}


def test_images_come_as_data_and_never_as_urls() -> None:
    url = "data:image/png;base64,AAAA"
    for good in ({"url": url}, {"url": url, "detail": "low"}, url):
        assert accept(CHAT_PATH, **image(good))["messages"] == image(good)["messages"]
    escaped = b'{"model":"m","messages":[{"role":"user","content":[{"type":"image_url",'
    escaped += b'"image_url":{"url":"data:image\\/png;base64,AA=="}}]}]}'
    assert validate(CHAT_PATH, escaped, "m")
    where = "messages[0].content[0].image_url"
    for bad in ("https://hidden/x.png", "http://169.254.169.254/", "file:///hidden", "data:,x"):
        assert refused(CHAT_PATH, **image({"url": bad})) == f"{where}.url"
        assert refused(CHAT_PATH, **image(bad)) == where


def test_a_name_given_twice_counts_once() -> None:
    """An engine that reads the first of two cannot see another value than the one checked."""
    body = (
        b'{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":'
        b'{"url":"https://hidden/","url":"data:image/png;base64,AA=="}}]}]}'
    )
    assert b"hidden" not in validate(CHAT_PATH, body, "m").body


TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"messages": [{"role": "hidden", "content": "a"}]}, "messages[0].role"),
        ({"messages": [{"content": "a"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": "a", "zap": 1}]}, "messages[0].zap"),
        (
            {"messages": [{"role": "user", "content": [{"type": "x"}]}]},
            "messages[0].content[0].type",
        ),
        (
            {"messages": [{"role": "user", "content": [{"text": "x"}]}]},
            "messages[0].content[0].type",
        ),
        ({"messages": [1]}, "messages[0]"),
        ({"tools": [{"type": "web_search"}]}, "tools[0].type"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [TOOL] * 129}, "tools"),
        ({"tool_choice": "any"}, "tool_choice"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"response_format": {"type": "structural_tag"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"response_format": {"type": "grammar", "grammar": "x"}}, "response_format.type"),
        ({"stop": ["a"] * 17}, "stop"),
        ({"stop": [1]}, "stop[0]"),
        ({"logit_bias": {"1": 101}}, "logit_bias"),
        ({"top_logprobs": 21}, "top_logprobs"),
        ({"n": 129}, "n"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"guided_regex": "(a+)+"}, "guided_regex"),
        ({"mm_processor_kwargs": {}}, "mm_processor_kwargs"),
        ({"chat_template": "x"}, "chat_template"),
        ({"cache_salt": "x"}, "cache_salt"),
    ],
)
def test_nested_values(body: dict[str, Any], field: str) -> None:
    assert refused(CHAT_PATH, **{**CHAT, **body}) == field


def test_what_callers_send_back_is_dropped() -> None:
    message = {
        "role": "assistant",
        "content": "a",
        "refusal": None,
        "annotations": [],
        "audio": None,
    }
    sent = accept(CHAT_PATH, messages=[message])["messages"]
    assert sent == [{"role": "assistant", "content": "a", "audio": None}]
    part = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}
    sent = accept(CHAT_PATH, messages=[{"role": "user", "content": [part]}])["messages"]
    assert sent[0]["content"] == [{"type": "text", "text": "a"}]


def schema(value: object) -> dict[str, Any]:
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": value}}
    return {**CHAT, "response_format": form}


def test_schemas_have_limits() -> None:
    nested: dict[str, Any] = {}
    for _ in range(40):
        nested = {"items": nested}
    bad: list[object] = [
        nested,
        {"maxItems": 10**9},
        {"properties": {"a": {"minLength": 3000}}},
        {"$ref": "https://hidden/schema.json"},
        {"enum": ["x"] * 1001},
        {"pattern": "a" * 600},
        {"pattern": "(a{500}){513}"},
        {"pattern": "a{9}" * 9},
        {"pattern": "(?:(?:a{99}){99}){99}"},
        {"pattern": "((([(\\]]|b){100,}){51}){2}"},
        {"maxItems": 2000, "items": {"maxItems": 2000, "items": {"maxLength": 2000}}},
        {"patternProperties": {"a{9999}": {}}},
        {"anyOf": [{}] * 25_000},
    ]
    for value in bad:
        assert refused(CHAT_PATH, **schema(value)) == "response_format.json_schema.schema"
    good = {"properties": {"maxItems": {"type": "string"}, "a": {"$ref": "#"}}, "pattern": "^a{2}$"}
    assert accept(CHAT_PATH, **schema(good))["response_format"]
    for pattern in (
        "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$",
        r"^[\w.+\-]{1,64}@([a-z0-9-]{1,63}\.){1,8}[a-z]{2,63}$",
        r"\d{4}-\d{2}-\d{2}T(\d{2}:){2}\d{2}",
        "(){}{,}{1",
    ):
        one = {"maxItems": 500, "items": {"type": "string", "pattern": pattern}}
        assert accept(CHAT_PATH, **schema(one))["response_format"]


# --- forms ---


def form(*fields: tuple[str, bytes], file: bytes | None = b"RIFF", name: str = "a.wav") -> bytes:
    parts = [
        b'Content-Disposition: form-data; name="%s"\r\n\r\n%s' % (n.encode(), v) for n, v in fields
    ]
    if file is not None:
        head = f'Content-Disposition: form-data; name="file"; filename="{name}"'
        parts.append(head.encode() + b"\r\nContent-Type: audio/wav\r\n\r\n" + file)
    return b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"


FORM = "multipart/form-data; boundary=b"
MODEL = ("model", b"m")


def test_a_form_is_written_anew() -> None:
    body = form(("model", b"m@c:1"), ("temperature", b"0.5"), ("stream", b"true"), ("prompt", b""))
    accepted = validate(SPEECH, body, "m", "m@c:1", content_type=FORM, cap=70)
    assert accepted.max_tokens == 70
    assert "boundary=b" not in accepted.content_type
    parts = parse_form(accepted.body, accepted.content_type)
    assert [part.name for part in parts] == ["model", "temperature", "stream", "file"]
    assert parts[0].data == b"m"
    assert (parts[3].data, parts[3].filename, parts[3].content_type) == (
        b"RIFF",
        "a.wav",
        "audio/wav",
    )
    named = validate(SPEECH, form(MODEL, name="../hidden.wav"), "m", content_type=FORM)
    assert b"hidden" not in named.body


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (form(MODEL, file=None), "file"),
        (form(MODEL, file=b""), "file"),
        (form(), "model"),
        (form(MODEL, MODEL), "model"),
        (form(("model", b"n")), ""),
        (form(MODEL, ("response_format", b"hidden")), "response_format"),
        (form(MODEL, ("temperature", b"hot")), "temperature"),
        (form(MODEL, ("zap", b"1")), "zap"),
        (form(MODEL, ("language", b"\xff")), "language"),
        (form(MODEL, ("prompt", b"x" * 70_000)), "prompt"),
        (form(MODEL, ("max_completion_tokens", b"80")), "max_completion_tokens"),
        (form(MODEL, *[("include[]", b"logprobs")] * 70), ""),
        (form(MODEL)[:-6], ""),
        (b"", ""),
    ],
)
def test_wrong_forms(body: bytes, field: str) -> None:
    with pytest.raises(BadRequestError) as error:
        validate(SPEECH, body, "m", content_type=FORM, cap=70)
    assert (param_of(str(error.value)) or "") == field
    assert "hidden" not in str(error.value)


def test_content_types_and_bodies_belong_together() -> None:
    for kind in ("application/json", "multipart/form-data", "multipart/form-data; boundary=a\x00"):
        with pytest.raises(BadRequestError, match="content type"):
            validate(SPEECH, form(MODEL), "m", content_type=kind)
    with pytest.raises(BadRequestError, match="content type"):
        validate(CHAT_PATH, msgspec.json.encode(CHAT), "m", content_type=FORM)
    for kind in ("", "text/plain", "application/json; charset=utf-8"):  # official ones send any
        assert validate(CHAT_PATH, msgspec.json.encode(CHAT), "m", content_type=kind)


# --- the cap ---


@pytest.mark.parametrize(
    ("body", "cap", "limit", "each"),
    [
        ({}, 100, 100, 100),
        ({"n": 3}, 100, 100, 33),
        ({"max_tokens": 100}, 100, 100, 100),
        ({"max_tokens": 101}, 100, None, None),
        ({"max_tokens": 40, "n": 3}, 100, None, None),
        ({"n": 3}, 2, None, None),
        ({}, 2**40, 2**40, 2**31 - 1),
    ],
)
def test_the_cap(body: dict[str, Any], cap: int, limit: int | None, each: int | None) -> None:
    raw = msgspec.json.encode({**CHAT, **body})
    if limit is None:
        with pytest.raises(BadRequestError):
            validate(CHAT_PATH, raw, "m", cap=cap)
        return
    accepted = validate(CHAT_PATH, raw, "m", cap=cap)
    assert accepted.max_tokens == limit
    assert msgspec.json.decode(accepted.body)["max_tokens"] == each


def test_endpoints_that_generate_nothing_have_no_tokens_to_pay() -> None:
    body = msgspec.json.encode({"model": "m", "input": "a"})
    assert validate("/v1/embeddings", body, "m").max_tokens == 0
