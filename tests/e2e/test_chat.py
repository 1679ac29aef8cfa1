"""`cocoon chat`: against a running network, and with one of its own."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


def chat(state: Path, script: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cocoon", "chat", "--state", str(state), *options],
        input=script,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_conversation_with_a_running_network(start_up: Callable[..., Any]) -> None:
    network = start_up("--simulated-ton")
    done = chat(network.state, "Say hello.\n/new\n/what\n\nSay hi.\n/quit\nnever read\n")
    assert done.returncode == 0, done.stderr
    assert f"Talking to SmolLM2-135M-Instruct at {network.url}" in done.stderr
    assert len(re.findall(r"^\[\d+ tokens, 0\.\d+ TON, ", done.stderr, re.MULTILINE)) == 2, (
        done.stderr
    )
    assert "New conversation." in done.stderr
    assert done.stderr.count("/new begins") == 2
    assert done.stdout.count("> ") == 6
    refused = chat(network.state, "Hello\n", "--model", "no-such-model")
    assert refused.returncode == 0
    assert "failed: " in refused.stderr
    network.interrupt()


def test_a_network_of_its_own_and_ctrl_c(tmp_path: Path) -> None:
    state = tmp_path / "state"
    control, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "cocoon", "chat", "--state", str(state)],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    limit = time.monotonic() + 50

    def read_until(*marks: bytes) -> None:
        shown = b""
        while not all(mark in shown for mark in marks) or not shown.endswith(marks[-1]):
            assert time.monotonic() < limit, shown
            shown += os.read(control, 4096)

    try:
        read_until(b"Talking to", b"> ")
        members = psutil.Process(process.pid).children(recursive=True)
        assert len(members) == 5  # chain, proxy, worker, engine, client
        time.sleep(
            0.5
        )  # a signal between the prompt and the wait for a key is seen at the next key
        os.write(control, b"Tell me a very long story.\n")
        read_until(b"story.", b"\r\n")
        time.sleep(0.5)  # it is asking, or answering already
        process.send_signal(signal.SIGINT)
        read_until(b"stopped", b"> ")
        assert all(member.is_running() for member in members)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 130
        assert not psutil.wait_procs(members, timeout=5)[1]
    finally:
        process.kill()
        process.wait()
        os.close(control)
