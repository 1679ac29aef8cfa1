"""The example of ``cocoon.Client`` against a devnet of real processes."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anthropic
import anyio
import pytest

import cocoon

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

EXAMPLE = Path(__file__).parents[2] / "examples" / "cocoon_client.py"


def test_the_example_of_the_client(start_up: Callable[..., Any]) -> None:
    network = start_up("--simulated-ton")
    done = subprocess.run(
        [sys.executable, str(EXAMPLE)],
        env={**os.environ, "COCOON_DEVNET": str(network.state)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "at most" in done.stdout
    assert "tdx-simulated, image " in done.stdout
    network.interrupt()


ASK: Any = {
    "messages": [{"role": "user", "content": "Say hello."}],
    "max_tokens": 8,
}


def test_both_clients_and_anthropics_package(start_up: Callable[..., Any]) -> None:
    """Against one devnet: chat, stream, quote, balance and verify, and ``cocoon.transport()``."""
    network = start_up("--simulated-ton")
    with cocoon.Client(devnet=str(network.state)) as ai:
        ask = {"model": ai.models.list().data[0].id, **ASK}
        quote = ai.quote(**ask)
        answer = ai.chat.completions.create(**ask)
        assert answer.choices[0].message.content
        assert 0 < cocoon.cost_of(answer).cost_nanoton <= quote.max_cost_nanoton
        with ai.chat.completions.create(**ask, stream=True) as stream:
            assert any(chunk.choices[0].delta.content for chunk in stream if chunk.choices)
        assert ai.balance().proxies
        assert ai.verify().verified
    anyio.run(_asynchronously, str(network.state), ask)
    with anthropic.Anthropic(
        http_client=cocoon.transport(devnet=str(network.state)), api_key="unused"
    ) as claude:
        message = claude.messages.create(**ask)
        assert message.content[0].type == "text"
        with claude.messages.stream(**ask) as events:
            assert "".join(events.text_stream)
        assert claude.models.list().data[0].id == ask["model"]
    network.interrupt()


async def _asynchronously(state: str, ask: dict[str, Any]) -> None:
    async with cocoon.AsyncClient(devnet=state) as ai:
        assert (await ai.quote(**ask)).available
        assert (await ai.chat.completions.create(**ask)).choices
        async with await ai.chat.completions.create(**ask, stream=True) as stream:
            assert [chunk async for chunk in stream]
        assert (await ai.balance()).proxies
        assert (await ai.verify()).verified
