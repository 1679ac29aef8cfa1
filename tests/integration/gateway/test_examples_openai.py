"""The programs in ``examples/`` run as they are."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from cocoon.client.api import ClientRequest
from cocoon.testing.scripted_client import EVENT_HEADERS, ScriptedClient, ScriptedResponse

pytestmark = pytest.mark.anyio

EXAMPLES = Path(__file__).parents[3] / "examples"
BASE = {"id": "c", "created": 1, "model": "demo"}
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def script(request: ClientRequest) -> ScriptedResponse:
    if json.loads(request.body).get("stream"):
        chunk = {**BASE, "object": "chat.completion.chunk"}
        chunks = [
            {**chunk, "choices": [{"index": 0, "delta": {"content": "scattered light"}}]},
            {**chunk, "choices": [], "usage": USAGE},
        ]
        events = [b"data: " + json.dumps(part).encode() + b"\n\n" for part in chunks]
        return ScriptedResponse([*events, b"data: [DONE]\n\n"], headers=EVENT_HEADERS)
    message = {"role": "assistant", "content": "scattered light"}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    whole = {**BASE, "object": "chat.completion", "choices": choices, "usage": USAGE}
    return ScriptedResponse([json.dumps(whole).encode()])


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("openai_stream.py", ["scattered light", "demo: 5 tokens"]),
        ("openai_async.py", ["Name a fruit. scattered light (0.000001900 TON)"]),
    ],
)
async def test_example(gateway: Any, name: str, printed: list[str]) -> None:
    async with gateway(ScriptedClient(script)) as port:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(EXAMPLES / name),
            env={**os.environ, "COCOON_URL": f"http://127.0.0.1:{port}/v1"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    for text in printed:
        assert text in out.decode()
