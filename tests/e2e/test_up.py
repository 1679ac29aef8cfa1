"""`cocoon up` from outside: the real openai package, real processes, Ctrl-C, restarts, kills."""

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import psutil
import pytest
from openai import OpenAI

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

Start = Callable[..., Any]
"""Gives the ``RunningUp`` of conftest.py."""
MODEL = "SmolLM2-135M-Instruct"


def ask(url: str, max_tokens: int = 12) -> tuple[str, int]:
    """Stream one answer with the unmodified openai package; its text and tokens."""
    client = OpenAI(base_url=url, api_key="unused", max_retries=0)
    text, total = "", 0
    with client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Say hello."}],
        max_tokens=max_tokens,
        stream=True,
        stream_options={"include_usage": True},
    ) as stream:
        for chunk in stream:
            if chunk.usage is not None:
                total = chunk.usage.total_tokens
            for choice in chunk.choices:
                text += choice.delta.content or ""
    return text, total


def long_stream(url: str) -> openai.Stream[Any]:
    return OpenAI(base_url=url, api_key="unused", max_retries=0).chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": "Count from one to one hundred."}],
        max_tokens=400,
        stream=True,
    )


def wait_for(condition: Callable[[], bool], timeout: float = 15.0) -> None:
    limit = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.05)


def test_two_workers_openai_interrupt_and_restart(start_up: Start, tmp_path: Path) -> None:
    network = start_up("--workers", "2")
    assert len(network.facts["workers"]) == 2
    text, used = ask(network.url)
    assert text
    assert used > 0
    wait_for(lambda: network.signed() == (used, used))
    models = OpenAI(base_url=network.url, api_key="unused").models.list().data
    assert [model.id for model in models] == [MODEL]

    assert network.interrupt() < 10
    assert not (tmp_path / "state" / "network.json").exists()

    again = start_up("--workers", "2")
    wait_for(lambda: again.signed() == (used, used))
    _, more = ask(again.url)
    wait_for(lambda: again.signed() == (used + more, used + more))
    with long_stream(again.url) as stream:
        next(iter(stream))
        assert again.interrupt() < 10
        with contextlib.suppress(openai.APIError):
            list(stream)  # it may have ended within the grace time


def test_a_second_network_in_the_same_state_is_refused(start_up: Start) -> None:
    network = start_up("--simulated-ton")
    second = subprocess.run(
        [sys.executable, "-m", "cocoon", "up", "--port", "0", "--state", str(network.state)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert second.returncode == 2
    assert "cocoon: a network already runs in" in second.stderr
    assert network.url in second.stderr
    assert network.process.poll() is None
    assert ask(network.url)[0]
    network.interrupt()


def test_nothing_survives_a_killed_parent(start_up: Start) -> None:
    network = start_up()
    members = network.members()
    assert len(members) == 5  # chain, client, proxy, worker, engine
    network.process.kill()
    network.process.wait()
    _, alive = psutil.wait_procs(members, timeout=20)
    assert not alive


def test_a_killed_worker_is_reported_and_the_other_answers(start_up: Start) -> None:
    """One of two workers is killed in mid-stream: that answer breaks off, the next one is whole."""
    network = start_up("--workers", "2", "--simulated-ton")
    with long_stream(network.url) as stream:
        next(iter(stream))
        busy_worker(network).kill()
        with pytest.raises(openai.APIError):
            list(stream)
    wait_for(lambda: "was killed by SIGKILL" in network.output.read_text())
    text, used = ask(network.url)
    assert text
    wait_for(lambda: client_signed(network) >= used)
    assert client_signed(network) == used  # the broken answer costs nothing
    network.interrupt()


def client_signed(network: Any) -> int:
    page = network.stats(network.url.removesuffix("/v1"))
    return sum(item["signed_tokens"] for item in page["proxies"])


def busy_worker(network: Any) -> psutil.Process:
    """The worker whose status page shows a running request."""
    for number, url in enumerate(network.facts["workers"], 1):
        if network.stats(url)["stats"]["active"] > 0:
            for process in psutil.Process(network.process.pid).children():
                if f"worker-{number}/" in " ".join(process.cmdline()):
                    return process
    raise AssertionError("no worker is busy")
