"""The supervisor: readiness, deaths, stopping, orphans. Children are small Python programs."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from cocoon.devnet.plan import ProcessSpec
from cocoon.devnet.ports import free_ports
from cocoon.devnet.processes import Supervisor, last_line
from cocoon.errors import UnavailableError

SERVER = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/ready" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_): pass
print("serving", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + SERVER


def spec(folder: Path, program: str, name: str = "child", timeout: float = 20.0) -> ProcessSpec:
    port = free_ports(1, 1).gateway
    return ProcessSpec(
        name=name,
        role="worker",
        command=(sys.executable, "-c", program, str(port)),
        log=folder / f"{name}.log",
        http=f"http://127.0.0.1:{port}",
        ready_path="/ready",
        start_timeout=timeout,
    )


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
def reports() -> list[tuple[str, str]]:
    return []


@pytest.fixture
async def supervisor(reports: list[tuple[str, str]]) -> Supervisor:  # type: ignore[misc]
    made = Supervisor(lambda name, state: reports.append((name, state)))
    yield made  # type: ignore[misc]
    await made.stop()
    made.close()


@pytest.mark.anyio
async def test_start_and_stop(
    tmp_path: Path, supervisor: Supervisor, reports: list[tuple[str, str]]
) -> None:
    await supervisor.start([spec(tmp_path, SERVER, "a"), spec(tmp_path, SERVER, "b")])
    pids = [child.pid for child in supervisor.children]
    assert {state for _, state in reports} == {"starting", "ready"}
    assert last_line(tmp_path / "a.log") == "serving"
    assert (tmp_path / "a.log").stat().st_mode & 0o777 == 0o600
    await supervisor.stop()
    assert all(map(gone, pids))
    assert supervisor.children == []


@pytest.mark.anyio
async def test_a_child_that_ends_at_once_is_reported_with_its_last_words(
    tmp_path: Path, supervisor: Supervisor
) -> None:
    program = "import sys; print('cocoon: it is broken', file=sys.stderr); sys.exit(2)"
    began = time.monotonic()
    with pytest.raises(UnavailableError) as caught:
        await supervisor.start([spec(tmp_path, SERVER, "good"), spec(tmp_path, program, "bad")])
    assert "bad ended with exit code 2: it is broken (log: " in str(caught.value)
    assert time.monotonic() - began < 15


@pytest.mark.anyio
async def test_a_child_that_is_never_ready(tmp_path: Path, supervisor: Supervisor) -> None:
    silent = "import time; print('waiting', flush=True); time.sleep(60)"
    with pytest.raises(UnavailableError, match=r"child was not ready after 1 s: waiting"):
        await supervisor.start([spec(tmp_path, silent, timeout=1.0)])


@pytest.mark.anyio
async def test_a_killed_child_is_noticed(tmp_path: Path, supervisor: Supervisor) -> None:
    await supervisor.start([spec(tmp_path, SERVER, "a"), spec(tmp_path, SERVER, "b")])
    waiting = asyncio.create_task(supervisor.next_death())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    os.kill(supervisor.children[1].pid, signal.SIGKILL)
    told = await asyncio.wait_for(waiting, 5)
    assert told == f"b was killed by SIGKILL (log: {tmp_path / 'b.log'})"
    assert supervisor.living("worker") == 1
    waiting = asyncio.create_task(supervisor.next_death())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    os.kill(supervisor.children[0].pid, signal.SIGKILL)
    assert "a was killed by SIGKILL" in await asyncio.wait_for(waiting, 5)
    assert supervisor.living("worker") == 0


@pytest.mark.anyio
async def test_a_child_that_ignores_sigterm_is_killed(
    tmp_path: Path, supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cocoon.devnet.processes.STOP_TIMEOUT", 0.3)
    await supervisor.start([spec(tmp_path, STUBBORN)])
    pid = supervisor.children[0].pid
    await supervisor.stop()
    assert gone(pid)


def test_orphans_stop_by_themselves(tmp_path: Path) -> None:
    """Kill a parent with SIGKILL: its pipe closes, and the role's process ends."""
    role = textwrap.dedent(
        """
        from cocoon.cli import process
        class Idle:
            async def start(self): print("up", flush=True)
            async def close(self): print("closed", flush=True)
        process.run(Idle(), "idle")
        """
    )
    parent = textwrap.dedent(
        f"""
        import asyncio, sys
        from pathlib import Path
        from cocoon.devnet.plan import ProcessSpec
        from cocoon.devnet.processes import Supervisor
        async def main():
            made = Supervisor(lambda *_: None)
            spec = ProcessSpec("idle", "worker", (sys.executable, "-c", {role!r}),
                               Path({str(tmp_path / "log")!r}), "http://127.0.0.1:1", "/", 60.0)
            await made._spawn(spec)
            print(made.children[0].pid, flush=True)
            await asyncio.sleep(60)
        asyncio.run(main())
        """
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        log = tmp_path / "log"
        try:
            wait_for(lambda: "up" in log.read_text())
            process.kill()
            wait_for(lambda: "closed" in log.read_text())
            wait_for(lambda: gone(child))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)


def wait_for(condition: object, timeout: float = 20.0) -> None:
    limit = time.monotonic() + timeout
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < limit
        time.sleep(0.02)
