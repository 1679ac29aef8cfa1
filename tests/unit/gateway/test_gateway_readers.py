"""What each endpoint's reader accepts, refuses, and makes of a call."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest

from cocoon.gateway.reading.embeddings import pack_vector, read_embeddings, unpack_vector
from cocoon.gateway.reading.incoming import Incoming, InferenceCall, Reader
from cocoon.gateway.reading.media import read_images, read_speech
from cocoon.gateway.reading.multipart import parse_form
from cocoon.gateway.reading.texts import (
    read_detokenize,
    read_moderation,
    read_rerank,
    read_tokenize,
)
from cocoon.gateway.reading.transcription import read_transcription, read_translation
from cocoon.gateway.refusal import Refusal
from cocoon.gateway.settings import GatewaySettings
from cocoon.testing.scripted_client import SUMMARY

SETTINGS = GatewaySettings()
NONE: Mapping[bytes, bytes] = {}


def read(
    reader: Reader, fields: dict[str, Any], headers: Mapping[bytes, bytes] = NONE
) -> InferenceCall:
    body = json.dumps({"model": "demo", **fields}).encode()
    return reader(Incoming("/x", body, headers), SETTINGS)


def sent(call: InferenceCall) -> dict[str, Any]:
    result = json.loads(call.request.body)
    assert isinstance(result, dict)
    return result


GOOD: list[tuple[Reader, dict[str, Any], str, set[str]]] = [
    (read_embeddings, {"input": "a"}, "/v1/embeddings", {"embeddings"}),
    (read_embeddings, {"input": ["a", "b"], "dimensions": 3}, "/v1/embeddings", {"embeddings"}),
    (read_embeddings, {"input": [1, 2]}, "/v1/embeddings", {"embeddings"}),
    (read_embeddings, {"input": [[1], [2]]}, "/v1/embeddings", {"embeddings"}),
    (read_rerank, {"query": "a", "documents": ["b", {"text": "c"}]}, "/v1/rerank", {"rerank"}),
    (read_moderation, {"input": "a"}, "/v1/moderations", {"moderations"}),
    (read_moderation, {"input": ["a", "b"]}, "/v1/moderations", {"moderations"}),
    (
        read_moderation,
        {"input": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]},
        "/v1/moderations",
        {"moderations", "image-input"},
    ),
    (read_tokenize, {"prompt": "a"}, "/tokenize", {"tokenize"}),
    (
        read_tokenize,
        {"messages": [{"role": "user", "content": "a"}]},
        "/tokenize",
        {"tokenize"},
    ),
    (read_detokenize, {"tokens": [1, 2]}, "/detokenize", {"tokenize"}),
    (read_images, {"prompt": "a cat", "n": 2}, "/v1/images/generations", {"images"}),
    (read_speech, {"input": "a", "voice": "x"}, "/v1/audio/speech", {"speech"}),
]


@pytest.mark.parametrize(("reader", "fields", "path", "needs"), GOOD)
def test_every_endpoint_says_where_it_goes_and_what_it_needs(
    reader: Reader, fields: dict[str, Any], path: str, needs: set[str]
) -> None:
    call = read(reader, {**fields, "user": "u", "max_cost": 7, "metadata": {"a": "b"}})
    assert (call.request.path, set(call.request.requires)) == (path, needs)
    assert (call.user, call.max_cost) == ("u", 7)
    assert not {"user", "max_cost", "metadata"} & sent(call).keys()


BAD: list[tuple[Reader, dict[str, Any], str, str]] = [
    (read_embeddings, {}, "input", "missing_required_parameter"),
    (read_embeddings, {"input": ""}, "input", "invalid_value"),
    (read_embeddings, {"input": 5}, "input", "invalid_type"),
    (read_embeddings, {"input": []}, "input", "empty_array"),
    (read_embeddings, {"input": ["a", 5]}, "input[1]", "invalid_type"),
    (read_embeddings, {"input": ["a", ""]}, "input[1]", "invalid_value"),
    (read_embeddings, {"input": ["a"] * 2049}, "input", "array_above_max_length"),
    (read_embeddings, {"input": "a", "dimensions": 0}, "dimensions", "integer_below_min_value"),
    (read_embeddings, {"input": "a", "encoding_format": "x"}, "encoding_format", "invalid_value"),
    (read_rerank, {"query": "a"}, "documents", "missing_required_parameter"),
    (read_rerank, {"query": "", "documents": ["a"]}, "query", "empty_string"),
    (read_rerank, {"query": "a", "documents": []}, "documents", "empty_array"),
    (read_rerank, {"query": "a", "documents": [1]}, "documents[0]", "invalid_type"),
    (
        read_rerank,
        {"query": "a", "documents": [{}]},
        "documents[0].text",
        "missing_required_parameter",
    ),
    (read_moderation, {"input": 5}, "input", "invalid_type"),
    (read_moderation, {"input": []}, "input", "empty_array"),
    (read_moderation, {"input": ["a", {}]}, "input", "invalid_value"),
    (read_tokenize, {}, "prompt", "invalid_value"),
    (read_tokenize, {"prompt": "a", "messages": []}, "prompt", "invalid_value"),
    (read_tokenize, {"prompt": 5}, "prompt", "invalid_type"),
    (read_detokenize, {"tokens": ["a"]}, "tokens", "invalid_type"),
    (read_detokenize, {"tokens": "a"}, "tokens", "invalid_type"),
    (read_images, {"prompt": ""}, "prompt", "empty_string"),
    (read_images, {"prompt": "a", "n": 11}, "n", "integer_above_max_value"),
    (
        read_images,
        {"prompt": "a", "response_format": "url"},
        "response_format",
        "unsupported_parameter",
    ),
    (read_images, {"prompt": "a", "stream": True}, "stream", "unsupported_parameter"),
    (read_images, {"prompt": "a", "store": True}, "store", "unsupported_parameter"),
    (read_speech, {"input": "a"}, "voice", "missing_required_parameter"),
    (read_speech, {"input": "a" * 5000, "voice": "x"}, "input", "string_above_max_length"),
    (read_speech, {"input": "a", "voice": "x", "speed": 9}, "speed", "decimal_above_max_value"),
]


@pytest.mark.parametrize(("reader", "fields", "param", "code"), BAD)
def test_mistakes_are_named(reader: Reader, fields: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        read(reader, fields)
    refusal = refused.value
    assert (refusal.status, refusal.param, refusal.code) == (400, param, code)


# --- vectors ---

VECTOR = [0.5, -1.25, 3.0]
FLOATS = b'{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-1.25,3]}],'
REST = b'"model":"m","usage":{"prompt_tokens":1,"total_tokens":1}}'


def test_vectors_come_in_the_form_that_was_asked_for() -> None:
    packed = pack_vector(VECTOR)
    assert unpack_vector(packed.decode()) == VECTOR
    texts = FLOATS.replace(b"[0.5,-1.25,3]", b'"' + packed + b'"') + REST
    for asked, engine in (("base64", FLOATS + REST), ("float", texts), (None, texts)):
        fields = {"input": "a"} if asked is None else {"input": "a", "encoding_format": asked}
        answer = json.loads(read(read_embeddings, fields).shape.whole(200, engine, SUMMARY))
        got = answer["data"][0]["embedding"]
        assert got == (packed.decode() if asked == "base64" else VECTOR)
        assert answer["usage"]["total_tokens"] == 1
        assert answer["cocoon"]["cost_nanoton"] == 1900


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b'{"data":[{}]}',
        b'{"data":[{"embedding":["a"]}]}',
        b'{"data":[{"embedding":{}}]}',
        b'{"data":[{"embedding":[1e999]}]}',
        b"\xff",
    ],
)
def test_an_answer_without_vectors_is_the_engines_failure(body: bytes) -> None:
    from cocoon.errors import UpstreamError

    call = read(read_embeddings, {"input": "a", "encoding_format": "base64"})
    with pytest.raises(UpstreamError):
        call.shape.whole(200, body, None)


# --- forms ---

BOUNDARY = "xyz"
FORM_TYPE = {b"content-type": b"multipart/form-data; boundary=xyz"}


def form(*parts: tuple[str, str], file: bytes | None = b"RIFFdata", name: str = "a b.WAV") -> bytes:
    out = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
        for key, value in parts
    ).encode()
    if file is not None:
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
            "Content-Type: audio/wav\r\n\r\n"
        )
        out += head.encode() + file + b"\r\n"
    return out + f"--{BOUNDARY}--\r\n".encode()


def transcribe(body: bytes, reader: Reader = read_transcription) -> InferenceCall:
    return reader(Incoming("/x", body, FORM_TYPE), SETTINGS)


def test_a_form_is_written_anew_without_our_fields_or_the_files_name() -> None:
    call = transcribe(
        form(
            ("model", "demo"),
            ("language", "de"),
            ("max_coefficient", "1500"),
            ("timeout", "7.5"),
            ("user", "17"),
            ("pin", '{"evidence":["tdx"]}'),
            ("timestamp_granularities[]", "word"),
            ("timestamp_granularities[]", "segment"),
        )
    )
    request = call.request
    assert (request.model, request.path) == ("demo", "/v1/audio/transcriptions")
    assert (request.max_coefficient, request.timeout, call.user) == (1500, 7.5, "17")
    assert request.pins.evidence == frozenset({"tdx"})
    assert request.requires == ("transcriptions",)
    kind = dict(request.headers)["Content-Type"].encode()
    parts = parse_form(request.body, kind)
    assert [part.name for part in parts] == [
        "model",
        "language",
        "timestamp_granularities[]",
        "timestamp_granularities[]",
        "file",
    ]
    assert (parts[-1].filename, parts[-1].data) == ("audio.wav", b"RIFFdata")
    assert b"a b" not in request.body
    assert transcribe(form(("model", "demo")), read_translation).request.requires == (
        "translations",
    )
    assert transcribe(form(("model", "demo"), ("stream", "true"))).stream


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (form(("language", "de")), "model"),
        (form(("model", "demo"), file=None), "file"),
        (form(("model", "demo"), file=b""), "file"),
        (form(("model", "demo"), ("file", "x"), file=None), "file"),
        (form(("model", "demo"), ("temperature", "hot")), "temperature"),
        (form(("model", "demo"), ("temperature", "2")), "temperature"),
        (form(("model", "demo"), ("response_format", "xml")), "response_format"),
        (form(("model", "demo"), ("prompt", "x" * 70_000)), "prompt"),
        (form(("model", "demo"), ("pin", "{")), "pin"),
        (form(("model", "demo"), ("timeout", "0")), "timeout"),
        (form(("model", "demo"), ("store", "true")), "store"),
        (form(("model", "demo"), ("model", "other")), None),
        (form(("model", "demo"), ("a b", "other")), None),
        (form(*[(f"f{n}", "1") for n in range(70)]), None),
        (b"", None),
        (b"--xyz\r\n", None),
        (form(("model", "demo"))[:-8], None),
        (b"{}", None),
    ],
)
def test_forms_with_mistakes_are_refused(body: bytes, param: str | None) -> None:
    with pytest.raises(Refusal) as refused:
        transcribe(body)
    assert (refused.value.status, refused.value.param) == (400, param)


def test_a_form_needs_its_content_type() -> None:
    for kind in (b"application/json", b"", b"multipart/form-data", b"multipart/form-data; x=y"):
        with pytest.raises(Refusal):
            read_transcription(Incoming("/x", form(), {b"content-type": kind}), SETTINGS)


@pytest.mark.parametrize("after", [b"--xyz--\r\nsecret", b"--xyz-secret", b"secret"])
def test_a_form_that_cannot_be_read_is_not_logged(
    after: bytes, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with suppress(Refusal):
        parse_form(form()[:-9] + after, FORM_TYPE[b"content-type"])
    with suppress(Refusal):
        parse_form(b"secret", FORM_TYPE[b"content-type"])
    assert not caplog.records
    assert not capfd.readouterr().err
