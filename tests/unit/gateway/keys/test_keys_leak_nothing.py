"""What is asked, answered or secret is in no log, no metric and no ledger, however calls end."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cocoon import errors
from cocoon.gateway import Gateway
from cocoon.gateway.keys import KeyGate, KeysSettings
from cocoon.gateway.keys.admin import AdminApi
from cocoon.gateway.keys.secret import SECRET_LENGTH
from cocoon.store import sqlite_url
from cocoon.testing.scripted_client import EVENT_HEADERS, ScriptedClient, ScriptedResponse

pytestmark = pytest.mark.anyio

WORD = "zebracorn9041"
ASKED = {"role": "user", "content": WORD}
DATA = "data:image/png;base64," + base64.b64encode(WORD.encode()).decode()
CHAT = {"model": "demo", "messages": [ASKED], "user": WORD}
FORM = (
    b'--B\r\nContent-Disposition: form-data; name="model"\r\n\r\ndemo\r\n'
    b'--B\r\nContent-Disposition: form-data; name="prompt"\r\n\r\n%b\r\n'
    b'--B\r\nContent-Disposition: form-data; name="file"; filename="%b.wav"\r\n\r\n%b\r\n--B--\r\n'
) % ((WORD.encode(),) * 3)
CALLS: list[tuple[str, Any]] = [
    ("/v1/chat/completions", CHAT),
    ("/v1/chat/completions", {**CHAT, "stream": True}),
    ("/v1/chat/completions", {**CHAT, "seed": WORD}),
    ("/v1/chat/completions", {**CHAT, WORD: WORD, "tools": [{"type": WORD}]}),
    ("/v1/chat/completions", {**CHAT, "model": WORD + "\x00"}),
    ("/v1/completions", {"model": "demo", "prompt": WORD}),
    ("/v1/responses", {"model": "demo", "input": WORD, "stream": True}),
    ("/v1/responses", {"model": "demo", "input": [{"type": WORD}]}),
    ("/v1/messages", {"model": "demo", "max_tokens": 5, "messages": [ASKED], "stream": True}),
    ("/v1/messages", {"model": "demo", "max_tokens": 5, "messages": [ASKED]}),
    ("/v1/messages", {"model": "demo", "max_tokens": WORD, "messages": [ASKED]}),
    ("/v1/messages/count_tokens", {"model": "demo", "messages": [ASKED]}),
    ("/v1/embeddings", {"model": "demo", "input": [WORD]}),
    ("/v1/rerank", {"model": "demo", "query": WORD, "documents": [WORD]}),
    ("/v1/moderations", {"model": "demo", "input": WORD}),
    ("/v1/images/generations", {"model": "demo", "prompt": WORD}),
    ("/v1/audio/speech", {"model": "demo", "input": WORD, "voice": "a"}),
    ("/v1/audio/transcriptions", FORM),
    ("/v1/audio/transcriptions", FORM[:-9]),
    ("/tokenize", {"model": "demo", "prompt": WORD}),
    ("/v1/quote", CHAT),
    ("/v1/quote", {**CHAT, "endpoint": WORD}),
    ("/v1/admin/keys", {"name": 5, WORD: WORD}),
    ("/v1/responses/" + WORD, {}),
    ("/" + WORD, WORD.encode()),
    ("/v1/chat/completions", b'{"model":"demo","messages":"' + WORD.encode()),
]
SAID = json.dumps({"choices": [{"message": {"content": WORD}, "finish_reason": "stop"}]}).encode()
ERROR = json.dumps({"error": {"message": WORD, "type": WORD, "param": WORD, "code": WORD}}).encode()
CHUNK = json.dumps({"choices": [{"delta": {"content": WORD}}]}).encode()
ANSWERS: dict[str, Callable[[], Any]] = {
    "whole": lambda: ScriptedResponse([SAID]),
    "engine's error": lambda: ScriptedResponse([ERROR], status=400),
    "engine's failure": lambda: ScriptedResponse([ERROR], status=500),
    "nonsense": lambda: ScriptedResponse([WORD.encode()]),
    "broken off": lambda: ScriptedResponse(
        [b"data: " + CHUNK + b"\n\n", errors.UpstreamError(WORD)], headers=EVENT_HEADERS
    ),
    "nonsense events": lambda: ScriptedResponse(
        [b"data: " + WORD.encode() + b"\n\n"], headers=EVENT_HEADERS
    ),
    "error event": lambda: ScriptedResponse([b"data: " + ERROR + b"\n\n"], headers=EVENT_HEADERS),
    "our error": lambda: errors.UpstreamError(WORD),
    "a bug": lambda: RuntimeError(WORD),
    "a bug in a stream": lambda: ScriptedResponse(
        [b"data: " + CHUNK + b"\n\n", ValueError(WORD)], headers=EVENT_HEADERS
    ),
}


def _files(folder: Path) -> list[str]:
    return [path.read_bytes().decode("latin-1") for path in folder.iterdir()]


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS.keys())
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
async def test_nothing_is_written_down(
    answer: Callable[[], Any],
    store: str,
    make: Callable[..., Any],
    call: Any,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert store == sqlite_url(tmp_path / "keys.sqlite")
    _, key = make(scopes=("admin", "inference"))
    gate = KeyGate(KeysSettings(store=store))
    await gate.start()
    app = Gateway(
        ScriptedClient(lambda _: answer()), gate=gate, extra_routes=AdminApi(gate).routes()
    )
    secret = key[-SECRET_LENGTH:].decode()
    for path, body in CALLS:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {
            "authorization": f"Bearer {key.decode()}",
            "content-type": "multipart/form-data; boundary=B" if body is FORM else WORD,
            "x-cocoon-user": WORD,
            "x-cocoon-timeout": "1" if "quote" in path else "2",
        }
        await call(app, "POST", path, data, headers)
        wrong = {**headers, "authorization": f"Bearer {key.decode()[:-1]}!", "x-api-key": WORD}
        refused = await call(app, "POST", path, data, wrong)
        assert refused.status in (401, 404)
        assert secret[:-1].encode() not in refused.body
    await gate.close()
    written = [
        *_files(tmp_path),
        app.metrics.text().decode(),
        *capfd.readouterr(),
        caplog.text,
        repr(gate),
        repr(app),
    ]
    for text in written:
        assert WORD not in text
        assert base64.b64encode(WORD.encode()).decode()[:-4] not in text
        assert secret not in text
